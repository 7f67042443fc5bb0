package webhookcerts

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"testing"
	"time"

	"github.com/certwright/certwright/internal/webhookset"

	admissionv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

var now = time.Date(2026, time.March, 1, 12, 0, 0, 0, time.UTC)

const day = 24 * time.Hour

// authority is a CA, or a certificate by one, made without the code under test.
type authority struct {
	cert            *x509.Certificate
	key             *ecdsa.PrivateKey
	certPEM, keyPEM []byte
}

func issue(t *testing.T, by *authority, edit func(*x509.Certificate)) *authority {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	check(t, err)
	serial, err := rand.Int(rand.Reader, big.NewInt(1<<62))
	check(t, err)
	template := &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: "test"}, BasicConstraintsValid: true,
		NotBefore: now.Add(-30 * day), NotAfter: now.Add(300 * day),
	}
	if edit != nil {
		edit(template)
	}
	parent, signer := template, key
	if by != nil {
		parent, signer = by.cert, by.key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, key.Public(), signer)
	check(t, err)
	cert, err := x509.ParseCertificate(der)
	check(t, err)
	keyDER, err := x509.MarshalECPrivateKey(key)
	check(t, err)
	return &authority{cert, key,
		pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}),
		pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: keyDER})}
}

func newAuthority(t *testing.T, edits ...func(*x509.Certificate)) *authority {
	return issue(t, nil, func(c *x509.Certificate) {
		c.IsCA, c.KeyUsage = true, x509.KeyUsageCertSign|x509.KeyUsageDigitalSignature
		c.NotAfter = now.Add(3000 * day)
		for _, e := range edits {
			e(c)
		}
	})
}

func (a *authority) server(t *testing.T, edits ...func(*x509.Certificate)) *authority {
	return issue(t, a, func(c *x509.Certificate) {
		c.DNSNames = []string{"hook.shop.svc", "hook.shop"}
		c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
		for _, e := range edits {
			e(c)
		}
	})
}

func ends(in time.Duration) func(*x509.Certificate) {
	return func(c *x509.Certificate) { c.NotAfter = now.Add(in) }
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// shop is a set.
func shop() *webhookset.Set {
	s := webhookset.Default()
	s.Name, s.Namespace, s.Service = "shop", "shop", "hook"
	s.Validating = []string{"shop"}
	return &s
}

func caSecret(a *authority, phase string, old ...*authority) *corev1.Secret {
	s := &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: "shop", Name: "ca-server-cert",
			Labels: map[string]string{"certwright.dev/webhook-set": "shop", "certwright.dev/webhook-role": "ca"},
			Annotations: map[string]string{
				"certwright.dev/rotation-phase": phase, "certwright.dev/rotation-since": "2026-03-01T11:59:00Z",
				"certwright.dev/webhook-server-secret": "webhook-server-cert/tls.crt",
				"certwright.dev/webhook-ca-keys":       "ca.crt,ca.key,ca-old.crt",
				"certwright.dev/made":                  "2026-02-01T00:00:00Z",
			},
		},
		Data: map[string][]byte{"ca.crt": a.certPEM, "ca.key": a.keyPEM},
	}
	if len(old) > 0 {
		s.Data["ca-old.crt"] = bundleOf(old...)
	}
	return s
}

func serverSecret(a *authority) *corev1.Secret {
	return &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: "shop", Name: "webhook-server-cert",
			Labels: map[string]string{"certwright.dev/webhook-set": "shop", "certwright.dev/webhook-role": "server"},
		},
		Data: map[string][]byte{"tls.crt": a.certPEM, "tls.key": a.keyPEM},
	}
}

func bundleOf(all ...*authority) []byte {
	var text []byte
	for _, a := range all {
		text = append(text, a.certPEM...)
	}
	return text
}

func certsOf(all ...*authority) []*x509.Certificate {
	var certs []*x509.Certificate
	for _, a := range all {
		certs = append(certs, a.cert)
	}
	return certs
}

// hookWith is a webhook configuration that carries a bundle, and the mark of
// those that we put there; none means that we never did.
func hookWith(bundle []byte, marked ...*authority) *admissionv1.ValidatingWebhookConfiguration {
	c := &admissionv1.ValidatingWebhookConfiguration{
		ObjectMeta: metav1.ObjectMeta{Name: "shop", UID: "uid-hook", Annotations: map[string]string{}},
		Webhooks: []admissionv1.ValidatingWebhook{
			{Name: "a.example.com", ClientConfig: admissionv1.WebhookClientConfig{CABundle: bundle}},
			{Name: "b.example.com", ClientConfig: admissionv1.WebhookClientConfig{CABundle: bundle}},
		},
	}
	if len(marked) > 0 {
		c.Annotations["certwright.dev/ca-bundle"] = webhookset.Fingerprint(certsOf(marked...)) + " a.example.com b.example.com"
	}
	return c
}
