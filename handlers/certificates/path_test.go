package certificates

import (
	"testing"

	cmacme "github.com/cert-manager/cert-manager/pkg/apis/acme/v1"
	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	cmmeta "github.com/cert-manager/cert-manager/pkg/apis/meta/v1"
)

func TestPath(t *testing.T) {
	t.Parallel()
	issuer := func(ready cmmeta.ConditionStatus, c cmapi.IssuerConfig) cmapi.GenericIssuer {
		i := &cmapi.Issuer{Spec: cmapi.IssuerSpec{IssuerConfig: c}}
		if ready != "" {
			i.Status.Conditions = []cmapi.IssuerCondition{{Type: cmapi.IssuerConditionReady, Status: ready}}
		}
		return i
	}
	ca := cmapi.IssuerConfig{CA: &cmapi.CAIssuer{}}
	for name, row := range map[string]struct {
		issuer   cmapi.GenericIssuer
		approves bool
		want     Path
	}{
		"no issuer, or another group's":  {nil, true, Slow},
		"CA":                             {issuer(cmmeta.ConditionTrue, ca), true, Immediate},
		"CA, approved by somebody else":  {issuer(cmmeta.ConditionTrue, ca), false, Slow},
		"CA that is not ready":           {issuer(cmmeta.ConditionFalse, ca), true, Slow},
		"CA that nobody has looked at":   {issuer("", ca), true, Slow},
		"SelfSigned reads the key":       {issuer(cmmeta.ConditionTrue, cmapi.IssuerConfig{SelfSigned: &cmapi.SelfSignedIssuer{}}), true, KeyInSecret},
		"Vault is far away":              {issuer(cmmeta.ConditionTrue, cmapi.IssuerConfig{Vault: &cmapi.VaultIssuer{}}), true, Remote},
		"ACME too":                       {issuer(cmmeta.ConditionTrue, cmapi.IssuerConfig{ACME: &cmacme.ACMEIssuer{}}), true, Remote},
		"ACME, approved by others":       {issuer(cmmeta.ConditionTrue, cmapi.IssuerConfig{ACME: &cmacme.ACMEIssuer{}}), false, Slow},
		"one that is not configured yet": {issuer(cmmeta.ConditionTrue, cmapi.IssuerConfig{}), true, Slow},
	} {
		if got := path(row.issuer, row.approves); got != row.want {
			t.Errorf("%s: got %d, want %d", name, got, row.want)
		}
	}
}
