package http01

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/miekg/dns"
)

const (
	checked    = "www.example.test"
	checkToken = "tok"
	checkKey   = "tok.print"
	checkPath  = "/.well-known/acme-challenge/tok"
)

// internet is names and addresses of which port 80 and 443 are local servers.
type internet struct {
	t       *testing.T
	records map[string][]string // addresses by name
	ports   map[string]string   // by "address:port", where it is in truth
	dialled []string
	rcode   int // of names without records
}

func newInternet(t *testing.T) *internet {
	return &internet{t: t, records: map[string][]string{}, ports: map[string]string{}, rcode: dns.RcodeNameError}
}

// serve has handler answer at an address.
func (n *internet) serve(address string, handler http.HandlerFunc) {
	s := httptest.NewServer(handler)
	n.t.Cleanup(s.Close)
	n.ports[address] = s.Listener.Addr().String()
}

func (n *internet) serveTLS(address string, handler http.HandlerFunc) {
	s := httptest.NewTLSServer(handler)
	n.t.Cleanup(s.Close)
	n.ports[address] = s.Listener.Addr().String()
}

// asker is one on this internet, with a DNS server of its own.
func (n *internet) asker() *asker {
	return &asker{
		dial:  dialer{resolver: resolverFor([]string{n.nameserver()}), connect: n.connect},
		proxy: func(*http.Request) (*url.URL, error) { return nil, nil }, between: time.Millisecond,
	}
}

func (n *internet) connect(ctx context.Context, network, address string) (net.Conn, error) {
	n.dialled = append(n.dialled, address)
	there, ok := n.ports[address]
	if !ok {
		there = "127.0.0.1:1" // where nobody listens
	}
	return (&net.Dialer{}).DialContext(ctx, network, there)
}

// nameserver answers from the records over UDP.
func (n *internet) nameserver() string {
	pc, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		n.t.Fatal(err)
	}
	server := &dns.Server{PacketConn: pc, Handler: dns.HandlerFunc(n.answer)}
	go func() { _ = server.ActivateAndServe() }()
	n.t.Cleanup(func() { _ = pc.Close() })
	return pc.LocalAddr().String()
}

func (n *internet) answer(w dns.ResponseWriter, q *dns.Msg) {
	m := new(dns.Msg).SetReply(q)
	m.RecursionAvailable = true
	name := strings.TrimSuffix(q.Question[0].Name, ".")
	records, known := n.records[strings.ToLower(name)]
	if !known {
		m.Rcode = n.rcode
	}
	for _, r := range records {
		ip := net.ParseIP(r)
		head := dns.RR_Header{Name: q.Question[0].Name, Class: dns.ClassINET, Ttl: 60}
		switch four := ip.To4(); {
		case four != nil && q.Question[0].Qtype == dns.TypeA:
			head.Rrtype = dns.TypeA
			m.Answer = append(m.Answer, &dns.A{Hdr: head, A: four})
		case four == nil && q.Question[0].Qtype == dns.TypeAAAA:
			head.Rrtype = dns.TypeAAAA
			m.Answer = append(m.Answer, &dns.AAAA{Hdr: head, AAAA: ip})
		}
	}
	_ = w.WriteMsg(m)
}

func noDNS() dialer {
	return dialer{resolver: &net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) {
		return nil, errors.New("no network")
	}}, connect: func(context.Context, string, string) (net.Conn, error) { return nil, errors.New("no network") }}
}

func right(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path != checkPath || r.Host != checked {
		http.NotFound(w, r)
		return
	}
	fmt.Fprint(w, checkKey)
}

func says(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Server", "nginx")
		w.WriteHeader(status)
		fmt.Fprint(w, body)
	}
}

func to(where string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Location", where)
		w.WriteHeader(http.StatusMovedPermanently)
	}
}

