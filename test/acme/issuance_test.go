package acme

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	cmacme "github.com/cert-manager/cert-manager/pkg/apis/acme/v1"
	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/certwright/certwright/test/acme/gate"
	"github.com/certwright/certwright/test/acme/parts"
	"github.com/certwright/certwright/test/acme/site"
	"github.com/certwright/certwright/test/e2e/suite"
	"github.com/certwright/certwright/test/harness"
)

func TestHTTP01(t *testing.T) {
	s := begin(t)
	s.Obtain("web", s.HTTP(), s.HTTPName("www"))
	s.Clean()
	ordered(s, 1, s.HTTPName("www"))
	order := s.AwaitOrder(func(*cmacme.Order) bool { return true })
	if order.Status.State != cmacme.Valid || order.Status.URL == "" || len(order.Status.Authorizations) != 1 {
		t.Errorf("the Order at the end:\n%s", harness.Show(order))
	}
}

func TestHTTP01OfSeveralNames(t *testing.T) {
	s := begin(t)
	names := []string{s.HTTPName("a"), s.HTTPName("b"), s.HTTPName("c")}
	s.Obtain("web", s.HTTP(), names...)
	s.Clean()
	ordered(s, 1, names...)
}

func TestDNS01(t *testing.T) {
	s := begin(t)
	s.Obtain("web", s.DNS(), s.DNSName("www"))
	s.Clean()
	ordered(s, 1, s.DNSName("www"))
}

// TestWildcardAndApex: both are proved by TXT records of one name at once.
func TestWildcardAndApex(t *testing.T) {
	s := begin(t)
	names := []string{"*." + s.DNSName("shop"), s.DNSName("shop")}
	s.Obtain("web", s.DNS(), names...)
	s.Clean()
	ordered(s, 1, names...)
}

// TestSolverPerZone: one Certificate, some of its names by HTTP-01 and some by
// DNS-01, as the selectors say.
func TestSolverPerZone(t *testing.T) {
	s := begin(t)
	s.PutSecret(parts.TSIG(s.Namespace, s.Parts.DNS.Key))
	ref := s.ACME("both", parts.HTTP01(), s.Parts.DNS01("dns.test"))
	names := []string{s.HTTPName("www"), s.DNSName("www"), "*." + s.DNSName("www")}
	s.Obtain("web", ref, names...)
	s.Clean()
}

func TestClusterIssuer(t *testing.T) {
	s := begin(t)
	name := s.Namespace
	const where = parts.ClusterNamespace
	tsig := parts.TSIG(where, s.Parts.DNS.Key)
	tsig.Name = name
	s.PutSecret(tsig)
	solver := s.Parts.DNS01()
	solver.DNS01.RFC2136.TSIGSecret.Name = name
	issuer := &cmapi.ClusterIssuer{ObjectMeta: metav1.ObjectMeta{Name: name}}
	issuer.Spec.IssuerConfig = s.Parts.Issuer(s.Gate, name+"-account", solver, parts.HTTP01())
	issuer.Spec.ACME.Solvers[0].Selector = &cmacme.CertificateDNSNameSelector{DNSZones: []string{"dns.test"}}
	_, err := s.CertManager.CertmanagerV1().ClusterIssuers().Create(t.Context(), issuer, metav1.CreateOptions{})
	s.Must(err)
	s.Obtain("web", suite.ClusterRef(name), s.HTTPName("www"), s.DNSName("www"))
	s.Clean()
	_, err = s.Kube.CoreV1().Secrets(where).Get(t.Context(), name+"-account", metav1.GetOptions{})
	s.Must(err)
}

// TestNamesInCapitals: names are the same in whichever case they are written.
func TestNamesInCapitals(t *testing.T) {
	s := begin(t)
	name := s.HTTPName("www")
	s.Create("web", s.HTTP(), site.Names(strings.ToUpper(name)))
	s.Ready("web")
	if b := s.Chain("web", 0); !strings.EqualFold(strings.Join(b.Leaf.DNSNames, " "), name) {
		t.Errorf("the certificate is for %v", b.Leaf.DNSNames)
	}
	s.Clean()
}

// TestInternationalName in the form that certificates have it (RFC 5891).
func TestInternationalName(t *testing.T) {
	s := begin(t)
	s.Obtain("web", s.HTTP(), s.HTTPName("xn--bcher-kva"))
	s.Clean()
}

