package shims

import (
	"strings"
	"testing"
	"time"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func number32(n int32) *int32 { return &n }

// Every annotation goes into the Certificate, and its change, and its end.
func TestEveryAnnotationIsFollowed(t *testing.T) {
	t.Parallel()
	key := func(k cmapi.CertificatePrivateKey) func(*cmapi.Certificate) {
		return func(crt *cmapi.Certificate) { crt.Spec.PrivateKey = &k }
	}
	subject := func(s cmapi.X509Subject) func(*cmapi.Certificate) {
		return func(crt *cmapi.Certificate) { crt.Spec.Subject = &s }
	}
	noted := func(annotations ...string) func(*cmapi.Certificate) {
		return func(crt *cmapi.Certificate) {
			for i := 0; i < len(annotations); i += 2 {
				metav1.SetMetaDataAnnotation(&crt.ObjectMeta, annotations[i], annotations[i+1])
			}
		}
	}
	type want = func(*cmapi.Certificate)
	for _, row := range []struct {
		annotation, value string
		want              want
		other             string
		then              want
	}{
		{"cert-manager.io/common-name", "a.test", func(c *cmapi.Certificate) { c.Spec.CommonName = "a.test" }, "b.test", func(c *cmapi.Certificate) { c.Spec.CommonName = "b.test" }},
		{"cert-manager.io/alt-names", "a.test, web.test,b.test", func(c *cmapi.Certificate) { c.Spec.DNSNames = []string{"web.test", "a.test", "b.test"} }, "c.test", func(c *cmapi.Certificate) { c.Spec.DNSNames = []string{"web.test", "c.test"} }},
		{"cert-manager.io/ip-sans", "192.0.2.1,2001:db8::1", func(c *cmapi.Certificate) { c.Spec.IPAddresses = []string{"192.0.2.1", "2001:db8::1"} }, "192.0.2.2", func(c *cmapi.Certificate) { c.Spec.IPAddresses = []string{"192.0.2.2"} }},
		{"cert-manager.io/email-sans", "a@web.test, b@web.test", func(c *cmapi.Certificate) { c.Spec.EmailAddresses = []string{"a@web.test", "b@web.test"} }, "c@web.test", func(c *cmapi.Certificate) { c.Spec.EmailAddresses = []string{"c@web.test"} }},
		{"cert-manager.io/subject-organizations", `"A, Inc.",B`, subject(cmapi.X509Subject{Organizations: []string{"A, Inc.", "B"}}), "C", subject(cmapi.X509Subject{Organizations: []string{"C"}})},
		{"cert-manager.io/subject-organizationalunits", "A,B", subject(cmapi.X509Subject{OrganizationalUnits: []string{"A", "B"}}), "C", subject(cmapi.X509Subject{OrganizationalUnits: []string{"C"}})},
		{"cert-manager.io/subject-countries", "DE,FR", subject(cmapi.X509Subject{Countries: []string{"DE", "FR"}}), "IT", subject(cmapi.X509Subject{Countries: []string{"IT"}})},
		{"cert-manager.io/subject-provinces", "A,B", subject(cmapi.X509Subject{Provinces: []string{"A", "B"}}), "C", subject(cmapi.X509Subject{Provinces: []string{"C"}})},
		{"cert-manager.io/subject-localities", "A,B", subject(cmapi.X509Subject{Localities: []string{"A", "B"}}), "C", subject(cmapi.X509Subject{Localities: []string{"C"}})},
		{"cert-manager.io/subject-streetaddresses", `"1 Long Lane, Upper Floor",B`, subject(cmapi.X509Subject{StreetAddresses: []string{"1 Long Lane, Upper Floor", "B"}}), "C", subject(cmapi.X509Subject{StreetAddresses: []string{"C"}})},
		{"cert-manager.io/subject-postalcodes", "1,2", subject(cmapi.X509Subject{PostalCodes: []string{"1", "2"}}), "3", subject(cmapi.X509Subject{PostalCodes: []string{"3"}})},
		{"cert-manager.io/subject-serialnumber", "17", subject(cmapi.X509Subject{SerialNumber: "17"}), "18", subject(cmapi.X509Subject{SerialNumber: "18"})},
		{"cert-manager.io/duration", "48h", func(c *cmapi.Certificate) { c.Spec.Duration = &metav1.Duration{Duration: 48 * time.Hour} }, "72h", func(c *cmapi.Certificate) { c.Spec.Duration = &metav1.Duration{Duration: 72 * time.Hour} }},
		{"cert-manager.io/renew-before", "10h", func(c *cmapi.Certificate) { c.Spec.RenewBefore = &metav1.Duration{Duration: 10 * time.Hour} }, "12h", func(c *cmapi.Certificate) { c.Spec.RenewBefore = &metav1.Duration{Duration: 12 * time.Hour} }},
		{"cert-manager.io/renew-before-percentage", "25", func(c *cmapi.Certificate) { c.Spec.RenewBeforePercentage = number32(25) }, "30", func(c *cmapi.Certificate) { c.Spec.RenewBeforePercentage = number32(30) }},
		{"cert-manager.io/usages", "server auth, client auth", func(c *cmapi.Certificate) { c.Spec.Usages = []cmapi.KeyUsage{"server auth", "client auth"} }, "any", func(c *cmapi.Certificate) { c.Spec.Usages = []cmapi.KeyUsage{"any"} }},
		{"cert-manager.io/revision-history-limit", "7", func(c *cmapi.Certificate) { c.Spec.RevisionHistoryLimit = number32(7) }, "8", func(c *cmapi.Certificate) { c.Spec.RevisionHistoryLimit = number32(8) }},
		{"cert-manager.io/private-key-algorithm", "ECDSA", key(cmapi.CertificatePrivateKey{Algorithm: "ECDSA"}), "Ed25519", key(cmapi.CertificatePrivateKey{Algorithm: "Ed25519"})},
		{"cert-manager.io/private-key-encoding", "PKCS8", key(cmapi.CertificatePrivateKey{Encoding: "PKCS8"}), "PKCS1", key(cmapi.CertificatePrivateKey{Encoding: "PKCS1"})},
		{"cert-manager.io/private-key-size", "4096", key(cmapi.CertificatePrivateKey{Size: 4096}), "3072", key(cmapi.CertificatePrivateKey{Size: 3072})},
		{"cert-manager.io/private-key-rotation-policy", "Never", key(cmapi.CertificatePrivateKey{RotationPolicy: "Never"}), "Always", key(cmapi.CertificatePrivateKey{RotationPolicy: "Always"})},
		{"cert-manager.io/secret-template", `{"annotations":{"a.test/b":"c"}}`, func(c *cmapi.Certificate) {
			c.Spec.SecretTemplate = &cmapi.CertificateSecretTemplate{Annotations: map[string]string{"a.test/b": "c"}}
		}, `{"labels":{"d":"e"}}`, func(c *cmapi.Certificate) {
			c.Spec.SecretTemplate = &cmapi.CertificateSecretTemplate{Labels: map[string]string{"d": "e"}}
		}},
		{"cert-manager.io/issuer-kind", "ClusterIssuer", func(c *cmapi.Certificate) { c.Spec.IssuerRef.Kind = "ClusterIssuer" }, "Issuer", func(*cmapi.Certificate) {}},
		{"cert-manager.io/issuer-group", "awspca.cert-manager.io", func(c *cmapi.Certificate) { c.Spec.IssuerRef.Group = "awspca.cert-manager.io" }, "a.test", func(c *cmapi.Certificate) { c.Spec.IssuerRef.Group = "a.test" }},
		{"cert-manager.io/issuer", "cb", func(c *cmapi.Certificate) { c.Spec.IssuerRef.Name = "cb" }, "cc", func(c *cmapi.Certificate) { c.Spec.IssuerRef.Name = "cc" }},
		{"acme.cert-manager.io/http01-ingress-class", "nginx", noted("acme.cert-manager.io/http01-override-ingress-class", "nginx"), "haproxy", noted("acme.cert-manager.io/http01-override-ingress-class", "haproxy")},
		{"acme.cert-manager.io/http01-ingress-ingressclassname", "nginx", noted("acme.cert-manager.io/http01-override-ingress-ingressclassname", "nginx"), "haproxy", noted("acme.cert-manager.io/http01-override-ingress-ingressclassname", "haproxy")},
		{"acme.cert-manager.io/http01-edit-in-place", "true", noted("acme.cert-manager.io/http01-override-ingress-name", "web", "cert-manager.io/issue-temporary-certificate", "true"), "false", func(*cmapi.Certificate) {}},
		{"venafi.cert-manager.io/custom-fields", "[]", noted("venafi.cert-manager.io/custom-fields", "[]"), "[1]", noted("venafi.cert-manager.io/custom-fields", "[1]")},
	} {
		t.Run(row.annotation, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.settings.ExtraAnnotations = []string{"venafi.cert-manager.io/custom-fields"}
			w.restart()
			ing := w.ingress("web", "web-tls", []string{"web.test"}, byIssuer(row.annotation, row.value)...)
			check := func(want func(*cmapi.Certificate)) {
				t.Helper()
				crt := wanted("web-tls", "web", "web.test")
				want(crt)
				w.settle()
				w.has(crt)
			}
			check(row.want)
			w.expect([]string{"create web-tls"}, `Ingress/web Normal CreateCertificate: Successfully created Certificate "web-tls"`)
			ing.Annotations[row.annotation] = row.other
			check(row.then)
			w.expect([]string{"patch web-tls"}, `Ingress/web Normal UpdateCertificate: Successfully updated Certificate "web-tls"`)
			if delete(ing.Annotations, row.annotation); row.annotation != "cert-manager.io/issuer" {
				check(func(*cmapi.Certificate) {})
			}
		})
	}
}

