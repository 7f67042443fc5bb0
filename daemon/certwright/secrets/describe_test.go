package secrets

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/certwright/certwright/daemon/certwright/page"
)

var now = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// party is a key pair with its certificate.
type party struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func (p party) certPEM() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: p.cert.Raw})
}

func (p party) keyPEM(t *testing.T) []byte {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(p.key)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
}

// issue makes a certificate signed by the parent, or by itself without one.
func issue(t *testing.T, name string, parent *party, until time.Duration, change func(*x509.Certificate)) party {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(0xabc), Subject: pkix.Name{CommonName: name},
		NotBefore: now.Add(-30 * 24 * time.Hour), NotAfter: now.Add(until),
		KeyUsage: x509.KeyUsageDigitalSignature, BasicConstraintsValid: true,
	}
	if change != nil {
		change(template)
	}
	signer := party{template, key}
	if parent != nil {
		signer = *parent
	}
	der, err := x509.CreateCertificate(rand.Reader, template, signer.cert, key.Public(), signer.key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return party{cert, key}
}

func ca(c *x509.Certificate) { c.IsCA, c.KeyUsage = true, x509.KeyUsageCertSign }

func server(c *x509.Certificate) {
	c.DNSNames = []string{"a.example.com"}
	c.IPAddresses = []net.IP{net.IPv4(10, 0, 0, 1)}
	c.URIs = []*url.URL{{Scheme: "spiffe", Host: "x"}}
	c.EmailAddresses = []string{"a@example.com"}
	c.KeyUsage |= x509.KeyUsageKeyEncipherment
	c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
}

func secret(data map[string][]byte) *corev1.Secret {
	return &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: "web-tls", Annotations: map[string]string{
			"cert-manager.io/certificate-name": "web", "cert-manager.io/issuer-name": "ca",
		}},
		Type: corev1.SecretTypeTLS, Data: data,
	}
}

const day = 24 * time.Hour

func TestSoundSecret(t *testing.T) {
	root := issue(t, "root", nil, 900*day, ca)
	middle := issue(t, "middle", &root, 500*day, ca)
	leaf := issue(t, "leaf", &middle, 60*day, server)
	r := Describe(secret(map[string][]byte{
		"tls.crt": slices.Concat(leaf.certPEM(), middle.certPEM()), "tls.key": leaf.keyPEM(t), "ca.crt": root.certPEM(),
	}), now)
	if !r.Sound() || r.KeyMatches == nil || !*r.KeyMatches || r.PrivateKey != "ECDSA P-256" {
		t.Errorf("%+v", r)
	}
	var p page.Page
	r.Write(&p, now)
	var b strings.Builder
	if _, err := p.WriteTo(&b); err != nil {
		t.Fatal(err)
	}
	got := b.String()
	want := `Secret ns/web-tls
  Type         kubernetes.io/tls
  Made for     Certificate web, issued by Issuer.cert-manager.io/ca
  Holds        ca.crt, tls.crt, tls.key
  Private key  ECDSA P-256

Certificate 1 of 2
  Subject      CN=leaf
  Issued by    CN=middle
  Names        DNS:a.example.com, IP:10.0.0.1, URI:spiffe://x, email:a@example.com
  Usages       digital signature, key encipherment, server auth
  Key          ECDSA P-256
  Signature    ECDSA-SHA256
  Serial       abc
  Valid from   2026-01-30 12:00:00 UTC (30d ago)
  Valid until  2026-04-30 12:00:00 UTC (in 60d)
  SHA-256      `
	if !strings.HasPrefix(got, want) {
		t.Errorf("got:\n%s\nwant it to begin:\n%s", got, want)
	}
	want = `Checks
  ok           the private key belongs to the certificate
  ok           the certificate is valid until 2026-04-30 12:00:00 UTC (in 60d)
  ok           the chain is in order: 2 certificates, leaf first
  ok           the chain leads to ca.crt
`
	if !strings.HasSuffix(got, want) {
		t.Errorf("got:\n%s\nwant it to end:\n%s", got, want)
	}
	if strings.Contains(got, "PRIVATE KEY") {
		t.Error("the report shows the key")
	}
}

