package nameserver_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/certwright/certwright/test/acme/nameserver"
)

// both runs a test against our own server and, where it is, against BIND: what
// the tests of the product rely on must be the same in both.
func both(t *testing.T, test func(*testing.T, *nameserver.Server)) {
	for _, own := range []bool{true, false} {
		s, err := nameserver.Start(t.Context(), nameserver.Options{Dir: t.TempDir(), Own: own})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = s.Close() })
		t.Run(s.Program, func(t *testing.T) { test(t, s) })
		if s.Program == "own" && !own {
			break // there is no BIND here
		}
	}
}

func TestAnswers(t *testing.T) {
	both(t, func(t *testing.T, s *nameserver.Server) {
		for _, row := range []struct {
			name    string
			kind    uint16
			rcode   int
			answers []string
			soa     bool
		}{
			{"a.b.http.test.", dns.TypeA, dns.RcodeSuccess, []string{"127.0.0.1"}, false},
			{"HTTP.test.", dns.TypeA, dns.RcodeSuccess, []string{"127.0.0.1"}, false},
			{"a.http.test.", dns.TypeAAAA, dns.RcodeSuccess, nil, true},
			{"dns.test.", dns.TypeSOA, dns.RcodeSuccess, []string{"SOA"}, false},
			{"dns.test.", dns.TypeNS, dns.RcodeSuccess, []string{"ns.dns.test."}, false},
			{"_acme-challenge.www.dns.test.", dns.TypeTXT, dns.RcodeNameError, nil, true},
			{"_acme-challenge.alias.locked.test.", dns.TypeTXT, dns.RcodeSuccess, []string{"alias.target.dns.test."}, false},
			{"_acme-challenge.alias.dns.test.", dns.TypeTXT, dns.RcodeNameError, []string{"alias.target.dns.test."}, true},
			{"_acme-challenge.alias.dns.test.", dns.TypeCNAME, dns.RcodeSuccess, []string{"alias.target.dns.test."}, false},
			{"alias.locked.test.", dns.TypeTXT, dns.RcodeSuccess, nil, true},
			{"www.elsewhere.test.", dns.TypeA, dns.RcodeRefused, nil, false},
		} {
			answer, err := dns.Exchange(new(dns.Msg).SetQuestion(row.name, row.kind), s.Address)
			if err != nil {
				t.Fatal(err)
			}
			var found []string
			for _, record := range answer.Answer {
				found = append(found, value(record))
			}
			soa := len(answer.Ns) == 1 && answer.Ns[0].Header().Rrtype == dns.TypeSOA
			if answer.Rcode != row.rcode || !slices.Equal(found, row.answers) || len(found) == 0 && soa != row.soa {
				t.Errorf("%s %s: got %s %v, SOA %v", row.name, dns.TypeToString[row.kind], dns.RcodeToString[answer.Rcode], found, soa)
			}
		}
	})
}

func value(record dns.RR) string {
	switch r := record.(type) {
	case *dns.A:
		return r.A.String()
	case *dns.NS:
		return r.Ns
	case *dns.CNAME:
		return r.Target
	case *dns.SOA:
		return "SOA"
	}
	return fmt.Sprint(record)
}

func TestUpdates(t *testing.T) {
	both(t, func(t *testing.T, s *nameserver.Server) {
		wrong := nameserver.Key{Name: s.Key.Name, Secret: s.Powerless.Secret}
		for _, row := range []struct {
			name string
			key  *nameserver.Key
			kind string
			want int
		}{
			{"_acme-challenge.www.dns.test.", &s.Key, "TXT one", dns.RcodeSuccess},
			{"_acme-challenge.www.dns.test.", &s.Key, "TXT two", dns.RcodeSuccess},
			{"_acme-challenge.www.dns.test.", &s.Key, "TXT two", dns.RcodeSuccess},
			{"_acme-challenge.dns.test.", &s.Key, "TXT three", dns.RcodeSuccess},
			{"www.dns.test.", &s.Key, "A 127.0.0.1", dns.RcodeRefused},
			{"_acme-challenge.www.locked.test.", &s.Key, "TXT one", dns.RcodeRefused},
			{"_acme-challenge.www.dns.test.", &s.Powerless, "TXT four", dns.RcodeRefused},
			{"_acme-challenge.www.dns.test.", &wrong, "TXT four", dns.RcodeNotAuth},
			{"_acme-challenge.www.dns.test.", nil, "TXT four", dns.RcodeRefused},
		} {
			if got := update(t, s, row.key, row.name+" 1 IN "+row.kind, (*dns.Msg).Insert); got != row.want {
				t.Errorf("%s %s: got %s, want %s", row.name, row.kind, dns.RcodeToString[got], dns.RcodeToString[row.want])
			}
		}
		expect(t, s, "_acme-challenge.dns.test. [three]", "_acme-challenge.www.dns.test. [one]", "_acme-challenge.www.dns.test. [two]")
		update(t, s, &s.Key, "_acme-challenge.www.dns.test. 1 IN TXT one", (*dns.Msg).Remove)
		expect(t, s, "_acme-challenge.dns.test. [three]", "_acme-challenge.www.dns.test. [two]")
		update(t, s, &s.Key, "_acme-challenge.www.dns.test. 1 IN TXT two", (*dns.Msg).RemoveRRset)
		update(t, s, &s.Key, "_acme-challenge.dns.test. 1 IN TXT three", (*dns.Msg).Remove)
		expect(t, s)
	})
}

func update(t *testing.T, s *nameserver.Server, key *nameserver.Key, record string, change func(*dns.Msg, []dns.RR)) int {
	t.Helper()
	rr, err := dns.NewRR(record)
	if err != nil {
		t.Fatal(err)
	}
	labels := dns.SplitDomainName(rr.Header().Name)
	message := new(dns.Msg).SetUpdate(dns.Fqdn(labels[len(labels)-2] + "." + labels[len(labels)-1]))
	change(message, []dns.RR{rr})
	client := &dns.Client{Net: "tcp"}
	if key != nil {
		message.SetTsig(dns.Fqdn(key.Name), dns.HmacSHA256, 300, time.Now().Unix())
		client.TsigSecret = map[string]string{dns.Fqdn(key.Name): key.Secret}
	}
	answer, _, err := client.Exchange(message, s.Address)
	if answer == nil {
		t.Fatal(err)
	}
	return answer.Rcode
}

func expect(t *testing.T, s *nameserver.Server, want ...string) {
	t.Helper()
	got, err := s.TXT()
	slices.Sort(got)
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("TXT records: got %v, %v, want %v", got, err, want)
	}
}
