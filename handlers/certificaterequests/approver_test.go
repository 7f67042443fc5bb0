package certificaterequests_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/certwright/certwright/handlers/certificaterequests"

	cmmeta "github.com/cert-manager/cert-manager/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

func TestApprover(t *testing.T) {
	t.Parallel()
	issuer := cmmeta.IssuerReference{Name: "ca"}
	cluster := cmmeta.IssuerReference{Name: "root", Kind: "ClusterIssuer"}
	pca := cmmeta.IssuerReference{Name: "pca", Kind: "AWSPCAIssuer", Group: "awspca.cert-manager.io"}
	wide := cmmeta.IssuerReference{Name: "pca", Kind: "AWSPCAClusterIssuer", Group: "awspca.cert-manager.io"}
	unknown := cmmeta.IssuerReference{Name: "x", Kind: "Unknown", Group: "example.com"}
	only := func(patterns ...string) func(string) bool {
		return func(signer string) bool {
			for _, p := range patterns {
				if p == signer || strings.HasSuffix(p, "/*") && strings.HasPrefix(signer, strings.TrimSuffix(p, "*")) {
					return true
				}
			}
			return false
		}
	}
	discovered := func(k schema.GroupKind) (string, bool, error) {
		if k.Group != "awspca.cert-manager.io" {
			return "", false, errors.New("no such kind")
		}
		return strings.ToLower(k.Kind) + "s", strings.Contains(k.Kind, "Cluster"), nil
	}
	for name, row := range map[string]struct {
		a    certificaterequests.Approver
		ref  cmmeta.IssuerReference
		want bool
	}{
		"switched off":                 {certificaterequests.Approver{}, issuer, false},
		"all":                          {certificaterequests.Approver{All: true}, issuer, true},
		"all, also of a kind unknown":  {certificaterequests.Approver{All: true}, unknown, true},
		"one issuer of one namespace":  {certificaterequests.Approver{Allows: only("issuers.cert-manager.io/team.ca")}, issuer, true},
		"of another namespace":         {certificaterequests.Approver{Allows: only("issuers.cert-manager.io/other.ca")}, issuer, false},
		"of another name":              {certificaterequests.Approver{Allows: only("issuers.cert-manager.io/team.x")}, issuer, false},
		"every issuer":                 {certificaterequests.Approver{Allows: only("issuers.cert-manager.io/*")}, issuer, true},
		"not cluster issuers":          {certificaterequests.Approver{Allows: only("issuers.cert-manager.io/*")}, cluster, false},
		"a cluster issuer":             {certificaterequests.Approver{Allows: only("clusterissuers.cert-manager.io/root")}, cluster, true},
		"an external issuer":           {certificaterequests.Approver{Allows: only("awspcaissuers.awspca.cert-manager.io/team.pca"), Resource: discovered}, pca, true},
		"an external cluster issuer":   {certificaterequests.Approver{Allows: only("awspcaclusterissuers.awspca.cert-manager.io/pca"), Resource: discovered}, wide, true},
		"a kind that is not there":     {certificaterequests.Approver{Allows: only("unknowns.example.com/*"), Resource: discovered}, unknown, false},
		"another group, without means": {certificaterequests.Approver{Allows: only("awspcaissuers.awspca.cert-manager.io/*")}, pca, false},
	} {
		if got := row.a.Approves("team", row.ref); got != row.want {
			t.Errorf("%s: got %t, want %t", name, got, row.want)
		}
	}
}
