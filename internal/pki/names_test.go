package pki

import (
	"testing"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	"github.com/google/go-cmp/cmp"
)

func TestSecretAnnotations(t *testing.T) {
	t.Parallel()
	key := testKey(t, specP256)
	for name, c := range map[string]struct {
		edit func(*cmapi.CertificateSpec)
		want map[string]string
	}{
		"everything": {everything, map[string]string{
			"cert-manager.io/common-name":                 "web.example.com",
			"cert-manager.io/alt-names":                   "web.example.com,www.example.com",
			"cert-manager.io/ip-sans":                     "192.0.2.1,2001:db8::1,192.0.2.2",
			"cert-manager.io/uri-sans":                    "spiffe://example.org/ns/a/sa/b,urn:x:y",
			"cert-manager.io/email-sans":                  "web@example.com",
			"cert-manager.io/subject-organizations":       `Other,"Acme, Inc."`, // a set is kept in the order of its encoding
			"cert-manager.io/subject-organizationalunits": "Unit",
			"cert-manager.io/subject-countries":           "DE",
			"cert-manager.io/subject-provinces":           "BW",
			"cert-manager.io/subject-localities":          "Walldorf",
			"cert-manager.io/subject-postalcodes":         "69190",
			"cert-manager.io/subject-streetaddresses":     "Weg 1",
			"cert-manager.io/subject-serialnumber":        "42",
		}},
		"quotes": {func(s *cmapi.CertificateSpec) {
			s.Subject = &cmapi.X509Subject{Localities: []string{`the "Ort"`}, StreetAddresses: []string{"Weg 1\nHaus 2"}}
			s.DNSNames = []string{"a"}
		}, map[string]string{
			"cert-manager.io/common-name":             "web.example.com",
			"cert-manager.io/alt-names":               "a",
			"cert-manager.io/ip-sans":                 "",
			"cert-manager.io/uri-sans":                "",
			"cert-manager.io/subject-localities":      `"the ""Ort"""`,
			"cert-manager.io/subject-streetaddresses": "\"Weg 1\nHaus 2\"",
		}},
	} {
		got := SecretAnnotations(one(t, selfSignedFor(t, certificate(c.edit), key, testNow).Leaf))
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	want := map[string]string{"cert-manager.io/common-name": "", "cert-manager.io/alt-names": "", "cert-manager.io/ip-sans": "", "cert-manager.io/uri-sans": ""}
	if diff := cmp.Diff(want, SecretAnnotations(nil)); diff != "" {
		t.Errorf("no certificate (-want +got):\n%s", diff)
	}
}
