package dnscheck_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/certwright/certwright/internal/dnscheck"
	"github.com/certwright/certwright/internal/dnscheck/dnstest"

	"github.com/miekg/dns"
)

// world is two authoritative servers of example.test, one of other.test, and a
// resolver over them.
type world struct {
	ns1, ns2, other *dnstest.Server
	resolver        *dnstest.Resolver
	options         dnscheck.Options
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{ns1: dnstest.Start(t, "127.0.0.1", "")}
	w.ns2 = dnstest.Start(t, "127.0.0.2", w.ns1.Port)
	w.other = dnstest.Start(t, "127.0.0.3", w.ns1.Port)
	for _, s := range []*dnstest.Server{w.ns1, w.ns2} {
		s.Zone("example.test.",
			"example.test. 60 IN NS ns1.example.test.", "example.test. 60 IN NS ns2.example.test.",
			"ns1.example.test. 60 IN A 127.0.0.1", "ns2.example.test. 60 IN A 127.0.0.2")
	}
	w.other.Zone("other.test.", "other.test. 60 IN NS ns.other.test.", "ns.other.test. 60 IN A 127.0.0.3")
	w.resolver = dnstest.Resolve(t, w.ns1, w.other)
	w.options = dnscheck.Options{Nameservers: []string{w.resolver.Address}, Port: w.ns1.Port, Timeout: 500 * time.Millisecond}
	return w
}

func (w *world) checker(t *testing.T) *dnscheck.Checker {
	t.Helper()
	return dnscheck.New(w.options)
}

const record = "_acme-challenge.www.example.test."

func txt(name, value string) string { return fmt.Sprintf("%s 60 IN TXT %q", name, value) }

func says(t *testing.T, err error, want string) {
	t.Helper()
	got := ""
	if err != nil {
		got = err.Error()
	}
	if got != want {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

func TestEveryServerThatAnswersMustHaveTheValue(t *testing.T) {
	t.Parallel()
	const prefix = "the TXT record " + record + " does not have the value of this challenge everywhere yet: "
	for _, row := range []struct {
		name    string
		prepare func(*world)
		want    string
	}{
		{"nobody has it", func(*world) {}, prefix + "ns1.example.test says there is no such name; ns2.example.test says there is no such name"},
		{"one has it", func(w *world) { w.ns1.Add(txt(record, "v")) }, prefix + "ns1.example.test has it; ns2.example.test says there is no such name"},
		{"both have it", func(w *world) { w.ns1.Add(txt(record, "v")); w.ns2.Add(txt(record, "v")) }, ""},
		{"among others", func(w *world) {
			w.ns1.Add(txt(record, "a"), txt(record, "v"))
			w.ns2.Add(txt(record, "v"), txt(record, "b"))
		}, ""},
		{"another value", func(w *world) { w.ns1.Add(txt(record, "a")); w.ns2.Add(txt(record, "a")) },
			prefix + "ns1.example.test has 1 other value(s); ns2.example.test has 1 other value(s)"},
		{"one is down", func(w *world) { w.ns1.Add(txt(record, "v")); w.ns2.Stop() }, ""},
		{"one refuses", func(w *world) { w.ns1.Add(txt(record, "v")); w.ns2.Always(record, dns.RcodeRefused) }, ""},
		{"one is down and one has not", func(w *world) { w.ns2.Stop() },
			prefix + "ns1.example.test says there is no such name; ns2.example.test cannot be connected to"},
		{"all are down", func(w *world) { w.ns1.Stop(); w.ns2.Stop() },
			prefix + "ns1.example.test cannot be connected to; ns2.example.test cannot be connected to; where a network lets DNS out to its resolvers alone, set --dns01-recursive-nameservers-only"},
		{"a server without address", func(w *world) {
			w.ns1.Add(txt(record, "v"), "example.test. 60 IN NS ns3.example.test.")
			w.ns2.Add(txt(record, "v"))
		}, ""},
		{"in strings of one record", func(w *world) {
			for _, s := range []*dnstest.Server{w.ns1, w.ns2} {
				s.Add(record + ` 60 IN TXT "v" ""`)
			}
		}, ""},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			row.prepare(w)
			says(t, w.checker(t).Check(t.Context(), record, "v"), row.want)
		})
	}
}

