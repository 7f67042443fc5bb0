package pki

import (
	"testing"
	"time"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	cmmeta "github.com/cert-manager/cert-manager/pkg/apis/meta/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"pgregory.net/rapid"
)

// mixed draws sensible values and now and then anything: a spec has some twenty
// of them, and one wild value is mostly the end of it.
func mixed(good ...string) *rapid.Generator[string] {
	wild := rapid.OneOf(rapid.String(), rapid.StringMatching(`[ -~]{1,12}`))
	return rapid.Custom(func(t *rapid.T) string {
		if rapid.Uint8().Draw(t, "wild")%32 == 31 {
			return wild.Draw(t, "value")
		}
		return rapid.SampledFrom(good).Draw(t, "value")
	})
}

func listOf[T any](g *rapid.Generator[T]) *rapid.Generator[[]T] {
	return rapid.SliceOfN(g, 0, 3)
}

var (
	anyDNS   = mixed("a.example.com", "*.b.c", "_x.y", "z", "trailing.", "UPPER.case")
	anyIP    = mixed("192.0.2.1", "::1", "::ffff:10.0.0.1", "2001:db8::1")
	anyURI   = mixed("spiffe://a/b", "urn:x:y", "https://h:8443/p?q#f", "http://[::1]/", "mailto:a@b.c", "HTTP://x/%41")
	anyMail  = mixed("a@b.c", "a+b@example.com", "x@[192.0.2.1]", "!#$%&'*+/=?^_`{|}~@a.b")
	anyText  = mixed("x", "Acme, Inc.", "ü", `a"b\c`, "DE")
	anyRange = mixed("10.0.0.0/8", "fd00::/7", "192.0.2.1/31", "::ffff:10.0.0.0/104")
	anyDN    = mixed("CN=a", "CN=a,O=b,C=DE", "UID=a+CN=ü,DC=b", `CN=\20\#`, `O="a,b"`)
)

var anySpec = rapid.Custom(func(t *rapid.T) cmapi.CertificateSpec {
	item := func(name string) *cmapi.NameConstraintItem {
		return &cmapi.NameConstraintItem{
			DNSDomains:     listOf(anyDNS).Draw(t, name+"dns"),
			IPRanges:       listOf(anyRange).Draw(t, name+"ip"),
			EmailAddresses: listOf(rapid.OneOf(anyMail, anyDNS)).Draw(t, name+"mail"),
			URIDomains:     listOf(anyDNS).Draw(t, name+"uri"),
		}
	}
	spec := cmapi.CertificateSpec{
		SecretName:         "s",
		IssuerRef:          cmmeta.IssuerReference{Name: "i"},
		DNSNames:           listOf(anyDNS).Draw(t, "dns"),
		IPAddresses:        listOf(anyIP).Draw(t, "ip"),
		URIs:               listOf(anyURI).Draw(t, "uri"),
		EmailAddresses:     listOf(anyMail).Draw(t, "mail"),
		IsCA:               rapid.Bool().Draw(t, "ca"),
		PrivateKey:         &cmapi.CertificatePrivateKey{Algorithm: cmapi.ECDSAKeyAlgorithm},
		Usages:             listOf(rapid.SampledFrom([]cmapi.KeyUsage{"signing", "cert sign", "server auth", "s/mime", "email protection", "any", "decipher only"})).Draw(t, "usages"),
		SignatureAlgorithm: rapid.SampledFrom([]cmapi.SignatureAlgorithm{"", "", cmapi.ECDSAWithSHA384}).Draw(t, "signature"),
		OtherNames: listOf(rapid.Custom(func(t *rapid.T) cmapi.OtherName {
			return cmapi.OtherName{OID: mixed("1.2.3", "2.25.329800735698586629295641978511506172918", "2.999").Draw(t, "oid"), UTF8Value: anyText.Draw(t, "value")}
		})).Draw(t, "other"),
	}
	if rapid.Bool().Draw(t, "literal") {
		spec.LiteralSubject = anyDN.Draw(t, "dn")
	} else {
		texts := listOf(anyText)
		spec.CommonName = anyText.Draw(t, "cn")
		spec.Subject = &cmapi.X509Subject{
			Organizations: texts.Draw(t, "o"), Countries: texts.Draw(t, "c"), OrganizationalUnits: texts.Draw(t, "ou"), Localities: texts.Draw(t, "l"),
			Provinces: texts.Draw(t, "st"), StreetAddresses: texts.Draw(t, "street"), PostalCodes: texts.Draw(t, "zip"), SerialNumber: anyText.Draw(t, "serial"),
		}
	}
	if rapid.Bool().Draw(t, "encode set") {
		encode := rapid.Bool().Draw(t, "encode")
		spec.EncodeUsagesInRequest = &encode
	}
	if spec.IsCA && rapid.Bool().Draw(t, "constrained") {
		spec.NameConstraints = &cmapi.NameConstraints{Critical: rapid.Bool().Draw(t, "critical"), Permitted: item("permitted"), Excluded: item("excluded")}
	}
	if rapid.Bool().Draw(t, "duration set") {
		spec.Duration = &metav1.Duration{Duration: time.Duration(rapid.Int64Range(int64(time.Hour), int64(200*365*24*time.Hour)).Draw(t, "duration"))}
	}
	return spec
})

