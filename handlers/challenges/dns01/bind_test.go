package dns01_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/certwright/certwright/handlers/challenges"
	"github.com/certwright/certwright/handlers/challenges/dns01"
	"github.com/certwright/certwright/internal/dnscheck"

	cmacme "github.com/cert-manager/cert-manager/pkg/apis/acme/v1"
	"github.com/miekg/dns"
)

// What BIND answers to updates, to wrong keys and to questions without recursion
// is what most users' servers answer. Where it is not installed (CI has it), the
// same is asked of the server of dnstest.

type nameserver struct {
	program, address string
	txt              func(name string) []string
}

const powerless = "cG93ZXJsZXNzIHBvd2VybGVzcw=="

func startNameserver(t *testing.T) nameserver {
	t.Helper()
	named, err := exec.LookPath("named")
	if err != nil {
		w := newWorld(t)
		return nameserver{"dnstest", w.dns.Address, w.dns.TXT}
	}
	return startBIND(t, named)
}

// startBIND starts named on a port of its own. That it is free on both
// protocols is known only once named has it: another process may be quicker.
func startBIND(t *testing.T, named string) nameserver {
	t.Helper()
	for range 5 {
		address := fmt.Sprintf("127.0.0.1:%d", 20000+rand.IntN(10000)) // below what the system gives away
		if tryBIND(t, named, address) {
			return nameserver{"BIND", address, func(name string) []string { return lookTXT(t, address, name) }}
		}
	}
	t.Fatal("named answers on none of five ports")
	return nameserver{}
}

func tryBIND(t *testing.T, named, address string) bool {
	t.Helper()
	dir := t.TempDir()
	_, port, _ := net.SplitHostPort(address)
	config := fmt.Sprintf(`options { directory %q; pid-file none; session-keyfile none; listen-on port %s { 127.0.0.1; }; listen-on-v6 { none; };
		recursion no; notify no; dnssec-validation no; empty-zones-enable no; };
		controls { };
		key "key" { algorithm hmac-sha256; secret %q; };
		key "md5" { algorithm hmac-md5; secret %q; };
		key "powerless" { algorithm hmac-sha256; secret %q; };`, dir, port, tsig, tsig, powerless)
	for _, zone := range []string{"example.test", "other.test"} {
		write(t, filepath.Join(dir, zone), "$TTL 60\n@ SOA ns root 1 3600 600 86400 60\n@ NS ns\nns A 127.0.0.1\n_acme-challenge.alias CNAME there.other.test.\n")
		config += fmt.Sprintf("\nzone %[1]q { type primary; file %[1]q; update-policy { grant key wildcard *.%[1]s TXT; grant md5 wildcard *.%[1]s TXT; }; };", zone)
	}
	write(t, filepath.Join(dir, "named.conf"), config)
	process := exec.Command(named, "-g", "-n", "1", "-c", filepath.Join(dir, "named.conf"))
	var said bytes.Buffer
	process.Stdout, process.Stderr = &said, &said
	if err := process.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() { defer close(ended); _ = process.Wait() }()
	end := func() { _ = process.Process.Kill(); <-ended }
	if !awaitDNS(address, ended) {
		end()
		t.Logf("named at %s:\n%s", address, &said)
		return false
	}
	t.Cleanup(end)
	return true
}

func write(t *testing.T, path, content string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

// awaitDNS asks until both protocols answer.
func awaitDNS(address string, ended chan struct{}) bool {
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); {
		if answers(address, "udp") && answers(address, "tcp") {
			return true
		}
		select {
		case <-ended:
			return false
		case <-time.After(10 * time.Millisecond):
		}
	}
	return false
}

func answers(address, protocol string) bool {
	client := dns.Client{Net: protocol, Timeout: time.Second}
	reply, _, err := client.Exchange(new(dns.Msg).SetQuestion("example.test.", dns.TypeSOA), address)
	return err == nil && reply.Authoritative && len(reply.Answer) > 0
}

func lookTXT(t *testing.T, address, name string) []string {
	t.Helper()
	client := dns.Client{Net: "tcp"}
	reply, _, err := client.Exchange(new(dns.Msg).SetQuestion(name, dns.TypeTXT), address)
	if err != nil {
		t.Fatal(err)
	}
	var values []string
	for _, rr := range reply.Answer {
		if txt, ok := rr.(*dns.TXT); ok {
			values = append(values, strings.Join(txt.Txt, ""))
		}
	}
	slices.Sort(values)
	return values
}

