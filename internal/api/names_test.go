package api

import (
	"strings"
	"testing"

	cmmeta "github.com/cert-manager/cert-manager/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation"
)

func TestIssuerReferences(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		ref        cmmeta.IssuerReference
		text       string
		own, known bool
	}{
		{cmmeta.IssuerReference{Name: "ca"}, "Issuer.cert-manager.io/ca", true, true},
		{cmmeta.IssuerReference{Name: "ca", Kind: "ClusterIssuer"}, "ClusterIssuer.cert-manager.io/ca", true, true},
		{cmmeta.IssuerReference{Name: "ca", Kind: "Issuer", Group: "cert-manager.io"}, "Issuer.cert-manager.io/ca", true, true},
		{cmmeta.IssuerReference{Name: "ca", Kind: "Isuer"}, "Isuer.cert-manager.io/ca", true, false},
		{cmmeta.IssuerReference{Name: "ca", Group: "example.com"}, "Issuer.example.com/ca", false, true},
		{cmmeta.IssuerReference{Name: "pca", Kind: "PCA", Group: "example.com"}, "PCA.example.com/pca", false, false},
		{cmmeta.IssuerReference{}, "Issuer.cert-manager.io/", true, true},
	} {
		if got := DescribeIssuer(row.ref); got != row.text {
			t.Errorf("got %q, want %q", got, row.text)
		}
		if OwnGroup(row.ref) != row.own || KnownKind(row.ref) != row.known {
			t.Errorf("%s: got own %t, known %t", row.text, OwnGroup(row.ref), KnownKind(row.ref))
		}
		if once := IssuerRef(row.ref); IssuerRef(once) != once {
			t.Errorf("%s: defaulted twice, it is another", row.text)
		}
	}
}

// Names of children are stable, told apart, and names that Kubernetes takes,
// however long the Certificate's own is.
func TestNamesOfChildren(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("a", 252)
	for _, row := range []struct {
		certificate string
		revision    int
		want        string // "" is any
	}{
		{"web", 1, "web-1"},
		{"web.example.com", 12, "web.example.com-12"},
		{strings.Repeat("a", 233), 1, strings.Repeat("a", 233) + "-1"},
		{long, 1, strings.Repeat("a", 224) + "-e7066e51-1"},
		{long + "b", 1, ""},
		{strings.Repeat("a", 223) + "." + strings.Repeat("b", 29), 7, ""}, // cut at a dot
		{strings.Repeat("a", 222) + "-." + strings.Repeat("b", 29), 7, ""},
	} {
		got := RequestName(row.certificate, row.revision)
		if row.want != "" && got != row.want {
			t.Errorf("request of %s: got %s, want %s", row.certificate, got, row.want)
		}
		for _, name := range []string{got, KeySecretName(row.certificate, "uid", row.revision)} {
			if faults := validation.IsDNS1123Subdomain(name); len(faults) > 0 {
				t.Errorf("%s: %v", name, faults)
			}
		}
	}
	if RequestName(long, 1) == RequestName(long+"b", 1) {
		t.Error("two long names that begin alike share a request")
	}
}

func TestKeySecretNames(t *testing.T) {
	t.Parallel()
	first := KeySecretName("web", "uid-1", 1)
	if first != KeySecretName("web", "uid-1", 1) {
		t.Error("asked twice, it is another: a restart would not find it")
	}
	for _, other := range []string{KeySecretName("web", "uid-1", 2), KeySecretName("web", "uid-2", 1), KeySecretName("www", "uid-1", 1)} {
		if other == first {
			t.Errorf("%s is the name of two", other)
		}
	}
}