// What Validate lets through can be requested, is carried out by its own
// request, can be signed, and the certificate is read and recognized again.
func TestValidSpecCanBeIssued(t *testing.T) {
	t.Parallel()
	key, caKey := testKey(t, specP256), testKey(t, specP384)
	ca := newCA(t, "root", caKey, nil)
	valid := 0
	rapid.Check(t, func(rt *rapid.T) {
		crt := &cmapi.Certificate{Spec: anySpec.Draw(rt, "spec")}
		if len(Validate(&crt.Spec)) > 0 {
			return
		}
		valid++
		csr, err := NewRequest(crt, key)
		if err != nil {
			rt.Fatalf("NewRequest: %v", err)
		}
		cr := &cmapi.CertificateRequest{Spec: cmapi.CertificateRequestSpec{Request: csr, Duration: crt.Spec.Duration, IssuerRef: crt.Spec.IssuerRef, IsCA: crt.Spec.IsCA, Usages: crt.Spec.Usages}}
		if got := RequestViolations(cr, crt); got != nil {
			rt.Fatalf("RequestViolations: %v", got)
		}
		template, err := Template(cr, testNow)
		if err != nil {
			rt.Fatalf("Template: %v", err)
		}
		chain, err := ca.Sign(template, key.Public())
		if err != nil {
			rt.Fatalf("Sign: %v", err)
		}
		certs, err := ParseCertificates(chain.Certificates)
		if err != nil {
			rt.Fatalf("ParseCertificates: %v", err)
		}
		if got := CertificateViolations(certs[0], crt); got != nil {
			rt.Fatalf("CertificateViolations: %v", got)
		}
		if n := len(SecretAnnotations(certs[0])); n < 4 {
			rt.Fatalf("%d annotations", n)
		}
	})
	t.Logf("%d specs were valid", valid)
	if valid < 5 {
		t.Errorf("only %d specs were valid: the generator is too wild", valid)
	}
}

// A renewal always lies inside the lifetime, and a window never moves it back.
func TestRenewalLiesInLifetime(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		begin := time.Unix(rapid.Int64Range(0, 4e9).Draw(rt, "begin"), 0).UTC()
		end := begin.Add(time.Duration(rapid.Int64Range(10, 4e9).Draw(rt, "seconds")) * time.Second)
		var before *metav1.Duration
		if rapid.Bool().Draw(rt, "before set") {
			before = &metav1.Duration{Duration: time.Duration(rapid.Int64().Draw(rt, "before"))}
		}
		percent := rapid.Int32().Draw(rt, "percent")
		at := RenewalTime(begin, end, before, &percent)
		if at.Before(begin) || at.After(end) {
			rt.Fatalf("renewal at %s outside %s - %s", at, begin, end)
		}
		w := []cmapi.CertificateRenewalWindows{window("0 3 * * 6", 4*time.Hour, "Asia/Tokyo")}
		if moved, err := NextWindow(w, at, end); err == nil && (moved.Before(at) || moved.After(at.Add(7*24*time.Hour))) {
			rt.Fatalf("%s moved to %s", at, moved)
		}
	})
}