// What a resolver would remember for long is not asked of it.
func TestResolversAreNeverAskedForTheRecord(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c := w.checker(t)
	if err := c.Check(t.Context(), record, "v"); err == nil {
		t.Fatal("the record is not there yet")
	}
	asked := w.resolver.Asked.Load()
	w.ns1.Add(txt(record, "v"))
	w.ns2.Add(txt(record, "v"))
	says(t, c.Check(t.Context(), record, "v"), "")
	if more := w.resolver.Asked.Load() - asked; more != 0 {
		t.Errorf("the resolver was asked %d times more", more)
	}
	if n := w.ns1.Asked(record + " TXT"); n != 2 {
		t.Errorf("the authoritative server was asked %d times, want 2", n)
	}
}

func TestCNAMEs(t *testing.T) {
	t.Parallel()
	const target = "www.acme.other.test."
	w := newWorld(t)
	alias := record + " 60 IN CNAME " + target
	w.ns1.Add(alias)
	w.ns2.Add(alias)
	c := w.checker(t)
	says(t, c.Check(t.Context(), record, "v"), "the TXT record "+target+" does not have the value of this challenge everywhere yet: ns.other.test says there is no such name")
	got, err := c.Follow(t.Context(), record)
	if err != nil || got != target {
		t.Fatalf("%q %v", got, err)
	}
	if zone, err := c.Zone(t.Context(), got); err != nil || zone != "other.test." {
		t.Fatalf("%q %v", zone, err)
	}
	if zone, err := c.Zone(t.Context(), record); err != nil || zone != "example.test." {
		t.Fatalf("the zone of the CNAME itself: %q %v", zone, err)
	}
	w.other.Add(txt(target, "v"))
	says(t, c.Check(t.Context(), record, "v"), "")
}

func TestCNAMEsInACircle(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, s := range []*dnstest.Server{w.ns1, w.ns2} {
		s.Add(record+" 60 IN CNAME b.example.test.", "b.example.test. 60 IN CNAME "+record)
	}
	const want = "the CNAME records at " + record + " lead round in a circle or on without end: point them to the name that is to hold the TXT record"
	c := w.checker(t)
	_, err := c.Follow(t.Context(), record)
	says(t, err, want)
	says(t, c.Check(t.Context(), record, "v"), want)
}

func TestZoneOfADelegatedName(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, s := range []*dnstest.Server{w.ns1, w.ns2} { // the record itself is a zone elsewhere
		s.Add(record+" 60 IN NS ns.other.test.", "apart.example.test. 60 IN NS ns.other.test.")
	}
	w.other.Zone(record, record+" 60 IN NS ns.other.test.", txt(record, "v"))
	w.other.Zone("apart.example.test.", "apart.example.test. 60 IN NS ns.other.test.")
	c := w.checker(t)
	for name, want := range map[string]string{
		record:                                  record,
		"_acme-challenge.example.test.":         "example.test.",
		"_acme-challenge.apart.example.test.":   "apart.example.test.",
		"_acme-challenge.a.b.c.EXAMPLE.test.":   "example.test.",
		"_acme-challenge.x.apart.example.test.": "apart.example.test.",
	} {
		if got, err := c.Zone(t.Context(), name); err != nil || got != want {
			t.Errorf("%s: %q %v, want %q", name, got, err, want)
		}
	}
	says(t, c.Check(t.Context(), record, "v"), "")
}

// A server of parent and child sends nobody on.
func TestZoneOfAChildOnTheSameServer(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, s := range []*dnstest.Server{w.ns1, w.ns2} {
		s.Zone(record)
	}
	if got, err := w.checker(t).Zone(t.Context(), record); err != nil || got != record {
		t.Errorf("%q %v", got, err)
	}
}

