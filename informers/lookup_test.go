package informers

import (
	"slices"
	"testing"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	cmmeta "github.com/cert-manager/cert-manager/pkg/apis/meta/v1"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// names gives the names of objects, sorted.
func names[T object](objs []T) []string {
	var all []string
	for _, o := range objs {
		all = append(all, o.GetName())
	}
	slices.Sort(all)
	return all
}

func expectNames[T object](t *testing.T, what string, got []T, want ...string) {
	t.Helper()
	if diff := cmp.Diff(want, names(got), cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

func TestCertificatesBySecretAreThoseThatWriteIt(t *testing.T) {
	bubble(t, func(t *testing.T, c *cluster) {
		c.put(certificate("shop", "web", "tls"), certificate("shop", "rival", "tls"), certificate("bank", "web", "tls"),
			withPasswords(certificate("shop", "keystores", "other"), "tls", "tls"))
		set, _ := c.watched()
		expectNames(t, "Certificates", set.CertificatesBySecret("shop", "tls"), "rival", "web")
		expectNames(t, "Certificates", set.CertificatesBySecret("shop", "none"))
	})
}

// The children of a deleted Certificate are not its namesake's.
func TestChildrenAreToldByTheOwnersUID(t *testing.T) {
	bubble(t, func(t *testing.T, c *cluster) {
		web := certificate("shop", "web", "tls")
		before := web.DeepCopy()
		before.UID = "uid-of-the-one-before"
		plain := controlled(ownSecret("shop", "target"), web) // with --enable-certificate-owner-ref
		c.put(web, plain,
			controlled(request("shop", "web-1", "Issuer", "ca"), web), controlled(request("shop", "web-9", "Issuer", "ca"), before),
			request("shop", "by-hand", "Issuer", "ca"),
			keySecretOf(web, "web-key"), keySecretOf(before, "old-key"))
		set, _ := c.watched()
		expectNames(t, "requests", set.RequestsOf(web), "web-1")
		expectNames(t, "key Secrets", set.KeySecretsOf(web), "web-key")
		expectNames(t, "requests of the one before", set.RequestsOf(before), "web-9")
	})
}

func TestIssuerFor(t *testing.T) {
	bubble(t, func(t *testing.T, c *cluster) {
		c.put(issuer("shop", "ca", "x"), issuer("bank", "ca", "x"), clusterIssuer("ca", "x"))
		set, _ := c.watched()
		for _, row := range []struct {
			name string
			ref  cmmeta.IssuerReference
			want string // kind, namespace; "" is none
		}{
			{"kind and group by default", cmmeta.IssuerReference{Name: "ca"}, "Issuer shop"},
			{"Issuer", cmmeta.IssuerReference{Name: "ca", Kind: "Issuer", Group: "cert-manager.io"}, "Issuer shop"},
			{"ClusterIssuer", cmmeta.IssuerReference{Name: "ca", Kind: "ClusterIssuer"}, "ClusterIssuer "},
			{"missing Issuer", cmmeta.IssuerReference{Name: "cb"}, ""},
			{"missing ClusterIssuer", cmmeta.IssuerReference{Name: "cb", Kind: "ClusterIssuer"}, ""},
			{"another kind of our group", cmmeta.IssuerReference{Name: "ca", Kind: "Signer"}, ""},
			{"another group", cmmeta.IssuerReference{Name: "ca", Kind: "Issuer", Group: "example.com"}, ""},
		} {
			if got := describeIssuer(set.IssuerFor("shop", row.ref)); got != row.want {
				t.Errorf("%s: got %q, want %q", row.name, got, row.want)
			}
		}
	})
}

// describeIssuer is "" for no issuer, and must not be for a nil inside an
// interface, which handlers would take for one.
func describeIssuer(i cmapi.GenericIssuer) string {
	switch i := i.(type) {
	case nil:
		return ""
	case *cmapi.Issuer:
		return "Issuer " + i.GetNamespace()
	case *cmapi.ClusterIssuer:
		return "ClusterIssuer " + i.GetNamespace()
	}
	return "?"
}

func TestLookupsOutsideTheNamespacesServedFindNothing(t *testing.T) {
	bubble(t, func(t *testing.T, c *cluster) {
		c.put(certificate("else", "web", "tls"), request("else", "r", "Issuer", "ca"), issuer("else", "ca", "tls"), foreignSecret("else", "tls"))
		set, _ := c.watched(func(o *Options) { o.Namespaces = []string{"shop"} })
		if set.Certificate("else", "web") != nil || set.Request("else", "r") != nil || set.Issuer("else", "ca") != nil ||
			len(set.CertificatesBySecret("else", "tls")) > 0 {
			t.Error("found what is not watched")
		}
		if _, err := set.Secret(t.Context(), "else", "tls"); err == nil {
			t.Error("a Secret of a namespace that is not served was found")
		}
	})
}

func TestIndexOfCertificatesByTheirSecrets(t *testing.T) {
	t.Parallel()
	plain := certificate("shop", "web", "tls")
	literal := withPasswords(certificate("shop", "web", "tls"), "", "") // passwords in the spec itself
	for _, row := range []struct {
		name string
		crt  *cmapi.Certificate
		want []string
	}{
		{"target", plain, []string{"shop/tls"}},
		{"keystores with passwords in the spec", literal, []string{"shop/tls"}},
		{"keystore passwords in Secrets", withPasswords(plain.DeepCopy(), "jks", "p12"), []string{"shop/tls", "shop/jks", "shop/p12"}},
	} {
		if diff := cmp.Diff(row.want, certificateSecrets(row.crt)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", row.name, diff)
		}
	}
}

func TestIndexesOfWaitingRequests(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name        string
		cr          *cmapi.CertificateRequest
		issuer, key []string
	}{
		{"new", withKey(request("shop", "r", "", "ca"), "k"), []string{"Issuer/shop/ca"}, []string{"shop/k"}},
		{"for a ClusterIssuer", request("shop", "r", "ClusterIssuer", "ca"), []string{"ClusterIssuer/ca"}, nil},
		{"for another group", external(withKey(request("shop", "r", "Issuer", "ca"), "k")), nil, []string{"shop/k"}},
		{"pending", ended(withKey(request("shop", "r", "Issuer", "ca"), "k"), "Pending"), []string{"Issuer/shop/ca"}, []string{"shop/k"}},
		{"issued", ended(withKey(request("shop", "r", "Issuer", "ca"), "k"), "Issued"), nil, nil},
		{"failed", ended(withKey(request("shop", "r", "Issuer", "ca"), "k"), "Failed"), nil, nil},
		{"denied", ended(withKey(request("shop", "r", "Issuer", "ca"), "k"), "Denied"), nil, nil},
	} {
		if diff := cmp.Diff(row.issuer, waitingIssuer(row.cr)); diff != "" {
			t.Errorf("%s: issuer (-want +got):\n%s", row.name, diff)
		}
		if diff := cmp.Diff(row.key, waitingKey(row.cr)); diff != "" {
			t.Errorf("%s: key (-want +got):\n%s", row.name, diff)
		}
	}
}

// An index function that meets what it was not made for files it nowhere.
func TestIndexFunctionsTakeAnything(t *testing.T) {
	t.Parallel()
	for _, obj := range []any{nil, "text", certificate("shop", "web", "tls")} {
		values, err := indexBy(waitingIssuer)(obj)
		if values != nil || err != nil {
			t.Errorf("%T: %v, %v", obj, values, err)
		}
	}
}
