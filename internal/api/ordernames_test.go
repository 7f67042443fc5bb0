package api

import (
	"testing"

	cmacme "github.com/cert-manager/cert-manager/pkg/apis/acme/v1"
	"github.com/google/go-cmp/cmp"
)

func TestOrderNames(t *testing.T) {
	t.Parallel()
	dns, ips := OrderNames(&cmacme.OrderSpec{
		CommonName:  "WEB.example.com",
		DNSNames:    []string{"web.example.com", "*.Example.com", "a.example.com."},
		IPAddresses: []string{"2001:DB8:0::1", "192.0.2.1", "192.0.2.1"},
	})
	if diff := cmp.Diff([]string{"*.example.com", "a.example.com", "web.example.com"}, dns); diff != "" {
		t.Errorf("DNS (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"192.0.2.1", "2001:db8::1"}, ips); diff != "" {
		t.Errorf("IP (-want +got):\n%s", diff)
	}
	if dns, ips = OrderNames(&cmacme.OrderSpec{CommonName: "192.0.2.7"}); len(dns) != 0 || len(ips) != 1 {
		t.Errorf("an address as common name: %v, %v", dns, ips)
	}
}

// The names of Challenges are what they were in the release before.
func TestChallengeName(t *testing.T) {
	t.Parallel()
	if got := ChallengeName("web-1-77", "https://acme/authz https://acme/chall {}"); got != "web-1-77-2642182019" {
		t.Errorf("got %s", got)
	}
}
