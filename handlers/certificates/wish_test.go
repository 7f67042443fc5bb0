package certificates

import (
	"strings"
	"testing"

	cmacme "github.com/cert-manager/cert-manager/pkg/apis/acme/v1"
	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	cmmeta "github.com/cert-manager/cert-manager/pkg/apis/meta/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func TestWishes(t *testing.T) {
	t.Parallel()
	const (
		field   = "metadata.annotations[certwright.dev/revoke]: "
		remedy  = ": use on-deletion, on-key-change or both with a comma between, or remove the annotation"
		notACME = "Issuer.cert-manager.io/le cannot revoke, only issuers of type acme can: use one of those, or remove the annotation"
		deleted = 1
		changed = 2
	)
	for _, row := range []struct {
		value      string
		unrevoking bool
		holds      int
		fault      string
	}{
		{"on-deletion", false, deleted, ""},
		{"on-key-change", false, changed, ""},
		{"on-deletion,on-key-change", false, deleted | changed, ""},
		{"on-key-change, on-deletion", false, deleted | changed, ""},
		{"  on-deletion\n", false, deleted, ""},
		{"on-deletion on-key-change", false, deleted | changed, ""},
		{"on-deletion,", false, deleted, ""},
		{"on-deletion,,on-deletion", false, deleted, ""},
		{"on-delete", false, 0, `unknown word "on-delete"` + remedy},
		{"On-Deletion", false, 0, `unknown word "On-Deletion"` + remedy},
		{"on-deletion;on-key-change", false, 0, `unknown word "on-deletion;on-key-change"` + remedy},
		{"on-deletion, on-keychange, never", false, deleted, `unknown word "on-keychange"` + remedy},
		{"true", false, 0, `unknown word "true"` + remedy},
		{"\x00" + strings.Repeat("x", 1000), false, 0, `unknown word "\x00` + strings.Repeat("x", 39) + `"` + remedy},
		{"", false, 0, "it is empty" + remedy},
		{" ,\t", false, 0, "it is empty" + remedy},
		{"on-deletion", true, deleted, notACME},
		{"on-key-change, on-delete", true, changed, `unknown word "on-delete"` + remedy + "; " + notACME},
		{"on-delete", true, 0, `unknown word "on-delete"` + remedy},
		{"", true, 0, "it is empty" + remedy},
	} {
		crt := &cmapi.Certificate{ObjectMeta: metav1.ObjectMeta{Annotations: map[string]string{"certwright.dev/revoke": row.value}}}
		crt.Spec.IssuerRef.Name = "le"
		holds := 0
		if asksFor(crt, "on-deletion") {
			holds |= deleted
		}
		if asksFor(crt, "on-key-change") {
			holds |= changed
		}
		if holds != row.holds {
			t.Errorf("%.60q: in force is %02b, want %02b", row.value, holds, row.holds)
		}
		want := row.fault
		if want != "" {
			want = field + want
		}
		o := Observed{Certificate: crt, Unrevoking: row.unrevoking}
		if got := o.misread(); got != want {
			t.Errorf("%.60q:\ngot  %s\nwant %s", row.value, got, want)
		}
	}
	for _, unrevoking := range []bool{false, true} {
		o := Observed{Certificate: &cmapi.Certificate{}, Unrevoking: unrevoking}
		if got := o.misread(); got != "" || asksFor(o.Certificate, "on-deletion") {
			t.Errorf("without the annotation: %q", got)
		}
	}
}

func TestUnrevoking(t *testing.T) {
	t.Parallel()
	ours, theirs := cmmeta.IssuerReference{Name: "a"}, cmmeta.IssuerReference{Name: "a", Kind: "WidgetIssuer", Group: "example.com"}
	for name, row := range map[string]struct {
		ref    cmmeta.IssuerReference
		issuer cmapi.GenericIssuer
		want   bool
	}{
		"ACME":               {ours, &cmapi.Issuer{Spec: cmapi.IssuerSpec{IssuerConfig: cmapi.IssuerConfig{ACME: &cmacme.ACMEIssuer{}}}}, false},
		"CA":                 {ours, &cmapi.Issuer{Spec: cmapi.IssuerSpec{IssuerConfig: cmapi.IssuerConfig{CA: &cmapi.CAIssuer{}}}}, true},
		"Vault, cluster":     {ours, &cmapi.ClusterIssuer{Spec: cmapi.IssuerSpec{IssuerConfig: cmapi.IssuerConfig{Vault: &cmapi.VaultIssuer{}}}}, true},
		"gone, or not seen":  {ours, nil, false},
		"of another program": {theirs, nil, true},
	} {
		if got := unrevoking(row.ref, row.issuer); got != row.want {
			t.Errorf("%s: %t", name, got)
		}
	}
}