func TestSelfCheck(t *testing.T) {
	const a = "192.0.2.1:80"
	for name, c := range map[string]struct {
		set  func(n *internet)
		want string // "" is success
	}{
		"right":           {func(n *internet) { n.serve(a, right) }, ""},
		"white space":     {func(n *internet) { n.serve(a, says(200, checkKey+"\r\n \n")) }, ""},
		"more than it":    {func(n *internet) { n.serve(a, says(200, checkKey+"x")) }, "the key authorization of another ACME account"},
		"nothing listens": {func(*internet) {}, "self check: http://www.example.test cannot be reached: connection refused: nothing listens there on port 80; if it works"},
		"no such name":    {func(n *internet) { delete(n.records, checked) }, "self check: www.example.test has no address in DNS (NXDOMAIN, or neither A nor AAAA): add a record"},
		"no address":      {func(n *internet) { n.records[checked] = nil }, "self check: www.example.test has no address in DNS"},
		"the DNS fails":   {func(n *internet) { delete(n.records, checked); n.rcode = dns.RcodeServerFailure }, "self check: DNS gives no answer for www.example.test (the DNS server fails)"},
		"404":             {func(n *internet) { n.serve(a, says(404, "not here")) }, "self check: http://www.example.test answers 404 Not Found (Server: nginx) instead of the key authorization: the name leads"},
		"503":             {func(n *internet) { n.serve(a, says(503, "")) }, "answers 503 Service Unavailable (Server: nginx) instead of the key authorization: it does not reach who answers"},
		"401":             {func(n *internet) { n.serve(a, says(401, "")) }, "without a login"},
		"another account": {func(n *internet) { n.serve(a, says(200, "tok.other")) }, "the key authorization of another ACME account; find out what else answers for this name, such as a second cluster"},
		"nothing":         {func(n *internet) { n.serve(a, says(200, "")) }, "with something else: nothing; check"},
		"a page": {func(n *internet) {
			n.serve(a, says(200, "<html>\x00\x1b[31m"+strings.Repeat("a", 100)+"\nsecond line"))
		}, `with something else: "<html>..[31m` + strings.Repeat("a", 48) + `..."; check`},
		"without end":     {func(n *internet) { n.serve(a, says(200, strings.Repeat("abc", 1<<20))) }, `with something else: "abcabc`},
		"no HTTP":         {func(n *internet) { n.ports[a] = deaf(n.t, "220 smtp\r\n") }, "self check: http://www.example.test cannot be reached: what listens there does not speak HTTP; if"},
		"closes":          {func(n *internet) { n.ports[a] = deaf(n.t, "") }, "the connection is closed without an answer"},
		"redirect to TLS": {func(n *internet) { n.serve(a, to("https://"+checked+checkPath)); n.serveTLS("192.0.2.1:443", right) }, ""},
		"redirect to 443": {func(n *internet) {
			n.serve(a, to("https://"+checked+":443"+checkPath))
			n.serveTLS("192.0.2.1:443", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, checkKey) })
		}, ""},
		"to another path": {func(n *internet) { n.serve(a, pathTo404("/x")) }, "self check: http://www.example.test answers 200 OK with something else: what another path gives"},
		"to another host": {func(n *internet) {
			n.serve(a, to("http://other.test"+checkPath))
			n.serve("192.0.2.2:80", says(403, ""))
		}, "self check: http://www.example.test, redirected to http://other.test, answers 403 Forbidden (Server: nginx)"},
		"to nowhere":       {func(n *internet) { n.serve(a, to("http://none.test/")) }, "none.test has no address in DNS"},
		"round and round":  {func(n *internet) { n.serve(a, to(checkPath)) }, "self check: http://www.example.test redirects more than 10 times"},
		"to another port":  {func(n *internet) { n.serve(a, to("http://"+checked+":8080/")) }, "redirects to port 8080, where ACME servers do not go"},
		"to an address":    {func(n *internet) { n.serve(a, to("http://169.254.169.254/latest/meta-data")) }, "redirects to an IP address, which ACME servers do not follow"},
		"to another thing": {func(n *internet) { n.serve(a, to("ftp://"+checked+"/")) }, "redirects to the scheme ftp"},
		"IPv6 first": {func(n *internet) {
			n.records[checked] = []string{"192.0.2.1", "2001:db8::1"}
			n.serve(a, right)
			n.serve("[2001:db8::1]:80", says(404, ""))
		}, "answers 404 Not Found"},
		"IPv4 when IPv6 is shut": {func(n *internet) {
			n.records[checked] = []string{"192.0.2.1", "2001:db8::1"}
			n.serve(a, right)
		}, ""},
		"not yet everywhere": {func(n *internet) {
			var count atomic.Int64
			n.serve(a, func(w http.ResponseWriter, r *http.Request) {
				if count.Add(1)%2 == 0 {
					http.NotFound(w, r)
					return
				}
				right(w, r)
			})
		}, "answers 404 Not Found"},
	} {
		t.Run(name, func(t *testing.T) {
			n := newInternet(t)
			n.records[checked], n.records["other.test"] = []string{"192.0.2.1"}, []string{"192.0.2.2"}
			c.set(n)
			ask := n.asker()
			err := ask.check(t.Context(), checked, checkToken, checkKey)
			expect(t, err, c.want)
			if err != nil {
				if again := ask.check(t.Context(), checked, checkToken, checkKey); again == nil || again.Error() != err.Error() && !strings.Contains(name, "yet") {
					t.Errorf("another text the second time: %v, then %v", err, again)
				}
				if strings.Contains(err.Error(), "127.0.0.1") || strings.Contains(err.Error(), "192.0.2.") {
					t.Errorf("an address in %q", err)
				}
			}
		})
	}
}

func expect(t *testing.T, err error, want string) {
	t.Helper()
	if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
		t.Errorf("got %v, want %q", err, want)
	}
}

// pathTo404 redirects to another path, and there gives what is nobody's business.
func pathTo404(path string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != path {
			to(path)(w, r)
			return
		}
		w.Header().Set("Server", "secret")
		fmt.Fprint(w, "secret")
	}
}