// A faulty value is told with its annotation, its fault and the remedy, once,
// and what is there stays as it is.
func TestFaultyAnnotations(t *testing.T) {
	t.Parallel()
	for _, row := range []struct{ annotation, value, want string }{
		{"cert-manager.io/duration", "90d", `"90d" is not a duration: write for example 2160h`},
		{"cert-manager.io/duration", "5m", `"5m0s": the shortest duration is 1h0m0s`},
		{"cert-manager.io/renew-before", "soon", `"soon" is not a duration`},
		{"cert-manager.io/renew-before", "9999h", `"9999h0m0s": it must be shorter than the duration`},
		{"cert-manager.io/renew-before-percentage", "a third", `"a third" is not a percentage: write for example 25`},
		{"cert-manager.io/renew-before-percentage", "100", `100: it must be from 1 to 99`},
		{"cert-manager.io/usages", "server auth,sealing", `"sealing": it is not a usage`},
		{"cert-manager.io/revision-history-limit", "0", `0: at least one request is kept`},
		{"cert-manager.io/revision-history-limit", "99999999999", `"99999999999" is not a number of requests`},
		{"cert-manager.io/private-key-algorithm", "rsa", `"rsa" is unknown: use RSA or ECDSA or Ed25519`},
		{"cert-manager.io/private-key-encoding", "DER", `"DER" is unknown: use PKCS1 or PKCS8`},
		{"cert-manager.io/private-key-size", "big", `"big" is not a number of bits`},
		{"cert-manager.io/private-key-size", "512", `512`},
		{"cert-manager.io/private-key-rotation-policy", "Sometimes", `"Sometimes" is unknown: use Always or Never`},
		{"cert-manager.io/secret-template", `{"labels":`, `it is not the JSON of a Secret template (unexpected EOF): write for example`},
		{"cert-manager.io/secret-template", `{"label":{}}`, `it is not the JSON of a Secret template (json: unknown field "label")`},
		{"cert-manager.io/secret-template", `{} {}`, `there is more behind the JSON`},
		{"cert-manager.io/secret-template", `{"annotations":{"cert-manager.io/issuer-name":"x"}}`, `annotation "cert-manager.io/issuer-name" is not the template's to set: take it out`},
		{"cert-manager.io/subject-organizations", `"A`, `"\"A" cannot be split into values`},
		{"cert-manager.io/subject-localities", "A\nB", `"A\nB" has several lines`},
		{"cert-manager.io/alt-names", "b_d!.test", `"b_d!.test": `},
		{"cert-manager.io/ip-sans", "192.0.2", `"192.0.2": `},
		{"cert-manager.io/email-sans", "nobody", `"nobody": `},
		{"cert-manager.io/common-name", strings.Repeat("x", 65), `the common name has 65 characters`},
		{"cert-manager.io/cluster-issuer", "ca", ``}, // told with the other one
		{"cert-manager.io/issuer-kind", "Emitter", `"Emitter" is no kind of group cert-manager.io: use Issuer or ClusterIssuer`},
	} {
		t.Run(row.annotation+"="+row.value, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			ing := w.ingress("web", "web-tls", []string{"web.test"}, byIssuer()...)
			w.settle()
			w.expect([]string{"create web-tls"}, "Ingress/web Normal CreateCertificate")
			ing.Annotations[row.annotation] = row.value
			for range 3 {
				w.handleAll()
			}
			event := "Ingress/web Warning BadConfig: metadata.annotations[" + row.annotation + "]: "
			if row.want == "" {
				event = "Ingress/web Warning BadConfig: metadata.annotations[cert-manager.io/issuer]: it contradicts cert-manager.io/cluster-issuer: take out one of the two"
			}
			if len(w.events) != 1 || !strings.HasPrefix(w.events[0], event) || !strings.Contains(w.events[0], row.want) {
				t.Errorf("told %q, want once %s ... %s", w.events, event, row.want)
			}
			w.events = nil
			w.expect(nil)
			w.has(wanted("web-tls", "web", "web.test"))
			delete(ing.Annotations, row.annotation)
			w.settle()
			w.expect(nil)
		})
	}
}

// An empty value is none, as templates leave it behind.
func TestEmptyAnnotations(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ing := w.ingress("web", "web-tls", []string{"web.test"}, byIssuer("cert-manager.io/cluster-issuer", "")...)
	for _, r := range readings {
		ing.Annotations[r.key] = " "
	}
	w.settle()
	w.expect([]string{"create web-tls"}, "Ingress/web Normal CreateCertificate")
	w.has(wanted("web-tls", "web", "web.test"))
}

// No value whatever makes the engine panic, or makes it write again and again.
func FuzzAnnotations(f *testing.F) {
	for _, r := range readings {
		f.Add(r.key, "1")
		f.Add(r.key, `"a,b",c`)
		f.Add(r.key, `{"labels":{"a":"b"}}`)
	}
	f.Add("cert-manager.io/issuer-kind", "\x00")
	f.Fuzz(func(t *testing.T, key, value string) {
		w := newWorld(t)
		ing := w.ingress("web", "web-tls", []string{"web.test"}, byIssuer()...)
		ing.Annotations[key] = value
		w.settle()
		for _, e := range w.events {
			if strings.Contains(e, "BadConfig") && !strings.Contains(e, ": ") {
				t.Errorf("told %q", e)
			}
		}
	})
}
