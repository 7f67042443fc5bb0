package acme_test

import (
	"testing"

	"github.com/certwright/certwright/handlers/issuers/acme"

	cmacme "github.com/cert-manager/cert-manager/pkg/apis/acme/v1"
)

func TestNext(t *testing.T) {
	t.Parallel()
	stored := &cmacme.ACMEIssuerStatus{LastRegisteredEmail: "a@example.com"}
	for name, row := range map[string]struct {
		o    acme.Observed
		want acme.Step
	}{
		"never registered":      {acme.Observed{Spec: &cmacme.ACMEIssuer{}}, acme.Register{}},
		"of another key":        {acme.Observed{Spec: &cmacme.ACMEIssuer{Email: "a@example.com"}, Status: stored}, acme.Register{}},
		"in order":              {acme.Observed{Spec: &cmacme.ACMEIssuer{Email: "a@example.com"}, Status: stored, Registered: true}, acme.Rest{}},
		"denied":                {acme.Observed{Spec: &cmacme.ACMEIssuer{Email: "a@example.com"}, Status: stored, Registered: true, Lost: true}, acme.Register{}},
		"another address":       {acme.Observed{Spec: &cmacme.ACMEIssuer{Email: "b@example.com"}, Status: stored, Registered: true}, acme.UpdateEmail{}},
		"no address any more":   {acme.Observed{Spec: &cmacme.ACMEIssuer{}, Status: stored, Registered: true}, acme.UpdateEmail{}},
		"an address, but later": {acme.Observed{Spec: &cmacme.ACMEIssuer{Email: "b@example.com"}, Status: stored}, acme.Register{}},
	} {
		if got := acme.Next(row.o); got != row.want {
			t.Errorf("%s: got %T, want %T", name, got, row.want)
		}
	}
}