func TestNoZone(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.other.Zone("com.")
	c := w.checker(t)
	for name, above := range map[string]string{"_acme-challenge.nowhere.invalid.": ".", "_acme-challenge.not-registered.com.": "com."} {
		for _, err := range []error{c.Check(t.Context(), name, "v"), second(c.Zone(t.Context(), name))} {
			var none *dnscheck.NotServed
			if !errors.As(err, &none) || none.Above != above {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
}

func second(_ string, err error) error { return err }

// An answer that does not fit into a packet is fetched by TCP.
func TestManyValues(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for i := range 60 {
		w.ns1.Add(txt(record, fmt.Sprintf("%043d", i)))
		w.ns2.Add(txt(record, fmt.Sprintf("%043d", i)))
	}
	says(t, w.checker(t).Check(t.Context(), record, fmt.Sprintf("%043d", 59)), "")
}

func TestRecursiveOnly(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.options.RecursiveOnly, w.options.Port = true, "1"
	c := w.checker(t)
	const none = " says there is no such name"
	says(t, c.Check(t.Context(), record, "v"), "the TXT record "+record+" does not have the value of this challenge everywhere yet: "+w.resolver.Address+none)
	w.ns1.Add(record+" 60 IN CNAME here.other.test.", txt("_acme-challenge.example.test.", "v"))
	w.other.Add(txt("here.other.test.", "v"))
	says(t, c.Check(t.Context(), record, "v"), "")
	if got, err := c.Follow(t.Context(), record); err != nil || got != "here.other.test." {
		t.Errorf("%q %v", got, err)
	}
	if got, err := c.Zone(t.Context(), "_acme-challenge.example.test."); err != nil || got != "example.test." {
		t.Errorf("%q %v", got, err)
	}
}

func TestDNSOverHTTPS(t *testing.T) {
	w := newWorld(t)
	server := httptest.NewTLSServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if r.Method != http.MethodPost || r.Header.Get("Content-Type") != "application/dns-message" {
			http.Error(rw, "no", http.StatusBadRequest)
			return
		}
		m := new(dns.Msg)
		if err := m.Unpack(body); err != nil || m.Id != 0 {
			http.Error(rw, "no", http.StatusBadRequest)
			return
		}
		reply, err := dns.ExchangeContext(r.Context(), m, w.resolver.Address)
		if err != nil {
			http.Error(rw, "no", http.StatusBadGateway)
			return
		}
		packed, _ := reply.Pack()
		rw.Header().Set("Content-Type", "application/dns-message")
		_, _ = rw.Write(packed)
	}))
	t.Cleanup(server.Close)
	roots := filepath.Join(t.TempDir(), "ca.pem")
	writeCertificate(t, roots, server)
	t.Setenv("SSL_CERT_FILE", roots)
	w.options.Nameservers = []string{server.URL + "/dns-query"}
	w.ns1.Add(txt(record, "v"))
	w.ns2.Add(txt(record, "v"))
	says(t, w.checker(t).Check(t.Context(), record, "v"), "")
	w.options.RecursiveOnly = true
	says(t, w.checker(t).Check(t.Context(), record, "v"), "")
}

func TestResolvConfIsReadAnew(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	path := filepath.Join(t.TempDir(), "resolv.conf")
	w.options.Nameservers, w.options.ResolvConf = nil, path
	c := w.checker(t)
	_, err := c.Zone(t.Context(), record)
	if err == nil || !strings.Contains(err.Error(), "--dns01-recursive-nameservers") {
		t.Errorf("without a file: %v", err)
	}
	if err := os.WriteFile(path, []byte("search nowhere\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err = c.Zone(t.Context(), record)
	says(t, err, ""+path+" names no nameserver: name some with --dns01-recursive-nameservers")
	// The port of a resolv.conf is always 53, where nobody listens here: that it
	// was read anew shows in whom the error names.
	if err := os.WriteFile(path, []byte("nameserver 127.0.0.250\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err = c.Zone(t.Context(), record)
	says(t, err, "no resolver answers for www.example.test. SOA: 127.0.0.250:53 cannot be connected to")
}

func TestAResolverThatIsDownIsGonePast(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.options.Nameservers = []string{"127.0.0.251:1", w.resolver.Address}
	if got, err := w.checker(t).Zone(t.Context(), record); err != nil || got != "example.test." {
		t.Errorf("%q %v", got, err)
	}
}

func TestTheEndOfTheContextIsTheEnd(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := w.checker(t).Check(ctx, record, "v"); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}

func TestParseNameservers(t *testing.T) {
	t.Parallel()
	got, err := dnscheck.ParseNameservers([]string{"8.8.8.8:53", "1.1.1.1", "2001:db8::1", "[2001:db8::1]:5353", "dns.example.test", "https://dns.example.test/dns-query"})
	if err != nil {
		t.Fatal(err)
	}
	const want = "8.8.8.8:53 1.1.1.1:53 [2001:db8::1]:53 [2001:db8::1]:5353 dns.example.test:53 https://dns.example.test/dns-query"
	if strings.Join(got, " ") != want {
		t.Errorf("%q", got)
	}
	for _, bad := range []string{"", "http://1.1.1.1/", "https://", "1.1.1.1:99999", "1.1.1.1:dns", "a b", "x:y:z"} {
		if got, err := dnscheck.ParseNameservers([]string{bad}); err == nil {
			t.Errorf("%q was taken for %q", bad, got)
		}
	}
}

func TestRecordName(t *testing.T) {
	t.Parallel()
	for domain, want := range map[string]string{
		"Example.Test": "_acme-challenge.example.test.", "*.example.test": "_acme-challenge.example.test.", "example.test.": "_acme-challenge.example.test.",
	} {
		if got := dnscheck.RecordName(domain); got != want {
			t.Errorf("%s: %s", domain, got)
		}
	}
}
