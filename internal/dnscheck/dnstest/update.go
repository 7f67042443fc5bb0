package dnstest

import (
	"errors"

	"github.com/miekg/dns"
)

// acceptUpdates lets updates through, which a server does not take by default.
func acceptUpdates(h dns.Header) dns.MsgAcceptAction {
	if opcode := int(h.Bits>>11) & 0xF; opcode == dns.OpcodeUpdate {
		return dns.MsgAccept
	}
	return dns.DefaultMsgAcceptFunc(h)
}

// keyring looks the server's keys up at the time they are needed.
type keyring struct{ s *Server }

func (k keyring) Generate(msg []byte, t *dns.TSIG) ([]byte, error) {
	return tsig(k.s, t).Generate(msg, t)
}

func (k keyring) Verify(msg []byte, t *dns.TSIG) error { return tsig(k.s, t).Verify(msg, t) }

func tsig(s *Server, t *dns.TSIG) dns.TsigProvider {
	s.mu.Lock()
	defer s.mu.Unlock()
	secret, ok := s.keys[t.Hdr.Name]
	if !ok {
		return unknownKey{}
	}
	return hmacKey(secret)
}

type unknownKey struct{}

func (unknownKey) Generate([]byte, *dns.TSIG) ([]byte, error) { return nil, dns.ErrSecret }
func (unknownKey) Verify([]byte, *dns.TSIG) error             { return dns.ErrSecret }

// update carries an update out (RFC 2136 section 3.4), or refuses it as BIND
// would.
func (s *Server) update(w dns.ResponseWriter, r, reply *dns.Msg) {
	if !s.allowed(w, r, reply) {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	zone := s.zones[dns.CanonicalName(r.Question[0].Name)]
	if zone == nil {
		reply.Rcode = dns.RcodeNotAuth
		return
	}
	for _, rr := range r.Ns {
		s.apply(zone, rr)
	}
}

func (s *Server) apply(zone map[string][]dns.RR, rr dns.RR) {
	name := dns.CanonicalName(rr.Header().Name)
	switch rr.Header().Class {
	case dns.ClassANY: // a whole record set
		zone[name] = without(zone[name], func(other dns.RR) bool { return other.Header().Rrtype == rr.Header().Rrtype })
	case dns.ClassNONE: // one record
		same := dns.Copy(rr)
		same.Header().Class = dns.ClassINET
		zone[name] = without(zone[name], func(other dns.RR) bool { return dns.IsDuplicate(same, other) })
	default:
		s.insert(rr)
	}
}

func without(records []dns.RR, gone func(dns.RR) bool) []dns.RR {
	var left []dns.RR
	for _, rr := range records {
		if !gone(rr) {
			left = append(left, rr)
		}
	}
	return left
}

func (s *Server) open() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.keys) == 0
}

// allowed answers an update that is not signed by a known key as RFC 8945
// section 5.2 has it.
func (s *Server) allowed(w dns.ResponseWriter, r, reply *dns.Msg) bool {
	signed := r.IsTsig()
	if s.open() {
		return true
	}
	if signed == nil {
		reply.Rcode = dns.RcodeRefused
		return false
	}
	err := w.TsigStatus()
	if err == nil {
		reply.SetTsig(signed.Hdr.Name, signed.Algorithm, 300, int64(signed.TimeSigned))
		return true
	}
	reply.Rcode = dns.RcodeNotAuth
	code := uint16(dns.RcodeBadSig)
	switch {
	case errors.Is(err, dns.ErrSecret):
		code = dns.RcodeBadKey
	case errors.Is(err, dns.ErrTime):
		code = dns.RcodeBadTime
	}
	reply.Extra = append(reply.Extra, &dns.TSIG{
		Hdr:       dns.RR_Header{Name: signed.Hdr.Name, Rrtype: dns.TypeTSIG, Class: dns.ClassANY},
		Algorithm: signed.Algorithm, TimeSigned: signed.TimeSigned, Fudge: 300, OrigId: r.Id, Error: code,
	})
	return false
}
