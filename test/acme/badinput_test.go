package acme

import (
	"net/http"
	"net/http/httptest"
	"testing"

	cmacme "github.com/cert-manager/cert-manager/pkg/apis/acme/v1"
	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/certwright/certwright/test/acme/parts"
	"github.com/certwright/certwright/test/acme/site"
	"github.com/certwright/certwright/test/e2e/suite"
	"github.com/certwright/certwright/test/harness"
)

// TestNoSolverFits: the Order says which name has none, and what there is.
func TestNoSolverFits(t *testing.T) {
	s := begin(t)
	solver := parts.HTTP01()
	solver.Selector = &cmacme.CertificateDNSNameSelector{DNSZones: []string{"other.test"}}
	ref := s.ACME("issuer", solver)
	name := s.HTTPName("www")
	s.Create("web", ref, site.Names(name))
	refused(s, "web", name, "solver", "other.test")
	s.Clean()
}

// TestWildcardWithoutDNS01: HTTP-01 cannot prove a wildcard.
func TestWildcardWithoutDNS01(t *testing.T) {
	s := begin(t)
	name := "*." + s.HTTPName("www")
	s.Create("web", s.HTTP(), site.Names(name))
	refused(s, "web", name, "dns01", "wildcard")
	s.Clean()
}

// TestZoneThatNobodyServes: the Challenge says so for as long as it lasts.
func TestZoneThatNobodyServes(t *testing.T) {
	s := begin(t)
	s.Create("web", s.DNS(), site.Names("www."+s.Namespace+".nobody.test"))
	challenge := s.AwaitChallenge(hasReason)
	s.Mentions(challenge.Status.Reason, "nobody.test", "zone")
}

func hasReason(c *cmacme.Challenge) bool { return c.Status.Reason != "" }

// TestWrongTSIGKey and a key without rights: the Challenge says what the DNS
// server said and what to look at, and goes on once the Secret is mended.
func TestWrongTSIGKey(t *testing.T) {
	for name, row := range map[string]struct {
		edit  func(*site.Site, *corev1.Secret, *cmacme.ACMEIssuerDNS01ProviderRFC2136)
		words []string
	}{
		"wrong secret": {func(s *site.Site, secret *corev1.Secret, _ *cmacme.ACMEIssuerDNS01ProviderRFC2136) {
			secret.Data["key"] = []byte(s.Parts.DNS.Powerless.Secret)
		}, []string{"tsig", "BADSIG"}},
		"no rights": {func(s *site.Site, secret *corev1.Secret, p *cmacme.ACMEIssuerDNS01ProviderRFC2136) {
			secret.Data["key"], p.TSIGKeyName = []byte(s.Parts.DNS.Powerless.Secret), s.Parts.DNS.Powerless.Name
		}, []string{"REFUSED"}},
		"no base64": {func(_ *site.Site, secret *corev1.Secret, _ *cmacme.ACMEIssuerDNS01ProviderRFC2136) {
			secret.Data["key"] = []byte("!!! not base64 !!!")
		}, []string{"tsig", "base64"}},
		"no such Secret": {func(_ *site.Site, _ *corev1.Secret, p *cmacme.ACMEIssuerDNS01ProviderRFC2136) {
			p.TSIGSecret.Name = "missing"
		}, []string{"missing", "tsigSecret"}},
		"no such key": {func(_ *site.Site, _ *corev1.Secret, p *cmacme.ACMEIssuerDNS01ProviderRFC2136) {
			p.TSIGSecret.Key = "absent"
		}, []string{"absent", "tsig"}},
	} {
		t.Run(name, func(t *testing.T) {
			s := begin(t)
			secret, solver := parts.TSIG(s.Namespace, s.Parts.DNS.Key), s.Parts.DNS01()
			row.edit(s, secret, solver.DNS01.RFC2136)
			s.PutSecret(secret)
			s.Create("web", s.ACME("dns", solver), site.Names(s.DNSName("www")))
			challenge := s.AwaitChallenge(hasReason)
			s.Mentions(challenge.Status.Reason, row.words...)
		})
	}
}

// TestTSIGKeyMended: what the user mends is taken up.
func TestTSIGKeyMended(t *testing.T) {
	s := begin(t)
	secret := parts.TSIG(s.Namespace, s.Parts.DNS.Key)
	secret.Data["key"] = []byte(s.Parts.DNS.Powerless.Secret)
	secret = s.PutSecret(secret)
	s.Create("web", s.ACME("dns", s.Parts.DNS01()), site.Names(s.DNSName("www")))
	s.AwaitChallenge(hasReason)
	secret.Data["key"] = []byte(s.Parts.DNS.Key.Secret)
	s.PutSecret(secret)
	s.Obtained("web", s.DNSName("www"))
	s.Clean()
}

