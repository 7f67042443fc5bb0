package dnstest

import (
	"net"
	"sync/atomic"
	"testing"

	"github.com/miekg/dns"
)

// Resolver answers recursively from the zones of some servers, whichever of
// them has the deepest one. It remembers nothing.
type Resolver struct {
	// Address is host:port.
	Address string
	// Asked counts questions.
	Asked   atomic.Int64
	servers []*Server
}

// Resolve runs a resolver over servers. Beside their zones it knows a root
// that has none of the names they do not have.
func Resolve(t testing.TB, servers ...*Server) *Resolver {
	t.Helper()
	r := &Resolver{servers: servers}
	packets, listener := listen(t, "127.0.0.1", "")
	r.Address = packets.LocalAddr().String()
	for _, server := range []*dns.Server{{PacketConn: packets, Handler: r}, {Listener: listener, Handler: r}} {
		started := make(chan struct{})
		server.NotifyStartedFunc = func() { close(started) }
		go func() { _ = server.ActivateAndServe() }()
		<-started
		t.Cleanup(func() { _ = server.Shutdown() })
	}
	return r
}

// ServeDNS answers one message.
func (r *Resolver) ServeDNS(w dns.ResponseWriter, q *dns.Msg) {
	r.Asked.Add(1)
	reply := new(dns.Msg).SetReply(q)
	reply.RecursionAvailable = true
	question := q.Question[0]
	for range 8 {
		found := r.authority(question)
		reply.Answer = append(reply.Answer, found.Answer...)
		reply.Ns, reply.Rcode = found.Ns, found.Rcode
		alias := ""
		for _, rr := range found.Answer {
			if c, ok := rr.(*dns.CNAME); ok && question.Qtype != dns.TypeCNAME {
				alias = dns.CanonicalName(c.Target)
			}
		}
		if alias == "" {
			break
		}
		question.Name = alias
	}
	if _, udp := w.LocalAddr().(*net.UDPAddr); udp {
		reply.Truncate(1232)
	}
	_ = w.WriteMsg(reply)
}

func (r *Resolver) authority(q dns.Question) *dns.Msg {
	name := dns.CanonicalName(q.Name)
	var best *Server
	depth := 0
	for _, s := range r.servers {
		s.mu.Lock()
		if apex := s.apex(name); len(apex) > depth {
			best, depth = s, len(apex)
		}
		s.mu.Unlock()
	}
	reply := new(dns.Msg)
	if best == nil {
		root, _ := dns.NewRR(". 60 IN SOA a.root-servers.net. nstld.verisign-grs.com. 1 1800 900 604800 60")
		reply.Rcode, reply.Ns = dns.RcodeNameError, []dns.RR{root}
		return reply
	}
	best.mu.Lock()
	defer best.mu.Unlock()
	best.answer(q, reply)
	return reply
}
