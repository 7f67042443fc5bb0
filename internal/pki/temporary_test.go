package pki

import (
	"testing"
	"time"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
)

func TestTemporaryCarriesTheNamesAndTheMark(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	for name, spec := range map[string]cmapi.CertificateSpec{
		"names":           {CommonName: "web", DNSNames: []string{"web.example.com"}},
		"literal subject": {LiteralSubject: "CN=web,O=shop", DNSNames: []string{"web.example.com"}},
		"no subject":      {DNSNames: []string{"web.example.com"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			crt := &cmapi.Certificate{Spec: spec}
			key, err := GenerateKey(KeySpec{Algorithm: cmapi.ECDSAKeyAlgorithm, Size: 256})
			if err != nil {
				t.Fatal(err)
			}
			chain, err := Temporary(crt, key, now)
			if err != nil {
				t.Fatal(err)
			}
			certs, err := ParseCertificates(chain.Certificates)
			if err != nil {
				t.Fatal(err)
			}
			leaf := certs[0]
			if err := leaf.VerifyHostname("web.example.com"); err != nil {
				t.Error(err)
			}
			if leaf.Subject.SerialNumber != "1234567890" || leaf.Subject.CommonName != commonName(spec) {
				t.Errorf("subject is %s", leaf.Subject)
			}
			if !SamePublicKey(leaf.PublicKey, key.Public()) || chain.CA != nil || leaf.CheckSignatureFrom(leaf) == nil {
				t.Error("want the key certified by a CA that nobody can trust")
			}
			if !IsTemporary(leaf, crt) {
				t.Error("not recognized as temporary")
			}
		})
	}
}

func commonName(spec cmapi.CertificateSpec) string {
	if spec.CommonName != "" || spec.LiteralSubject != "" {
		return "web"
	}
	return ""
}

func TestACertificateThatAsksForTheMarkIsNotTemporary(t *testing.T) {
	t.Parallel()
	crt := &cmapi.Certificate{Spec: cmapi.CertificateSpec{DNSNames: []string{"a.example.com"}}}
	key, err := GenerateKey(KeySpec{Algorithm: cmapi.ECDSAKeyAlgorithm, Size: 256})
	if err != nil {
		t.Fatal(err)
	}
	chain, err := Temporary(crt, key, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	certs, err := ParseCertificates(chain.Certificates)
	if err != nil {
		t.Fatal(err)
	}
	crt.Spec.Subject = &cmapi.X509Subject{SerialNumber: "1234567890"}
	if IsTemporary(certs[0], crt) {
		t.Error("the spec itself says that serial number")
	}
}
