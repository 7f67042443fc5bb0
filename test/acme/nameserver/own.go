package nameserver

import (
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"

	"github.com/miekg/dns"
)

// own is our own server: as much of an authoritative server as BIND's part in
// the tests asks for.
type own struct {
	key string // the name of the key that may update and transfer

	mu      sync.Mutex
	records map[string][]dns.RR // by zone, the SOA first
}

func (s *Server) startOwn(host string) error {
	s.Program = "own"
	o := &own{key: dns.Fqdn(s.Key.Name), records: map[string][]dns.RR{}}
	for _, z := range zonesAt(host) {
		if err := o.load(z, host); err != nil {
			return err
		}
	}
	packets, err := net.ListenPacket("udp", s.Address)
	if err != nil {
		return err
	}
	stream, err := net.Listen("tcp", s.Address)
	if err != nil {
		return errors.Join(err, packets.Close())
	}
	secrets := map[string]string{dns.Fqdn(s.Key.Name): s.Key.Secret, dns.Fqdn(s.Powerless.Name): s.Powerless.Secret}
	servers := []*dns.Server{
		{PacketConn: packets, Handler: o, TsigSecret: secrets, MsgAcceptFunc: accept},
		{Listener: stream, Handler: o, TsigSecret: secrets, MsgAcceptFunc: accept},
	}
	for _, server := range servers {
		started := make(chan struct{})
		server.NotifyStartedFunc = func() { close(started) }
		go func() { _ = server.ActivateAndServe() }() // until close
		<-started
	}
	s.close = func() {
		for _, server := range servers {
			_ = server.Shutdown() // it runs, so it can be ended
		}
	}
	return nil
}

func (o *own) load(z zone, host string) error {
	parser := dns.NewZoneParser(strings.NewReader(z.file(host)), "", z.name)
	for record, more := parser.Next(); more; record, more = parser.Next() {
		o.records[dns.Fqdn(z.name)] = append(o.records[dns.Fqdn(z.name)], record)
	}
	return parser.Err()
}

// accept takes updates too, which the library refuses unless told.
func accept(header dns.Header) dns.MsgAcceptAction {
	if opcode := int(header.Bits>>11) & 0xF; opcode == dns.OpcodeUpdate {
		return dns.MsgAccept
	}
	return dns.DefaultMsgAcceptFunc(header)
}

// ServeDNS answers one message. What was signed is answered signed, and what
// was signed wrongly is told so (RFC 8945 5.2).
func (o *own) ServeDNS(w dns.ResponseWriter, message *dns.Msg) {
	answer := new(dns.Msg).SetReply(message)
	answer.Authoritative = true
	signature := message.IsTsig()
	switch {
	case signature != nil && w.TsigStatus() != nil:
		answer.Rcode = dns.RcodeNotAuth
	case len(message.Question) != 1:
		answer.Rcode = dns.RcodeFormatError
	default:
		o.serve(answer, message, signature != nil && signature.Hdr.Name == o.key)
	}
	if signature != nil {
		answer.SetTsig(signature.Hdr.Name, signature.Algorithm, 300, int64(signature.TimeSigned))
		answer.IsTsig().Error = tsigError(w.TsigStatus()) // with an error it stays without a signature
	}
	_ = w.WriteMsg(answer) // whoever asked has gone, then
}

// tsigError is what a signature's fault is called on the wire.
func tsigError(err error) uint16 {
	switch {
	case err == nil:
		return dns.RcodeSuccess
	case errors.Is(err, dns.ErrSecret):
		return dns.RcodeBadKey
	default:
		return dns.RcodeBadSig
	}
}