// TestBadServers: each of them is told at the Issuer, by the field that is wrong.
func TestBadServers(t *testing.T) {
	s := begin(t)
	noACME := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte("<html>It works!</html>"))
	}))
	t.Cleanup(noACME.Close)
	otherJSON := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte(`{"kind":"APIVersions"}`))
	}))
	t.Cleanup(otherJSON.Close)
	for name, row := range map[string]struct {
		edit  func(*cmacme.ACMEIssuer)
		words []string
	}{
		"no-acme":    {func(a *cmacme.ACMEIssuer) { a.Server, a.CABundle, a.SkipTLSVerify = noACME.URL, nil, true }, []string{"server"}},
		"other-json": {func(a *cmacme.ACMEIssuer) { a.Server, a.CABundle, a.SkipTLSVerify = otherJSON.URL, nil, true }, []string{"server"}},
		"not-found":  {func(a *cmacme.ACMEIssuer) { a.Server += "ectory" }, []string{"server", "404"}},
		"untrusted":  {func(a *cmacme.ACMEIssuer) { a.CABundle = nil }, []string{"caBundle"}},
		"no-bundle":  {func(a *cmacme.ACMEIssuer) { a.CABundle = []byte("this is no PEM") }, []string{"caBundle", "PEM"}},
		"no-url":     {func(a *cmacme.ACMEIssuer) { a.Server = "acme.example.com/directory" }, []string{"server"}},
		"not-there":  {func(a *cmacme.ACMEIssuer) { a.Server = "https://127.0.0.1:1/dir" }, []string{"127.0.0.1:1"}},
	} {
		config := s.Parts.Issuer(s.Gate, name+"-account", parts.HTTP01())
		row.edit(config.ACME)
		issuer := &cmapi.Issuer{ObjectMeta: metav1.ObjectMeta{Namespace: s.Namespace, Name: name}}
		issuer.Spec.IssuerConfig = config
		_, err := s.CertManager.CertmanagerV1().Issuers(s.Namespace).Create(t.Context(), issuer, metav1.CreateOptions{})
		if err != nil { // refused at once, where the API can
			s.Mentions(err.Error(), row.words...)
			continue
		}
		issuerNotReady(s, name, row.words...)
	}
	// The untrusted one is mended by skipping the look at its certificate.
	editIssuer(s, "untrusted", func(a *cmacme.ACMEIssuer) { a.SkipTLSVerify = true })
	s.IssuerReady("untrusted")
	s.Obtain("web", suite.IssuerRef("untrusted"), s.HTTPName("www"))
}

// TestAccountKeyThatMayNotBeMade: with disableAccountKeyGeneration the key must
// be there.
func TestAccountKeyThatMayNotBeMade(t *testing.T) {
	s := begin(t)
	config := s.Parts.Issuer(s.Gate, "mine", parts.HTTP01())
	config.ACME.DisableAccountKeyGeneration = true
	s.CreateIssuer("issuer", config)
	issuerNotReady(s, "issuer", "mine", "disableAccountKeyGeneration")
	s.PutSecret(&corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: s.Namespace, Name: "mine"},
		Data:       map[string][]byte{corev1.TLSPrivateKeyKey: []byte("-----BEGIN GARBAGE-----")},
	})
	issuerNotReady(s, "issuer", "mine", "key")
	secret := s.AwaitSecret("mine", harness.Exists[*corev1.Secret])
	secret.Data[corev1.TLSPrivateKeyKey] = accountKey(t, "ecdsa")
	s.PutSecret(secret)
	s.IssuerReady("issuer")
}

// TestUnicodeName: names are in their ASCII form in certificates; the other is
// refused with the form to write, or taken for it.
func TestUnicodeName(t *testing.T) {
	s := begin(t)
	name := s.HTTPName("bücher")
	if _, err := s.TryCreate("web", s.HTTP(), site.Names(name)); err != nil {
		s.Mentions(err.Error(), "dnsNames")
		return
	}
	s.Mentions(s.Refused("web", "InvalidSpec"), "spec.dnsNames", "bücher", "xn--")
}

// TestAddressWithoutHTTP01: an address cannot be proved in the DNS.
func TestAddressWithoutHTTP01(t *testing.T) {
	s := begin(t)
	s.Create("web", s.DNS(), func(crt *cmapi.Certificate) {
		crt.Spec.DNSNames, crt.Spec.IPAddresses = nil, []string{"127.0.0.1"}
	})
	refused(s, "web", "127.0.0.1", "http01")
}
