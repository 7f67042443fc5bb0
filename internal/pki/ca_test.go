package pki

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
)

func TestParseCA(t *testing.T) {
	t.Parallel()
	key := newKey(t, specP256)
	root := newCA(t, "root", newKey(t, specP256), nil)
	ca := newCA(t, "ca", key, &root)
	certPEM, keyPEM := EncodeCertificates(ca.Certificates...), pemKey(t, key)
	rootPEM := EncodeCertificates(root.Certificates...)
	leafKey := testKey(t, specP256)
	leaf := signFor(t, certificate(), leafKey, root).Leaf
	// A certificate that says CA but may not sign: the CA flag alone is no licence.
	cannotSign := func() []byte {
		template, err := Template(requestFor(t, certificate(func(s *cmapi.CertificateSpec) { s.IsCA = true }), leafKey), testNow)
		if err != nil {
			t.Fatal(err)
		}
		template.KeyUsage = 1
		chain, err := SelfSign(template, leafKey)
		if err != nil {
			t.Fatal(err)
		}
		return chain.Leaf
	}()
	other := EncodeCertificates(newCA(t, "other", newKey(t, specP256), nil).Certificates...)

	for name, c := range map[string]struct {
		cert, key []byte
		now       time.Time
		is        error
		want      string
	}{
		"good":          {certPEM, keyPEM, testNow, nil, ""},
		"root first":    {slices.Concat(rootPEM, certPEM), pemKey(t, root.Key), testNow, ErrCACertificate, `the CA certificate cannot be used: certificate chain: certificate "CN=ca" does not belong to the chain of certificate "CN=root": remove it or add its missing link`},
		"no cert":       {nil, keyPEM, testNow, ErrCACertificate, "the CA certificate cannot be used: certificate: no PEM block found: store the PEM certificate of the CA (tls.crt)"},
		"garbage cert":  {[]byte("garbage"), keyPEM, testNow, ErrCACertificate, "the CA certificate cannot be used: certificate: no PEM block found: store the PEM certificate of the CA (tls.crt)"},
		"foreign cert":  {slices.Concat(certPEM, other), keyPEM, testNow, ErrCACertificate, `the CA certificate cannot be used: certificate chain: certificate "CN=other" does not belong to the chain of certificate "CN=ca": remove it or add its missing link`},
		"no key":        {certPEM, nil, testNow, ErrCAKey, "the CA private key cannot be used: private key: no PEM block found: store the PEM private key of the CA (tls.key)"},
		"garbage key":   {certPEM, []byte("garbage"), testNow, ErrCAKey, "the CA private key cannot be used: private key: no PEM block found: store the PEM private key of the CA (tls.key)"},
		"swapped":       {keyPEM, certPEM, testNow, ErrCACertificate, `the CA certificate cannot be used: certificate: PEM block 1 is a "PRIVATE KEY", not a "CERTIFICATE": store the PEM certificate of the CA (tls.crt)`},
		"another key":   {certPEM, pemKey(t, leafKey), testNow, ErrCAKeyMismatch, `the CA certificate and private key do not belong together: certificate "CN=ca" was made for another key: store the certificate and the key of one CA, the CA's own certificate first`},
		"a leaf":        {leaf, pemKey(t, leafKey), testNow, ErrNotCA, `the certificate is not that of a CA: the basic constraints of certificate "CN=web.example.com" do not say CA: use a certificate issued with isCA: true`},
		"cannot sign":   {cannotSign, pemKey(t, leafKey), testNow, ErrNotCA, `the certificate is not that of a CA: the key usage of certificate "CN=web.example.com" lacks "cert sign": use a certificate issued with that usage`},
		"expired":       {certPEM, keyPEM, testNow.AddDate(20, 0, 0), ErrCAExpired, "the CA certificate has expired: it ended at 2036-02-27T12:00:00Z: renew it"},
		"not yet valid": {certPEM, keyPEM, testNow.AddDate(-1, 0, 0), ErrCANotYetValid, "the CA certificate is not valid yet: it begins at 2026-03-01T11:55:00Z: wait until then or check the clocks"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pair, err := ParseCA(c.cert, c.key, c.now)
			if errorText(err) != c.want || !errors.Is(err, c.is) {
				t.Fatalf("error = %v\nwant    %s", err, c.want)
			}
			sound := c.is == nil || errors.Is(c.is, ErrCAExpired) || errors.Is(c.is, ErrCANotYetValid)
			if (len(pair.Certificates) == 2 && pair.Key != nil) != sound {
				t.Errorf("pair of %d certificates", len(pair.Certificates))
			}
		})
	}
}

// To the second: a certificate is good up to and including its end (RFC 5280
// section 4.1.2.5).
func TestParseCADates(t *testing.T) {
	t.Parallel()
	ca := newCA(t, "root", testKey(t, specP256), nil)
	certPEM, keyPEM := EncodeCertificates(ca.Certificates...), pemKey(t, ca.Key)
	first, last := time.Date(2026, 3, 1, 11, 55, 0, 0, time.UTC), time.Date(2036, 2, 27, 12, 0, 0, 0, time.UTC)
	for now, want := range map[time.Time]error{
		first: nil, first.Add(-time.Second): ErrCANotYetValid,
		last: nil, last.Add(time.Second): ErrCAExpired,
	} {
		if _, err := ParseCA(certPEM, keyPEM, now); !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", now, err, want)
		}
	}
}

// The name of a certificate in an error is short enough for a condition.
func TestLongNamesInErrors(t *testing.T) {
	t.Parallel()
	ca := newCA(t, "root", testKey(t, specP256), nil, func(s *cmapi.CertificateSpec) {
		s.Subject = &cmapi.X509Subject{Organizations: []string{strings.Repeat("o", 2000)}}
	})
	_, err := ParseCA(EncodeCertificates(ca.Certificates...), pemKey(t, testKey(t, specP384)), testNow)
	if !errors.Is(err, ErrCAKeyMismatch) || len(err.Error()) > 400 {
		t.Errorf("%d bytes of error", len(errorText(err)))
	}
}
