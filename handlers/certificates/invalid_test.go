package certificates_test

import (
	"strings"
	"testing"
	"time"

	"github.com/certwright/certwright/handlers/handlertest"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	cmmeta "github.com/cert-manager/cert-manager/pkg/apis/meta/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// A spec that cannot be served says so in one status write, which names the
// field and the remedy, and nothing else happens until it is mended.
func TestInvalidSpecs(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		spoil  func(*cmapi.CertificateSpec)
		field  string
		remedy string
	}{
		"no name": {func(s *cmapi.CertificateSpec) { s.CommonName, s.DNSNames = "", nil },
			"spec: ", "set at least one of commonName, literalSubject, dnsNames"},
		"a common name of 70 characters": {func(s *cmapi.CertificateSpec) { s.CommonName = strings.Repeat("x", 70) },
			"spec.commonName: ", "at most 64 are allowed: use a shorter one"},
		"renewBefore longer than duration": {func(s *cmapi.CertificateSpec) {
			s.Duration, s.RenewBefore = &metav1.Duration{Duration: 2 * time.Hour}, &metav1.Duration{Duration: 3 * time.Hour}
		}, "spec.renewBefore: ", "shorter than the duration of 2h0m0s"},
		"a short duration": {func(s *cmapi.CertificateSpec) { s.Duration = &metav1.Duration{Duration: time.Minute} },
			"spec.duration: ", "the shortest duration is 1h0m0s"},
		"no Secret":           {func(s *cmapi.CertificateSpec) { s.SecretName = "" }, "spec.secretName: ", "name the Secret"},
		"a Secret of no name": {func(s *cmapi.CertificateSpec) { s.SecretName = "Web_TLS" }, "spec.secretName: ", "lowercase"},
		"no issuer":           {func(s *cmapi.CertificateSpec) { s.IssuerRef = cmmeta.IssuerReference{} }, "spec.issuerRef.name: ", "name the Issuer"},
		"an unknown kind":     {func(s *cmapi.CertificateSpec) { s.IssuerRef.Kind = "Isuer" }, "spec.issuerRef.kind: ", "use one of them"},
		"a small key": {func(s *cmapi.CertificateSpec) {
			s.PrivateKey = &cmapi.CertificatePrivateKey{Algorithm: "RSA", Size: 512}
		}, "spec.privateKey.size: ", "use a size from 2048 to 8192"},
		"an unknown usage": {func(s *cmapi.CertificateSpec) { s.Usages = []cmapi.KeyUsage{"serving"} }, "spec.usages[0]: ", "use one of the names"},
		"no DNS name":      {func(s *cmapi.CertificateSpec) { s.DNSNames = []string{"https://example.com"} }, "spec.dnsNames[0]: ", "without scheme"},
		"our annotations": {func(s *cmapi.CertificateSpec) {
			s.SecretTemplate = &cmapi.CertificateSecretTemplate{Annotations: map[string]string{"cert-manager.io/issuer-name": "x"}}
		}, "spec.secretTemplate.annotations: ", "remove it"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, f := newCertificate(t, func(crt *cmapi.Certificate) { row.spoil(&crt.Spec) })
			p := w.Start(handlertest.Defaults())
			p.Settle()
			w.Wrote("update certificates/status web")
			c := readiness(w)
			if c.Status != "False" || c.Reason != "InvalidSpec" || c.ObservedGeneration != 1 {
				t.Errorf("Ready: got %+v, want False, InvalidSpec", c)
			}
			if !strings.HasPrefix(c.Message, row.field) && !strings.HasPrefix(c.Message, "["+row.field) || !strings.Contains(c.Message, row.remedy) {
				t.Errorf("message: got %q, want it to begin %q and say %q", c.Message, row.field, row.remedy)
			}
			w.Told("Certificate/web Warning InvalidSpec: " + c.Message)
			w.Forget()
			p.Settle()
			w.Start(handlertest.Defaults()).Settle()
			w.Wrote()

			handlertest.Edit(w, "web", func(crt *cmapi.Certificate) { crt.Spec = f.Certificate.Spec })
			p.Settle()
			isReady(t, w, 1, "ca-pair")
		})
	}
}

// A bad edit of a Certificate at rest takes nothing away.
func TestABadEditLosesNothing(t *testing.T) {
	t.Parallel()
	w, p, f := settled(t)
	good := f.Certificate.Spec
	edit(w, func(s *cmapi.CertificateSpec) { s.CommonName = strings.Repeat("x", 70) })
	p.Settle()
	w.Wrote("update certificates/status web")
	if !f.Leaf.Equal(served(t, w.Secret("web-tls"))) {
		t.Error("the certificate is another one")
	}
	s := w.Certificate("web").Status
	if s.NotAfter == nil || s.RenewalTime != nil || *s.Revision != 1 {
		t.Errorf("status: got %+v, want the dates of what is stored, and no renewal", s)
	}
	handlertest.Edit(w, "web", func(crt *cmapi.Certificate) { crt.Spec = good })
	p.Settle()
	isReady(t, w, 1, "ca-pair")
}

// A bad edit in the middle of an issuance ends it, and leaves nothing behind.
func TestABadEditEndsAnIssuance(t *testing.T) {
	t.Parallel()
	w := handlertest.New(t, handlertest.Web(external))
	p := w.Start(handlertest.Defaults())
	p.Settle()
	w.Forget()
	edit(w, func(s *cmapi.CertificateSpec) { s.CommonName = strings.Repeat("x", 70) })
	p.Settle()
	w.Wrote("update certificates/status web", "delete secrets "+nextKey)
	if c := issuing(w); c.Status != "" {
		t.Errorf("Issuing: got %+v, want none", c)
	}
}

// An issuer that does not exist: the Certificate says what it waits for, and
// goes on by itself when the issuer comes.
func TestIssuerRefToNothing(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		kind    string
		message string
		create  func(t *testing.T, w *handlertest.World)
	}{
		"Issuer": {"", `Issuing certificate as Secret does not exist. Waiting for CertificateRequest "web-1": ` +
			`spec.issuerRef: Issuer.cert-manager.io/ca does not exist in namespace "team": create it, or make a request that names another`,
			func(t *testing.T, w *handlertest.World) {
				f := handlertest.AtRest(t)
				f.Issuer.Status, f.Issuer.UID = cmapi.IssuerStatus{}, ""
				w.Create(f.Issuer, f.CASecret)
			}},
		"ClusterIssuer": {"ClusterIssuer", `Issuing certificate as Secret does not exist. Waiting for CertificateRequest "web-1": ` +
			`spec.issuerRef: ClusterIssuer.cert-manager.io/ca does not exist: create it, or make a request that names another`,
			func(t *testing.T, w *handlertest.World) {
				f := handlertest.AtRest(t)
				f.CASecret.Namespace = handlertest.ClusterNamespace
				w.Create(&cmapi.ClusterIssuer{ObjectMeta: metav1.ObjectMeta{Name: "ca"}, Spec: f.Issuer.Spec}, f.CASecret)
			}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := handlertest.New(t, handlertest.Web(func(crt *cmapi.Certificate) { crt.Spec.IssuerRef.Kind = row.kind }))
			p := w.Start(handlertest.Defaults())
			p.Settle()
			if c := issuing(w); c.Status != "True" || c.Message != row.message {
				t.Errorf("Issuing: got %+v\nwant %s", c, row.message)
			}
			row.create(t, w)
			p.Settle()
			isReady(t, w, 1, "ca-pair")
		})
	}
}