func bindSolver(s nameserver, secret string) *dns01.Solver {
	known := &secrets{}
	known.put("tsig", "1", map[string]string{"key": secret})
	return &dns01.Solver{Secrets: known, DNS: dnscheck.New(dnscheck.Options{Nameservers: []string{s.address}, RecursiveOnly: true})}
}

func update(s nameserver, domain, value, key, algorithm string, protocol cmacme.RFC2136UpdateProtocol) challenges.Task {
	return task(domain, value, &cmacme.ACMEChallengeSolverDNS01{
		CNAMEStrategy: cmacme.FollowStrategy,
		RFC2136: &cmacme.ACMEIssuerDNS01ProviderRFC2136{
			Nameserver: s.address, TSIGKeyName: key, TSIGAlgorithm: algorithm, TSIGSecret: ref("tsig", "key"), Protocol: protocol,
		},
	})
}

func TestARealServer(t *testing.T) {
	t.Parallel()
	s := startNameserver(t)
	t.Log("the DNS server is", s.program)
	solver := bindSolver(s, tsig)
	var all sync.WaitGroup
	for i := range 12 {
		all.Go(func() {
			domain := []string{"www.example.test", "*.www.example.test", "www.example.test"}[i%3]
			protocol := []cmacme.RFC2136UpdateProtocol{cmacme.RFC2136UpdateProtocolUDP, cmacme.RFC2136UpdateProtocolTCP}[i%2]
			c := update(s, domain, fmt.Sprintf("v%02d", i), "key", "HMACSHA256", protocol)
			for range 2 {
				if err := solver.Present(t.Context(), c); err != nil {
					t.Error(err)
				}
			}
			if err := solver.Visible(t.Context(), c); err != nil {
				t.Error(err)
			}
			if i >= 10 {
				return // stays
			}
			for range 2 {
				if err := solver.Remove(t.Context(), c); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	if got := s.txt("_acme-challenge.www.example.test."); !slices.Equal(got, []string{"v10", "v11"}) {
		t.Errorf("%q", got)
	}
}

func TestARealServersRefusals(t *testing.T) {
	t.Parallel()
	s := startNameserver(t)
	rows := []struct{ key, secret, algorithm, want string }{
		{"key", "b3RoZXIgb3RoZXIgb3RoZXI=", "HMACSHA256", "(BADSIG)"},
		{"nobody", tsig, "HMACSHA256", "(BADKEY)"},
	}
	if s.program == "BIND" {
		rows = append(rows, []struct{ key, secret, algorithm, want string }{
			{"key", tsig, "HMACSHA512", "(BADKEY)"}, // it knows a key by its algorithm, too
			{"powerless", powerless, "HMACSHA256", "does not let the key powerless. change TXT records"},
		}...)
		if err := bindSolver(s, tsig).Present(t.Context(), update(s, "md5.example.test", "v", "md5", "", "")); err != nil {
			t.Errorf("the default algorithm: %v", err)
		}
		alias := update(s, "alias.example.test", "v", "key", "HMACSHA256", "")
		if err := bindSolver(s, tsig).Present(t.Context(), alias); err != nil || !slices.Equal(s.txt("there.other.test."), []string{"v"}) {
			t.Errorf("an alias: %v", err)
		}
		if err := bindSolver(s, tsig).Visible(t.Context(), alias); err != nil {
			t.Errorf("an alias: %v", err)
		}
	}
	for _, row := range rows {
		err := bindSolver(s, row.secret).Present(t.Context(), update(s, "example.test", "v", row.key, row.algorithm, ""))
		if err == nil || !strings.Contains(err.Error(), row.want) || strings.Contains(err.Error(), row.secret) {
			t.Errorf("key %s, %s: %v, want %s", row.key, row.algorithm, err, row.want)
		}
	}
	if err := bindSolver(s, tsig).Present(t.Context(), update(s, "www.nobody.test", "v", "key", "HMACSHA256", "")); err == nil || !strings.Contains(err.Error(), "DNS zone") || !strings.Contains(err.Error(), "www.nobody.test.") {
		t.Errorf("%v", err)
	}
}
