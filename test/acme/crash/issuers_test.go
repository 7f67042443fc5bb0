package crash

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/certwright/certwright/test/acme/gate"
	"github.com/certwright/certwright/test/acme/parts"
	"github.com/certwright/certwright/test/acme/pebble"
	"github.com/certwright/certwright/test/acme/site"
)

// TestAccountsOfIssuers: an issuer costs its account's Secret, one status write
// and one account, with no conflict; and a restart asks the server nothing.
func TestAccountsOfIssuers(t *testing.T) {
	const many = 12
	s := begin(t)
	s.OwnServer(pebble.Options{})
	d := start(t)
	var names []string
	for i := range many {
		names = append(names, fmt.Sprintf("le-%02d", i))
		s.CreateIssuer(names[i], s.Parts.Issuer(s.Gate, names[i]+"-account", parts.HTTP01()))
	}
	for _, name := range names {
		s.IssuerReady(name)
		s.AwaitEvent(name, "ACMEAccountRegistered", "")
	}
	var want []string
	for _, name := range names {
		want = append(want, "create secrets "+name+"-account 201", "update issuers/status "+name+" 200")
	}
	if got := writesOf(s); !slices.Equal(got, want) {
		t.Errorf("the daemon wrote\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if registered := s.Gate.Calls(gate.NewAccount); len(registered) != many {
		t.Errorf("newAccount was called %d times for %d issuers", len(registered), many)
	}
	before := len(s.Gate.Calls())
	s.Must(d.Restart(t.Context()))
	for _, name := range names {
		touch(s, name)
	}
	if calls := s.Gate.Calls()[before:]; len(calls) != 0 {
		t.Errorf("the restarted daemon asked the server: %v", calls)
	}
}

// writesOf lists the daemon's writes in the namespace with what was answered,
// Events apart: by the issuer that they are for.
func writesOf(s *site.Site) (all []string) {
	s.Helper()
	for _, e := range s.Asked(world.Account) {
		if e.Writes() && !e.IsEvent() {
			resource := strings.TrimSuffix(e.Resource+"/"+e.Subresource, "/")
			all = append(all, fmt.Sprintf("%s %s %s %d", e.Verb, resource, e.Name, e.Code))
		}
	}
	slices.SortStableFunc(all, func(a, b string) int {
		issuer := func(line string) string { return strings.TrimSuffix(strings.Fields(line)[2], "-account") }
		return strings.Compare(issuer(a), issuer(b))
	})
	return all
}

// touch changes what no server needs to know of, and waits until it is seen.
func touch(s *site.Site, name string) {
	s.Helper()
	issuers := s.CertManager.CertmanagerV1().Issuers(s.Namespace)
	issuer, err := issuers.Get(s.Context(), name, metav1.GetOptions{})
	s.Must(err)
	issuer.Spec.ACME.PreferredChain = "another"
	issuer, err = issuers.Update(s.Context(), issuer, metav1.UpdateOptions{})
	s.Must(err)
	s.AwaitIssuer(name, func(status cmapi.IssuerStatus) bool {
		return len(status.Conditions) == 1 && status.Conditions[0].ObservedGeneration == issuer.Generation
	})
}