func TestFindings(t *testing.T) {
	root := issue(t, "root", nil, 900*day, ca)
	other := issue(t, "other", nil, 900*day, ca)
	short := issue(t, "short", &root, day, ca)
	dead := issue(t, "dead", &root, -day, ca)
	leaf := issue(t, "leaf", &root, 60*day, server)
	expired := issue(t, "leaf", &root, -3*day, server)
	early := issue(t, "leaf", &root, 60*day, func(c *x509.Certificate) { c.NotBefore = now.Add(day) })
	alone := issue(t, "leaf", nil, 60*day, server)
	underShort := issue(t, "leaf", &short, 60*day, server)
	underDead := issue(t, "leaf", &dead, 60*day, server)
	for name, c := range map[string]struct {
		data map[string][]byte
		want Check
	}{
		"empty":          {nil, Check{Bad, "tls.crt is missing"}},
		"no key":         {map[string][]byte{"tls.crt": leaf.certPEM()}, Check{Bad, "tls.key is missing"}},
		"bad chain":      {map[string][]byte{"tls.crt": []byte("x")}, Check{Bad, "tls.crt cannot be read: certificate: "}},
		"bad key":        {map[string][]byte{"tls.crt": leaf.certPEM(), "tls.key": []byte("topsecret")}, Check{Bad, "tls.key cannot be read: "}},
		"bad CA":         {map[string][]byte{"tls.crt": leaf.certPEM(), "ca.crt": []byte("x")}, Check{Bad, "ca.crt cannot be read: "}},
		"no CA":          {map[string][]byte{"tls.crt": leaf.certPEM()}, Check{Note, "ca.crt is absent"}},
		"foreign key":    {map[string][]byte{"tls.crt": leaf.certPEM(), "tls.key": root.keyPEM(t)}, Check{Bad, "the private key does not belong"}},
		"expired":        {map[string][]byte{"tls.crt": expired.certPEM()}, Check{Bad, "the certificate has expired 3d ago"}},
		"early":          {map[string][]byte{"tls.crt": early.certPEM()}, Check{Bad, "the certificate is not valid yet, only from 2026-03-02"}},
		"self-signed":    {map[string][]byte{"tls.crt": alone.certPEM()}, Check{Note, "the certificate is self-signed"}},
		"with root":      {map[string][]byte{"tls.crt": slices.Concat(leaf.certPEM(), root.certPEM())}, Check{Note, `the chain ends in the root "CN=root"`}},
		"wrong order":    {map[string][]byte{"tls.crt": slices.Concat(leaf.certPEM(), other.certPEM())}, Check{Bad, `certificate 1 of the chain ("CN=leaf") is not signed by certificate 2 ("CN=other")`}},
		"wrong CA":       {map[string][]byte{"tls.crt": leaf.certPEM(), "ca.crt": other.certPEM()}, Check{Bad, "who trusts ca.crt does not trust the certificate: "}},
		"expired but ok": {map[string][]byte{"tls.crt": expired.certPEM(), "ca.crt": root.certPEM()}, Check{OK, "the chain leads to ca.crt"}},
		"short CA":       {map[string][]byte{"tls.crt": slices.Concat(underShort.certPEM(), short.certPEM())}, Check{Note, `the intermediate "CN=short" ends before`}},
		"dead CA":        {map[string][]byte{"tls.crt": slices.Concat(underDead.certPEM(), dead.certPEM())}, Check{Bad, `the intermediate "CN=dead" has expired 24h ago`}},
		"CA pair":        {map[string][]byte{"ca.crt": root.certPEM(), "ca.key": root.keyPEM(t)}, Check{OK, "the private key belongs"}},
	} {
		t.Run(name, func(t *testing.T) {
			r := Describe(secret(c.data), now)
			found := slices.ContainsFunc(r.Checks, func(got Check) bool {
				return got.Verdict == c.want.Verdict && strings.HasPrefix(got.Text, c.want.Text)
			})
			if !found {
				t.Errorf("got %+v, want %+v", r.Checks, c.want)
			}
			for _, got := range r.Checks {
				if strings.Contains(got.Text, "topsecret") {
					t.Errorf("a check repeats the key: %q", got.Text)
				}
			}
		})
	}
}

func TestWithoutOwner(t *testing.T) {
	s := secret(nil)
	s.Annotations = nil
	if r := Describe(s, now); r.Owner != "" || r.Issuer != "" || r.madeFor() != "" {
		t.Errorf("%+v", r)
	}
}

func FuzzDescribe(f *testing.F) {
	f.Add([]byte("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"), []byte("x"), []byte(""))
	f.Fuzz(func(_ *testing.T, crt, key, ca []byte) {
		Describe(secret(map[string][]byte{"tls.crt": crt, "tls.key": key, "ca.crt": ca}), now)
	})
}
