package pki

import (
	"bytes"
	"crypto"
	"slices"
	"testing"
	"time"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// What a parser takes must go through its encoder and come back the same;
// above all, no input may make one panic.

func FuzzParseKey(f *testing.F) {
	for _, s := range []KeySpec{specP256, specP521, specEd25519} {
		for _, enc := range []cmapi.PrivateKeyEncoding{cmapi.PKCS1, cmapi.PKCS8} {
			text, err := EncodeKey(testKey(f, s), enc)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(text)
		}
	}
	f.Add(x25519)
	f.Add([]byte("-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		key, err := ParseKey(data)
		if err != nil {
			return
		}
		text, err := EncodeKey(key, KeyEncoding(data))
		if err != nil {
			t.Fatal(err)
		}
		again, err := ParseKey(text)
		if err != nil || !SamePublicKey(key.Public(), again.Public()) {
			t.Fatalf("read back: %v", err)
		}
		_ = KeyViolations(key.Public(), specRSA)
	})
}

func FuzzParseCertificates(f *testing.F) {
	ca := newCA(f, "root", testKey(f, specP256), nil)
	leaf := signFor(f, certificate(everything), testKey(f, specP256), ca)
	f.Add(leaf.Certificates)
	f.Add(slices.Concat([]byte("text\n"), leaf.Certificates, leaf.CA))
	f.Add(slices.Concat(leaf.CA, leaf.Leaf[:100], leaf.CA))
	f.Fuzz(func(t *testing.T, data []byte) {
		certs, err := ParseCertificates(data)
		if err != nil {
			return
		}
		again, err := ParseCertificates(EncodeCertificates(certs...))
		if err != nil || !bytes.Equal(EncodeCertificates(certs...), EncodeCertificates(again...)) {
			t.Fatalf("read back: %v", err)
		}
		_, _ = NewChain(certs[0], certs[1:])
		_ = SecretAnnotations(certs[0])
		_ = CertificateViolations(certs[0], certificate(everything))
	})
}

func FuzzParseBundle(f *testing.F) {
	root := EncodeCertificates(newCA(f, "root", testKey(f, specP256), nil).Certificates...)
	f.Add(bytes.Repeat(root, 3))
	f.Add(bytes.Repeat([]byte("-----BEGIN CERTIFICATE-----\n"), 1000))
	f.Add(bytes.Repeat([]byte("-----END CERTIFICATE-----\n"), 1000))
	f.Fuzz(func(t *testing.T, data []byte) {
		certs, err := ParseBundle(data)
		if err == nil && len(certs) != bytes.Count(data, []byte("-----END CERTIFICATE-----")) {
			t.Fatalf("%d certificates from %d blocks", len(certs), bytes.Count(data, []byte("-----END CERTIFICATE-----")))
		}
	})
}

// The request is fuzzed as DER, or else hardly anything gets past its base64.
func FuzzParseRequest(f *testing.F) {
	key := testKey(f, specP256)
	for _, data := range [][]byte{requestFor(f, certificate(everything), key).Spec.Request, rareNames(f, key)} {
		csr, err := ParseRequest(data)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(csr.Raw)
	}
	crt := certificate(everything)
	f.Fuzz(func(t *testing.T, der []byte) {
		cr := &cmapi.CertificateRequest{Spec: cmapi.CertificateRequestSpec{Request: pemBlock(labelRequest, der), IsCA: true, Usages: crt.Spec.Usages}}
		_ = RequestViolations(cr, crt)
		_, _ = Template(cr, testNow)
		// Past the signature check, which no fuzzer gets by.
		if csr, err := parseRequest(cr.Spec.Request); err == nil {
			_ = checkUsages(csr, cr)
			_ = checkCA(csr, true)
			_ = copiedExtensions(csr)
			_, _ = parseAltNames(csr.Extensions)
		}
	})
}

func FuzzParseDN(f *testing.F) {
	for _, s := range []string{"CN=a,O=b", `CN=\,\C3\BC+UID="x y" ; DC=z`, "SERIALNUMBER=1", `C=\44E`} {
		f.Add(s)
	}
	key := testKey(f, specEd25519)
	f.Fuzz(func(t *testing.T, s string) {
		names, err := ParseDN(s)
		if err != nil {
			return
		}
		issueDN(t, key, s)
		if !sameDN(names, normalDN(names)) {
			t.Fatalf("%q is another name after encoding", s)
		}
	})
}

func issueDN(t *testing.T, key crypto.Signer, literal string) {
	t.Helper()
	crt := certificate(func(s *cmapi.CertificateSpec) {
		s.CommonName, s.LiteralSubject, s.PrivateKey = "", literal, privateKeyFor(key)
	})
	if got := RequestViolations(requestFor(t, crt, key), crt); got != nil {
		t.Fatalf("%q: %v", literal, got)
	}
	selfSignedFor(t, crt, key, testNow)
}

func FuzzNextWindow(f *testing.F) {
	f.Add("0 2 * * *", "", int64(time.Hour), int64(1772366400))
	f.Add("*/7 1-3,5 ? JAN-MAR SUN", "America/Sao_Paulo", int64(1), int64(1541300000))
	f.Add("0 0 29 2 *", "Asia/Beirut", int64(1<<62), int64(4e9))
	f.Add("TZ=0", "Local", int64(-1), int64(0))
	f.Fuzz(func(t *testing.T, cron, zone string, duration, from int64) {
		start := time.Unix(from%(1<<33), 0).UTC()
		if start.Year() < 1970 {
			return
		}
		w := []cmapi.CertificateRenewalWindows{{Cron: cron, Timezone: zone, WindowDuration: &metav1.Duration{Duration: time.Duration(duration)}}}
		began := time.Now()
		at, err := NextWindow(w, start, start.AddDate(1, 0, 0))
		if took := time.Since(began); took > time.Second {
			t.Fatalf("took %s", took)
		}
		if err == nil && (at.Before(start) || !at.Before(start.AddDate(1, 0, 0))) {
			t.Fatalf("%s moved to %s", start, at)
		}
	})
}

// Names that Validate takes can be issued and read by Go's own parser.
func FuzzValidNames(f *testing.F) {
	f.Add("a.b", "https://a.b/c", "a@b.c", "a.b", "a@b.c", "a.b", "1.2.3", "x")
	f.Add("*.a.", "urn:a", "x@[1.2.3.4]", ".a", "b.c", ".d", "2.999.1", "ü")
	key := testKey(f, specEd25519)
	f.Fuzz(func(t *testing.T, dns, uri, mail, dnsDomain, mailDomain, uriDomain, oid, value string) {
		crt := certificate(func(s *cmapi.CertificateSpec) {
			s.PrivateKey, s.IsCA = privateKeyFor(key), true
			s.DNSNames, s.URIs, s.EmailAddresses = []string{dns}, []string{uri}, []string{mail}
			s.OtherNames = []cmapi.OtherName{{OID: oid, UTF8Value: value}}
			s.NameConstraints = &cmapi.NameConstraints{Permitted: &cmapi.NameConstraintItem{DNSDomains: []string{dnsDomain}, EmailAddresses: []string{mailDomain}, URIDomains: []string{uriDomain}}}
		})
		if len(Validate(&crt.Spec)) > 0 {
			return
		}
		cr := requestFor(t, crt, key)
		if got := RequestViolations(cr, crt); got != nil {
			t.Fatal(got)
		}
		if got := CertificateViolations(one(t, selfSignedFor(t, crt, key, testNow).Leaf), crt); got != nil {
			t.Fatal(got)
		}
	})
}
