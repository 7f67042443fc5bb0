package rules

import (
	"slices"
	"testing"

	cmacme "github.com/cert-manager/cert-manager/pkg/apis/acme/v1"
	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	cmmeta "github.com/cert-manager/cert-manager/pkg/apis/meta/v1"
	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
)

// What is refused and accepted is in the table of test/admission. Here is what
// the table cannot ask.

func TestSignerNames(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		ref  cmmeta.IssuerReference
		want []string
	}{
		{cmmeta.IssuerReference{Name: "a"}, []string{"issuers.cert-manager.io/*", "issuers.cert-manager.io/team.a"}},
		{cmmeta.IssuerReference{Name: "a", Kind: "ClusterIssuer"}, []string{"clusterissuers.cert-manager.io/*", "clusterissuers.cert-manager.io/a"}},
		{cmmeta.IssuerReference{Name: "a", Kind: "Widget"}, nil},
		{cmmeta.IssuerReference{Name: "a", Kind: "Policy", Group: "example.com"}, []string{"policies.example.com/*", "policies.example.com/team.a", "policies.example.com/a"}},
		{cmmeta.IssuerReference{Name: "a", Kind: "Keys", Group: "example.com"}, []string{"keyses.example.com/*", "keyses.example.com/team.a", "keyses.example.com/a"}},
		{cmmeta.IssuerReference{Name: "b.a", Kind: "Widget", Group: "example.com"}, []string{"widgets.example.com/*", "widgets.example.com/team.b.a"}},
		{cmmeta.IssuerReference{Name: "b.a", Kind: "WidgetClusterIssuer", Group: "example.com"}, []string{"widgetclusterissuers.example.com/*", "widgetclusterissuers.example.com/b.a"}},
	} {
		if got := SignerNames("team", row.ref); !slices.Equal(got, row.want) {
			t.Errorf("%+v: %v instead of %v", row.ref, got, row.want)
		}
	}
}

// Orders and Challenges are made by the daemon; what others make is not ours.
func TestChangesThatAreNotLookedAt(t *testing.T) {
	t.Parallel()
	for _, c := range []Change{
		{New: &cmacme.Order{}}, {New: &cmacme.Challenge{}}, {New: &corev1.Secret{}},
		{Old: &cmapi.Certificate{}, New: &cmapi.Certificate{}, Status: true},
		{Old: &cmapi.ClusterIssuer{}, New: &cmapi.ClusterIssuer{}},
	} {
		if faults := c.Faults(); len(faults) > 0 {
			t.Errorf("%T: %v", c.New, faults)
		}
	}
}

// What is stamped takes the place of all that was said before, and is the truth.
func TestStamp(t *testing.T) {
	t.Parallel()
	user := authenticationv1.UserInfo{Username: "dora", Extra: map[string]authenticationv1.ExtraValue{"a": {"b"}}}
	cr := &cmapi.CertificateRequest{Spec: cmapi.CertificateRequestSpec{UID: "forged", Groups: []string{"forged"}}}
	Stamp(cr, user)
	if cr.Spec.UID != "" || cr.Spec.Groups != nil || cr.Spec.Username != "dora" || cr.Spec.Extra["a"][0] != "b" {
		t.Errorf("%+v", cr.Spec)
	}
	if faults := requester(cr, user); len(faults) > 0 {
		t.Error(faults)
	}
}

// Nothing but the request itself may be wrong with a probe: an answer must not
// depend on anything else.
func TestProbes(t *testing.T) {
	t.Parallel()
	refused, stamped := Probes("team")
	for _, cr := range []*cmapi.CertificateRequest{refused, stamped} {
		if faults := (Change{New: cr}).Faults(); len(faults) != 1 || faults[0].Field != "spec.request" {
			t.Errorf("the request %q: %v", cr.Spec.Request, faults)
		}
	}
}
