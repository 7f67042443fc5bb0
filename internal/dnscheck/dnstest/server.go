package dnstest

import (
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/miekg/dns"
)

// Server answers for its zones with authority.
type Server struct {
	// Address is host:port, Host and Port its parts.
	Address, Host, Port string

	t     testing.TB
	mu    sync.Mutex
	keys  map[string]string
	zones map[string]map[string][]dns.RR // by apex, by owner
	rcode map[string]int                 // by name: what is answered in any case
	asked map[string]int                 // "NAME TYPE" -> how often
	stop  []func()
}

// Start runs a server on a loopback address of its own and the given port; ""
// takes a free one.
func Start(t testing.TB, host, port string) *Server {
	t.Helper()
	s := &Server{t: t, Host: host, keys: map[string]string{}, zones: map[string]map[string][]dns.RR{}, rcode: map[string]int{}, asked: map[string]int{}}
	packets, listener := listen(t, host, port)
	s.Address = packets.LocalAddr().String()
	_, s.Port, _ = net.SplitHostPort(s.Address)
	s.serve(&dns.Server{PacketConn: packets, Handler: s, TsigProvider: keyring{s}, MsgAcceptFunc: acceptUpdates})
	s.serve(&dns.Server{Listener: listener, Handler: s, TsigProvider: keyring{s}, MsgAcceptFunc: acceptUpdates})
	t.Cleanup(s.Stop)
	return s
}

// listen takes one port for both protocols.
func listen(t testing.TB, host, port string) (net.PacketConn, net.Listener) {
	t.Helper()
	if port == "" {
		port = "0"
	}
	var last error
	for range 20 {
		packets, err := net.ListenPacket("udp", net.JoinHostPort(host, port))
		if err != nil {
			t.Fatal(err)
		}
		listener, err := net.Listen("tcp", packets.LocalAddr().String())
		if err == nil {
			return packets, listener
		}
		last = err
		_ = packets.Close()
	}
	t.Fatal(last)
	return nil, nil
}

func (s *Server) serve(server *dns.Server) {
	started := make(chan struct{})
	server.NotifyStartedFunc = func() { close(started) }
	go func() { _ = server.ActivateAndServe() }()
	<-started
	s.stop = append(s.stop, func() { _ = server.Shutdown() })
}

// Stop lets nobody be answered any more.
func (s *Server) Stop() {
	for _, stop := range s.stop {
		stop()
	}
	s.stop = nil
}

// Zone adds a zone, with a SOA record and those given in the form of a zone
// file. Names must end in a dot.
func (s *Server) Zone(apex string, records ...string) {
	s.t.Helper()
	s.mu.Lock()
	s.zones[apex] = map[string][]dns.RR{}
	s.mu.Unlock()
	s.Add(apex + " 60 IN SOA ns." + apex + " root." + apex + " 1 3600 600 86400 60")
	s.Add(records...)
}

// Add puts records into the zones they belong to.
func (s *Server) Add(records ...string) {
	s.t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, text := range records {
		rr, err := dns.NewRR(text)
		if err != nil {
			s.t.Fatal(err)
		}
		s.insert(rr)
	}
}

func (s *Server) insert(rr dns.RR) {
	name := dns.CanonicalName(rr.Header().Name)
	zone := s.zones[s.apex(name)]
	if zone == nil {
		s.t.Errorf("no zone for %s", name)
		return
	}
	if !slices.ContainsFunc(zone[name], func(other dns.RR) bool { return dns.IsDuplicate(rr, other) }) {
		zone[name] = append(zone[name], rr)
	}
}

// Remove takes all records of a name away.
func (s *Server) Remove(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.zones[s.apex(name)], name)
}

// Key lets a TSIG key update: its name with the final dot, its secret in
// base64. Without any, everybody may.
func (s *Server) Key(name, secret string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.keys[name] = secret
}

// Always answers every question about a name with one code.
func (s *Server) Always(name string, rcode int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rcode[name] = rcode
}

// TXT gives the values at a name, sorted.
func (s *Server) TXT(name string) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var values []string
	for _, rr := range s.zones[s.apex(name)][name] {
		if txt, ok := rr.(*dns.TXT); ok {
			values = append(values, strings.Join(txt.Txt, ""))
		}
	}
	slices.Sort(values)
	return values
}

// Asked tells how often a question came, such as "example.test. SOA".
func (s *Server) Asked(question string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.asked[question]
}

// apex is the deepest zone here that a name is in.
func (s *Server) apex(name string) string {
	best := ""
	for apex := range s.zones {
		if dns.IsSubDomain(apex, name) && len(apex) > len(best) {
			best = apex
		}
	}
	return best
}

// ServeDNS answers one message.
func (s *Server) ServeDNS(w dns.ResponseWriter, r *dns.Msg) {
	reply := new(dns.Msg).SetReply(r)
	if r.Opcode == dns.OpcodeUpdate {
		s.update(w, r, reply)
	} else {
		s.mu.Lock()
		s.asked[fmt.Sprintf("%s %s", dns.CanonicalName(r.Question[0].Name), dns.TypeToString[r.Question[0].Qtype])]++
		s.answer(r.Question[0], reply)
		s.mu.Unlock()
	}
	if _, udp := w.LocalAddr().(*net.UDPAddr); udp {
		size := dns.MinMsgSize
		if opt := r.IsEdns0(); opt != nil {
			size = int(opt.UDPSize())
		}
		reply.Truncate(size)
	}
	if err := w.WriteMsg(reply); err != nil {
		s.t.Logf("dnstest: %v", err)
	}
}

func (s *Server) answer(q dns.Question, reply *dns.Msg) {
	name := dns.CanonicalName(q.Name)
	if code, ok := s.rcode[name]; ok {
		reply.Rcode = code
		return
	}
	apex := s.apex(name)
	if apex == "" {
		reply.Rcode = dns.RcodeRefused
		return
	}
	zone := s.zones[apex]
	if ns := cut(zone, apex, name); ns != nil {
		reply.Ns = ns
		return
	}
	reply.Authoritative = true
	for _, rr := range zone[name] {
		if rr.Header().Rrtype == q.Qtype || rr.Header().Rrtype == dns.TypeCNAME {
			reply.Answer = append(reply.Answer, rr)
		}
	}
	if len(reply.Answer) > 0 {
		return
	}
	reply.Ns = soa(zone, apex)
	if !exists(zone, name) {
		reply.Rcode = dns.RcodeNameError
	}
}

// cut gives the NS records of a zone below that a name is in.
func cut(zone map[string][]dns.RR, apex, name string) []dns.RR {
	for owner, records := range zone {
		if owner == apex || !dns.IsSubDomain(owner, name) {
			continue
		}
		var ns []dns.RR
		for _, rr := range records {
			if rr.Header().Rrtype == dns.TypeNS {
				ns = append(ns, rr)
			}
		}
		if len(ns) > 0 {
			return ns
		}
	}
	return nil
}

func soa(zone map[string][]dns.RR, apex string) []dns.RR {
	for _, rr := range zone[apex] {
		if rr.Header().Rrtype == dns.TypeSOA {
			return []dns.RR{rr}
		}
	}
	return nil
}

func exists(zone map[string][]dns.RR, name string) bool {
	for owner, records := range zone {
		if len(records) > 0 && dns.IsSubDomain(name, owner) {
			return true
		}
	}
	return false
}