// TestIPAddress (RFC 8738): without a self check, because a proxy is never
// asked about this machine's own addresses.
func TestIPAddress(t *testing.T) {
	s := begin(t)
	solver := parts.HTTP01()
	solver.WaitInsteadOfSelfCheck = &metav1.Duration{Duration: time.Second}
	s.Create("web", s.ACME("http", solver), func(crt *cmapi.Certificate) {
		crt.Spec.DNSNames, crt.Spec.IPAddresses = nil, []string{"127.0.0.1"}
	})
	s.Ready("web")
	if b := s.Chain("web", 0); len(b.Leaf.IPAddresses) != 1 || b.Leaf.IPAddresses[0].String() != "127.0.0.1" {
		t.Errorf("the certificate is for %v", b.Leaf.IPAddresses)
	}
	s.Clean()
}

// TestProvedNamesAreNotProvedAgain: the server still has a valid authorization,
// so there is no Challenge.
func TestProvedNamesAreNotProvedAgain(t *testing.T) {
	s := begin(t)
	s.OwnServer(reusing)
	ref := s.HTTP()
	name := s.HTTPName("www")
	s.Obtain("first", ref, name)
	s.Clean()
	accepted := len(accepts(s))
	s.Obtain("second", ref, name)
	if got := len(accepts(s)); got != accepted {
		t.Errorf("%d challenges were accepted for a name that was proved before", got-accepted)
	}
	ordered(s, 2, name)
}

// accepts are the calls that ask the server to look.
func accepts(s *site.Site) []gate.Call {
	return slices.DeleteFunc(s.Gate.Calls(gate.Challenge), func(c gate.Call) bool {
		return len(c.Payload) == 0 || c.Status != http.StatusOK
	})
}

// TestAccountKeyIsGiven: an account that the user brings, of either kind of key.
func TestAccountKeyIsGiven(t *testing.T) {
	s := begin(t)
	for _, name := range []string{"rsa", "ecdsa"} {
		s.PutSecret(&corev1.Secret{
			ObjectMeta: metav1.ObjectMeta{Namespace: s.Namespace, Name: name},
			Data:       map[string][]byte{corev1.TLSPrivateKeyKey: accountKey(t, name)},
		})
		config := s.Parts.Issuer(s.Gate, name, parts.HTTP01())
		config.ACME.DisableAccountKeyGeneration = true
		s.CreateIssuer(name, config)
		s.IssuerReady(name)
		s.Obtain("web-"+name, suite.IssuerRef(name), s.HTTPName(name))
	}
	s.Clean()
}

func TestPreferredChain(t *testing.T) {
	s := begin(t)
	alternate, err := s.Pebble.Root(t.Context(), 1)
	s.Must(err)
	config := s.Parts.Issuer(s.Gate, "account", parts.HTTP01())
	config.ACME.PreferredChain = alternate.Subject.CommonName
	s.CreateIssuer("preferring", config)
	s.IssuerReady("preferring")
	s.Create("web", suite.IssuerRef("preferring"), site.Names(s.HTTPName("www")))
	s.Ready("web")
	s.Chain("web", 1)
}

func TestProfile(t *testing.T) {
	s := begin(t)
	config := s.Parts.Issuer(s.Gate, "account", parts.HTTP01())
	config.ACME.Profile = shortLife
	s.CreateIssuer("short", config)
	s.IssuerReady("short")
	b := s.Obtain("web", suite.IssuerRef("short"), s.HTTPName("www"))
	if days := b.Leaf.NotAfter.Sub(b.Leaf.NotBefore).Hours() / 24; days > 6.5 {
		t.Errorf("the certificate is for %.1f days, want 6", days)
	}
}

// TestRenewal: a new order, and the old certificate is named as replaced.
func TestRenewal(t *testing.T) {
	s := begin(t)
	name := s.HTTPName("www")
	first := s.Obtain("web", s.HTTP(), name)
	before := s.Get("web")
	s.Renew("web")
	s.Reissued(before)
	second := s.Chain("web", 0)
	if second.Leaf.SerialNumber.Cmp(first.Leaf.SerialNumber) == 0 {
		t.Error("the certificate is the old one")
	}
	s.Clean()
	orders := ordersFor(s, name)
	if len(orders) != 2 || orders[0].Field("replaces") != "" || orders[1].Field("replaces") == "" {
		t.Errorf("want two orders, the second of which replaces the first: %v", orders)
	}
}

// ordersFor are the orders that the server has for exactly these names.
func ordersFor(s *site.Site, names ...string) []gate.Call { return s.Gate.OrdersFor(names...) }
