package verdict

import (
	"testing"
	"time"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
)

func TestStateOf(t *testing.T) {
	deleted := func(c *cmapi.Certificate) { c.DeletionTimestamp = at(-time.Hour) }
	expired := func(c *cmapi.Certificate) { c.Status.NotAfter = at(-time.Second) }
	due := func(c *cmapi.Certificate) { c.Status.RenewalTime = at(-time.Second) }
	refused := request("1", cmapi.CertificateRequestCondition{Type: "Denied", Status: "True"})
	for name, c := range map[string]struct {
		o    Observed
		want State
	}{
		"ready":                            {observe(certificate(ready), goodIssuer(), nil), Ready},
		"ready, its issuer is gone":        {observe(certificate(ready), nil, nil), Stuck},
		"ready, due":                       {observe(certificate(ready, due), goodIssuer(), request("2")), Renewing},
		"ready, expired":                   {observe(certificate(ready, expired), goodIssuer(), nil), Expired},
		"expired goes before the issuer":   {observe(certificate(ready, expired), nil, nil), Expired},
		"new":                              {observe(certificate(), goodIssuer(), nil), Waiting},
		"approval":                         {observe(certificate(issuing), goodIssuer(), request("1")), Waiting},
		"failed":                           {observe(certificate(failedOnce), goodIssuer(), request("1", approved(), readyRequest("False", "Failed", "no"))), Failed},
		"denied":                           {observe(certificate(issuing), goodIssuer(), refused), Failed},
		"failed before, a new one is made": {observe(certificate(failedOnce), goodIssuer(), request("1", approved())), Waiting},
		"deleted":                          {observe(certificate(ready, deleted), goodIssuer(), nil), Deleting},
	} {
		t.Run(name, func(t *testing.T) {
			if got := StateOf(c.o, Explain(c.o, now), now); got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}
}

func TestStates(t *testing.T) {
	words := map[string]bool{}
	for _, s := range States() {
		if s.String() == "" || s.String() == "Unknown" || words[s.String()] {
			t.Errorf("%d has no word of its own: %q", s, s)
		}
		words[s.String()] = true
	}
	if State(200).String() != "Unknown" {
		t.Error("a state that is none has a word")
	}
	if !Failed.NeedsAttention() || Renewing.NeedsAttention() {
		t.Error("who needs attention")
	}
}