// deaf accepts, says something that is no HTTP, and closes.
func deaf(t *testing.T, text string) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			_, _ = c.Write([]byte(text))
			_ = c.Close()
		}
	}()
	return l.Addr().String()
}

// What is another path's is not shown, whatever it says.
func TestNothingOfAnotherPathIsShown(t *testing.T) {
	n := newInternet(t)
	n.records[checked] = []string{"192.0.2.1"}
	n.serve("192.0.2.1:80", pathTo404("/latest/meta-data"))
	if err := n.asker().check(t.Context(), checked, checkToken, checkKey); err == nil || strings.Contains(err.Error(), "secret") {
		t.Error(err)
	}
}

// One that hangs is given up, by the time of the check or by the caller's.
func TestASelfCheckEnds(t *testing.T) {
	n := newInternet(t)
	n.records[checked] = []string{"192.0.2.1"}
	end := make(chan struct{})
	n.serve("192.0.2.1:80", func(http.ResponseWriter, *http.Request) { <-end })
	defer close(end)
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	err := n.asker().check(ctx, checked, checkToken, checkKey)
	expect(t, err, "self check: http://www.example.test gives no answer within 10s: open port 80")
}

// The DNS server of --acme-http01-solver-nameservers that hangs, too.
func TestASilentDNSServer(t *testing.T) {
	pc, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer pc.Close()
	a := &asker{dial: dialer{resolver: resolverFor([]string{pc.LocalAddr().String()})}, proxy: func(*http.Request) (*url.URL, error) { return nil, nil }}
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	expect(t, a.check(ctx, checked, checkToken, checkKey), "self check: ")
}

// IP addresses need no DNS, and IPv6 ones their brackets.
func TestSelfCheckOfAddresses(t *testing.T) {
	for ip, address := range map[string]string{"2001:db8::7": "[2001:db8::7]:80", "192.0.2.7": "192.0.2.7:80"} {
		n := newInternet(t)
		var host string
		n.serve(address, func(w http.ResponseWriter, r *http.Request) {
			host = r.Host
			fmt.Fprint(w, checkKey)
		})
		expect(t, n.asker().check(t.Context(), ip, checkToken, checkKey), "")
		if strings.Trim(host, "[]") != ip {
			t.Errorf("%s: asked for host %q", ip, host)
		}
	}
}

// A real server on the IPv6 loopback, past all that is replaced above.
func TestSelfCheckOverIPv6(t *testing.T) {
	l, err := net.Listen("tcp", "[::1]:0")
	if err != nil {
		t.Fatalf("no IPv6 on this machine: %v", err)
	}
	s := httptest.NewUnstartedServer(http.HandlerFunc(right))
	s.Listener = l
	s.Start()
	defer s.Close()
	n := newInternet(t)
	n.records[checked] = []string{"::1"}
	n.ports["[::1]:80"] = l.Addr().String()
	expect(t, n.asker().check(t.Context(), checked, checkToken, checkKey), "")
}

// A proxy is asked for the name; its own name is not the Internet's.
func TestSelfCheckThroughAProxy(t *testing.T) {
	asked := ""
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked = r.URL.String()
		fmt.Fprint(w, checkKey)
	}))
	defer proxy.Close()
	a := newInternet(t).asker()
	a.dial.connect = (&net.Dialer{}).DialContext
	a.proxy = func(*http.Request) (*url.URL, error) { return url.Parse(proxy.URL) }
	expect(t, a.check(t.Context(), checked, checkToken, checkKey), "")
	if asked != "http://"+checked+checkPath {
		t.Errorf("asked for %q", asked)
	}
}

// No connection is used twice: another may meet another replica.
func TestNoConnectionIsKept(t *testing.T) {
	n := newInternet(t)
	n.records[checked] = []string{"192.0.2.1"}
	n.serve("192.0.2.1:80", right)
	a := n.asker()
	for range 3 {
		expect(t, a.check(t.Context(), checked, checkToken, checkKey), "")
	}
	if len(n.dialled) != 3*successes {
		t.Errorf("dialled %v", n.dialled)
	}
}

func FuzzJudge(f *testing.F) {
	f.Add(200, "tok.print\n", "nginx")
	f.Add(404, "\xff\xfe", "\x1b[0m")
	f.Fuzz(func(t *testing.T, status int, body, server string) {
		err := judge(answer{name: checked, token: checkToken, key: checkKey, status: status, body: body, server: server})
		if (err == nil) != (status == 200 && strings.TrimRight(body, " \t\r\n") == checkKey) {
			t.Errorf("%d %q: %v", status, body, err)
		}
		if err != nil && (len(err.Error()) > 1200 || strings.ContainsAny(err.Error(), "\x00\x1b\n")) {
			t.Errorf("%q", err)
		}
	})
}