func (o *own) serve(answer, message *dns.Msg, mayChange bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	question := message.Question[0]
	zone := o.zoneOf(question.Name)
	switch {
	case zone == "":
		answer.Authoritative, answer.Rcode = false, dns.RcodeRefused
	case message.Opcode == dns.OpcodeUpdate && (!mayChange || zone != dns.Fqdn(DNSZone)),
		question.Qtype == dns.TypeAXFR && !mayChange:
		answer.Rcode = dns.RcodeRefused
	case message.Opcode == dns.OpcodeUpdate:
		answer.Rcode = o.update(zone, message.Ns)
	case question.Qtype == dns.TypeAXFR:
		answer.Answer = append(append([]dns.RR{}, o.records[zone]...), o.records[zone][0])
	default:
		o.lookUp(answer, zone, question.Name, question.Qtype)
	}
}

func (o *own) zoneOf(name string) string {
	for zone := range o.records {
		if dns.IsSubDomain(zone, strings.ToLower(name)) {
			return zone
		}
	}
	return ""
}

// lookUp follows RFC 1034 4.3.2 as far as one zone goes: the name itself, an
// alias, a wildcard, and the difference of a name without such records
// (an empty answer) from no such name (NXDOMAIN).
func (o *own) lookUp(answer *dns.Msg, zone, name string, wanted uint16) {
	exact := o.at(zone, func(owner string) bool { return strings.EqualFold(owner, name) })
	if len(exact) == 0 && !o.isBetween(zone, name) {
		exact = o.at(zone, func(owner string) bool { return owner == "*."+zone })
		if len(exact) == 0 {
			answer.Rcode = dns.RcodeNameError
		}
	}
	for _, record := range exact {
		kind := record.Header().Rrtype
		if kind == wanted || kind == dns.TypeCNAME {
			found := dns.Copy(record)
			found.Header().Name = name
			answer.Answer = append(answer.Answer, found)
		}
	}
	if alias := aliasIn(exact, wanted); alias != "" && dns.IsSubDomain(zone, alias) {
		o.lookUp(answer, zone, alias, wanted)
	} else if len(answer.Answer) == 0 {
		answer.Ns = append(answer.Ns, o.records[zone][0])
	}
}

// aliasIn is where the last of the records leads, if it is an alias that was not
// asked for itself.
func aliasIn(records []dns.RR, wanted uint16) string {
	if n := len(records); n > 0 && wanted != dns.TypeCNAME {
		if alias, is := records[n-1].(*dns.CNAME); is {
			return alias.Target
		}
	}
	return ""
}

func (o *own) at(zone string, is func(owner string) bool) []dns.RR {
	var found []dns.RR
	for _, record := range o.records[zone] {
		if is(record.Header().Name) {
			found = append(found, record)
		}
	}
	return found
}

// isBetween tells of a name that has names below it and no records (RFC 4592 2.2.2).
func (o *own) isBetween(zone, name string) bool {
	return len(o.at(zone, func(owner string) bool { return dns.IsSubDomain(strings.ToLower(name), owner) })) > 0
}

// update applies the changes of RFC 2136 2.5, of TXT records only.
func (o *own) update(zone string, changes []dns.RR) int {
	for _, change := range changes {
		if kind := change.Header().Rrtype; kind != dns.TypeTXT || !dns.IsSubDomain(zone, change.Header().Name) {
			return dns.RcodeRefused
		}
	}
	for _, change := range changes {
		header := change.Header()
		kept := o.records[zone][:0:0]
		for _, record := range o.records[zone] {
			if !replaced(record, change) {
				kept = append(kept, record)
			}
		}
		if header.Class == dns.ClassINET {
			kept = append(kept, dns.Copy(change))
		}
		o.records[zone] = kept
	}
	return dns.RcodeSuccess
}

// replaced tells whether a change takes a record away: class ANY all of a name
// and type, class NONE the same value, and a value that is added again is one.
func replaced(record, change dns.RR) bool {
	mine, theirs := record.Header(), change.Header()
	if mine.Rrtype != theirs.Rrtype || !strings.EqualFold(mine.Name, theirs.Name) {
		return false
	}
	return theirs.Class == dns.ClassANY || fmt.Sprint(record.(*dns.TXT).Txt) == fmt.Sprint(change.(*dns.TXT).Txt)
}
