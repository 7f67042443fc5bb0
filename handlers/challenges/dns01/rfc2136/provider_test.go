package rfc2136_test

import (
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/certwright/certwright/handlers/challenges"
	"github.com/certwright/certwright/handlers/challenges/dns01/record"
	"github.com/certwright/certwright/handlers/challenges/dns01/rfc2136"
	"github.com/certwright/certwright/internal/dnscheck/dnstest"

	"github.com/miekg/dns"
)

const (
	name   = "_acme-challenge.example.test."
	secret = "IwBTJx9wrDp4Y1RyC3H0gA=="
)

type noDNS struct{}

func (noDNS) Zone(context.Context, string) (string, error) { return "", errors.New("not asked") }

func at(value string) record.Record {
	return record.Record{Name: name, Value: value, Domain: "example.test", Zones: noDNS{}}
}

func start(t *testing.T) *dnstest.Server {
	s := dnstest.Start(t, "127.0.0.1", "")
	s.Zone("example.test.")
	return s
}

func provider(t *testing.T, c rfc2136.Config) *rfc2136.Provider {
	t.Helper()
	p, err := rfc2136.New(c)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestUpdates(t *testing.T) {
	t.Parallel()
	for _, tcp := range []bool{false, true} {
		for _, algorithm := range []string{"", "HMACMD5", "HmacSHA1", "hmacsha256", "HMACSHA512"} {
			s := start(t)
			s.Key("key.test.", secret)
			s.Add(name + ` 60 IN TXT "other"`)
			p := provider(t, rfc2136.Config{Nameserver: s.Address, TSIGKeyName: "Key.Test", TSIGSecret: secret, TSIGAlgorithm: algorithm, TCP: tcp})
			for range 2 { // a second time changes nothing
				for _, v := range []string{"a", "b"} {
					if err := p.Set(t.Context(), at(v)); err != nil {
						t.Fatal(algorithm, err)
					}
				}
				if got := s.TXT(name); !slices.Equal(got, []string{"a", "b", "other"}) {
					t.Fatalf("%s: %q", algorithm, got)
				}
			}
			for range 2 {
				if err := p.Unset(t.Context(), at("a")); err != nil {
					t.Fatal(algorithm, err)
				}
				if got := s.TXT(name); !slices.Equal(got, []string{"b", "other"}) {
					t.Fatalf("%s: %q", algorithm, got)
				}
			}
		}
	}
}

// The server's own word for the zone counts, also for one that no resolver shows.
func TestZoneIsTheServers(t *testing.T) {
	t.Parallel()
	s := start(t)
	s.Zone("deep.example.test.")
	p := provider(t, rfc2136.Config{Nameserver: s.Address})
	r := at("v")
	r.Name = "_acme-challenge.a.deep.example.test."
	if err := p.Set(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	if got := s.TXT(r.Name); !slices.Equal(got, []string{"v"}) {
		t.Errorf("%q", got)
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	const other = "b3RoZXIgb3RoZXIgb3RoZXI="
	s := start(t)
	s.Key("key.test.", secret)
	const f = "spec.solver.dns01.rfc2136"
	for want, c := range map[string]rfc2136.Config{
		f + ".tsigSecretSecretRef: the DNS server " + s.Address + " has another secret or algorithm for the key key.test. (BADSIG): store the key that the server has, and set tsigAlgorithm as there": {TSIGKeyName: "key.test", TSIGSecret: other, TSIGAlgorithm: "HMACSHA256"},
		f + ".tsigKeyName: the DNS server " + s.Address + " knows no key nobody. of this algorithm (BADKEY): name it as the server does, and set tsigAlgorithm as there":                               {TSIGKeyName: "nobody", TSIGSecret: secret, TSIGAlgorithm: "HMACSHA256"},
		f + ": the DNS server " + s.Address + " refuses an unsigned update of " + name + " (REFUSED): set tsigKeyName and tsigSecretSecretRef, or allow updates from this address":                     {},
	} {
		c.Nameserver = s.Address
		for _, c.TCP = range []bool{false, true} {
			faulty(t, provider(t, c).Set(t.Context(), at("v")), want)
		}
	}
	s.Always(name, dns.RcodeRefused) // so that it does not tell the zone
	r := at("v")
	r.Zones = zone("elsewhere.test.")
	faulty(t, provider(t, rfc2136.Config{Nameserver: s.Address, TSIGKeyName: "key.test", TSIGSecret: secret}).Set(t.Context(), r),
		f+".nameserver: the DNS server "+s.Address+" is not the primary server of the zone elsewhere.test. (NOTAUTH): name the one that takes updates")
}

type zone string

func (z zone) Zone(context.Context, string) (string, error) { return string(z), nil }

func faulty(t *testing.T, err error, want string) {
	t.Helper()
	var fault *challenges.Fault
	if !errors.As(err, &fault) || fault.Message != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
}

// A server that is down is tried again, and is nobody's fault yet.
func TestDown(t *testing.T) {
	t.Parallel()
	s := start(t)
	s.Stop()
	r := at("v")
	r.Zones = zone("example.test.")
	err := provider(t, rfc2136.Config{Nameserver: s.Address}).Set(t.Context(), r)
	var fault *challenges.Fault
	if err == nil || errors.As(err, &fault) {
		t.Fatal(err)
	}
	if want := "DNS server " + s.Address + " does not answer to an update: is it reachable from here, by udp?"; err.Error() != want {
		t.Errorf("%q", err)
	}
}

func TestConfigsThatCannotBe(t *testing.T) {
	t.Parallel()
	for want, c := range map[string]rfc2136.Config{
		"spec.solver.dns01.rfc2136.nameserver: it is empty: give HOST:PORT of the DNS server":                                             {},
		"spec.solver.dns01.rfc2136.nameserver: \"x:y:z\" is no address: give HOST:PORT, with an IPv6 address in brackets":                 {Nameserver: "x:y:z"},
		"spec.solver.dns01.rfc2136.tsigKeyName: it is empty, but a secret is given: name the key as the DNS server does":                  {Nameserver: "ns", TSIGSecret: secret},
		"spec.solver.dns01.rfc2136.tsigSecretSecretRef: the key is empty, but tsigKeyName is given: store the key in base64":              {Nameserver: "ns", TSIGKeyName: "k"},
		"spec.solver.dns01.rfc2136.tsigSecretSecretRef: the key is not base64: store what stands in the `secret` of the DNS server's key": {Nameserver: "[2001:db8::1]", TSIGKeyName: "k", TSIGSecret: "?"},
		"spec.solver.dns01.rfc2136.tsigAlgorithm: \"HMACSHA999\" is unknown: use HMACMD5, HMACSHA1, HMACSHA256 or HMACSHA512":             {Nameserver: "2001:db8::1", TSIGKeyName: "k", TSIGSecret: secret, TSIGAlgorithm: "HMACSHA999"},
	} {
		_, err := rfc2136.New(c)
		faulty(t, err, want)
	}
}
