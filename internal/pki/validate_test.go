package pki

import (
	"slices"
	"strings"
	"testing"
	"time"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	cmmeta "github.com/cert-manager/cert-manager/pkg/apis/meta/v1"
	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// errorsOf gives the text of each field error, as a user sees it.
func errorsOf(l Limits, spec *cmapi.CertificateSpec) []string {
	var out []string
	for _, e := range l.Validate(spec) {
		out = append(out, e.Error())
	}
	return out
}

func TestValidateAccepts(t *testing.T) {
	t.Parallel()
	for name, edit := range map[string]func(*cmapi.CertificateSpec){
		"plain":         func(*cmapi.CertificateSpec) {},
		"everything":    everything,
		"literal":       func(s *cmapi.CertificateSpec) { s.CommonName, s.DNSNames, s.LiteralSubject = "", nil, "O=x" },
		"IP only":       func(s *cmapi.CertificateSpec) { s.CommonName, s.DNSNames, s.IPAddresses = "", nil, []string{"::1"} },
		"URI only":      func(s *cmapi.CertificateSpec) { s.CommonName, s.DNSNames, s.URIs = "", nil, []string{"urn:x"} },
		"64 characters": func(s *cmapi.CertificateSpec) { s.CommonName = strings.Repeat("ü", 64) },
		"odd DNS names": func(s *cmapi.CertificateSpec) {
			s.DNSNames = []string{"*.example.com", "_dmarc.Example.com", "a.", "xn--mnchen-3ya.de", "10.0.0.1", "*", "foo*.a", "localhost"}
		},
		"URIs": func(s *cmapi.CertificateSpec) {
			s.URIs = []string{"https://[::1]:8443/a%20b?c#d", "spiffe://a/b", "mailto:a@b.c", "http://h:1"}
		},
		"shortest": func(s *cmapi.CertificateSpec) {
			s.Duration, s.RenewBefore = &metav1.Duration{Duration: time.Hour}, &metav1.Duration{Duration: 5 * time.Minute}
		},
		"percentage": func(s *cmapi.CertificateSpec) { p := int32(99); s.RenewBeforePercentage = &p },
		"disabled":   func(s *cmapi.CertificateSpec) { s.Renewal = &cmapi.CertificateRenewal{Policy: "Disabled"} },
		"windows": func(s *cmapi.CertificateSpec) {
			s.Renewal = &cmapi.CertificateRenewal{Windows: []cmapi.CertificateRenewalWindows{window("*/5 0-6,22 ? JAN-mar MON", 1, "Asia/Tokyo")}}
		},
		"external issuer": func(s *cmapi.CertificateSpec) {
			s.IssuerRef = cmmeta.IssuerReference{Name: "x", Kind: "AWSPCAIssuer", Group: "awspca.cert-manager.io"}
		},
		"cluster issuer": func(s *cmapi.CertificateSpec) { s.IssuerRef.Kind = "ClusterIssuer" },
		"Ed25519": func(s *cmapi.CertificateSpec) {
			s.PrivateKey.Algorithm, s.SignatureAlgorithm = "Ed25519", "PureEd25519"
		},
		"injection": func(s *cmapi.CertificateSpec) {
			s.SecretTemplate = &cmapi.CertificateSecretTemplate{Annotations: map[string]string{"cert-manager.io/allow-direct-injection": "true", "a/b": "c"}, Labels: map[string]string{"a": "b"}}
		},
		"keystores": func(s *cmapi.CertificateSpec) {
			p := "x"
			ref := cmmeta.SecretKeySelector{}
			ref.Name = "s"
			s.Keystores = &cmapi.CertificateKeystores{JKS: &cmapi.JKSKeystore{Password: &p}, PKCS12: &cmapi.PKCS12Keystore{PasswordSecretRef: ref, Profile: "Modern2026"}}
		},
		"formats": func(s *cmapi.CertificateSpec) {
			s.AdditionalOutputFormats = []cmapi.CertificateAdditionalOutputFormat{{Type: "DER"}, {Type: "CombinedPEM"}}
		},
		"constraint forms": func(s *cmapi.CertificateSpec) {
			s.IsCA = true
			s.NameConstraints = &cmapi.NameConstraints{Excluded: &cmapi.NameConstraintItem{DNSDomains: []string{"", ".a", "b"}, EmailAddresses: []string{"a@b.c", ".d"}, URIDomains: []string{".e", "f"}, IPRanges: []string{"0.0.0.0/0"}}}
		},
	} {
		if got := errorsOf(Limits{}, &certificate(edit).Spec); got != nil {
			t.Errorf("%s: %s", name, strings.Join(got, "\n"))
		}
	}
}

func TestValidateRefuses(t *testing.T) {
	t.Parallel()
	p := func(n int32) *int32 { return &n }
	d := func(d time.Duration) *metav1.Duration { return &metav1.Duration{Duration: d} }
	secret := cmmeta.SecretKeySelector{LocalObjectReference: cmmeta.LocalObjectReference{Name: "s"}}
	password, empty := "hunter2", ""
	const dns = `spec.dnsNames[0]: Invalid value: `
	for name, c := range map[string]struct {
		edit func(*cmapi.CertificateSpec)
		want []string
	}{
		"no Secret":     {func(s *cmapi.CertificateSpec) { s.SecretName = "" }, []string{"spec.secretName: Required value: name the Secret that receives the certificate"}},
		"no issuer":     {func(s *cmapi.CertificateSpec) { s.IssuerRef.Name = "" }, []string{"spec.issuerRef.name: Required value: name the Issuer or ClusterIssuer that signs"}},
		"issuer's kind": {func(s *cmapi.CertificateSpec) { s.IssuerRef.Kind = "AWSPCAIssuer" }, []string{`spec.issuerRef.kind: Invalid value: "AWSPCAIssuer": the group cert-manager.io has the kinds Issuer and ClusterIssuer: use one of them, or set issuerRef.group for an external issuer`}},
		"no name":       {func(s *cmapi.CertificateSpec) { s.CommonName, s.DNSNames = "", nil }, []string{"spec: Required value: a certificate needs a name: set at least one of commonName, literalSubject, dnsNames, uris, ipAddresses, emailAddresses or otherNames"}},
		"too many names": {func(s *cmapi.CertificateSpec) {
			s.DNSNames = slices.Repeat([]string{strings.Repeat("a", 53) + ".de"}, 1000)
		}, []string{"spec.dnsNames: Forbidden: all names together take 60000 bytes, at most 56000 fit into a certificate: spread them over several Certificates"}},
		"long CN":         {func(s *cmapi.CertificateSpec) { s.CommonName = strings.Repeat("a", 65) }, []string{`spec.commonName: Invalid value: "` + strings.Repeat("a", 65) + `": the common name has 65 characters, at most 64 are allowed: use a shorter one and put the long name into dnsNames`}},
		"long literal CN": {func(s *cmapi.CertificateSpec) { s.CommonName, s.LiteralSubject = "", "CN="+strings.Repeat("a", 65) }, []string{`spec.literalSubject: Invalid value: "` + strings.Repeat("a", 65) + `": the common name has 65 characters, at most 64 are allowed: use a shorter one and put the long name into dnsNames`}},
		"literal and others": {func(s *cmapi.CertificateSpec) {
			s.LiteralSubject, s.Subject = "CN=a", &cmapi.X509Subject{Countries: []string{"DE"}}
		}, []string{
			"spec.commonName: Forbidden: it cannot be set together with literalSubject: remove one of the two",
			"spec.subject: Forbidden: it cannot be set together with literalSubject: remove one of the two"}},
		"literal broken":     {func(s *cmapi.CertificateSpec) { s.CommonName, s.LiteralSubject = "", "CN" }, []string{`spec.literalSubject: Invalid value: "CN": at byte 0: a type and a value with = between them are missing: write it as in RFC 4514, such as CN=name,O=organization,C=DE`}},
		"duration":           {func(s *cmapi.CertificateSpec) { s.Duration = d(59 * time.Minute) }, []string{`spec.duration: Invalid value: "59m0s": the shortest duration is 1h0m0s: use a longer one, or leave it out for 2160h0m0s`}},
		"renewBefore short":  {func(s *cmapi.CertificateSpec) { s.RenewBefore = d(299 * time.Second) }, []string{`spec.renewBefore: Invalid value: "4m59s": the shortest is 5m0s: use a longer one, or leave it out for a third of the lifetime`}},
		"renewBefore long":   {func(s *cmapi.CertificateSpec) { s.RenewBefore = d(2160 * time.Hour) }, []string{`spec.renewBefore: Invalid value: "2160h0m0s": it must be shorter than the duration of 2160h0m0s`}},
		"both renewals":      {func(s *cmapi.CertificateSpec) { s.RenewBefore, s.RenewBeforePercentage = d(time.Hour), p(10) }, []string{"spec.renewBeforePercentage: Forbidden: it cannot be set together with renewBefore: remove one of the two"}},
		"percentage 0":       {func(s *cmapi.CertificateSpec) { s.RenewBeforePercentage = p(0) }, []string{"spec.renewBeforePercentage: Invalid value: 0: it must be from 1 to 99"}},
		"percentage 100":     {func(s *cmapi.CertificateSpec) { s.RenewBeforePercentage = p(100) }, []string{"spec.renewBeforePercentage: Invalid value: 100: it must be from 1 to 99"}},
		"percentage too low": {func(s *cmapi.CertificateSpec) { s.Duration, s.RenewBeforePercentage = d(time.Hour), p(8) }, []string{"spec.renewBeforePercentage: Invalid value: 8: of a duration of 1h0m0s that is 4m48s, less than 5m0s: use a higher percentage or a longer duration"}},
		"policy":             {func(s *cmapi.CertificateSpec) { s.Renewal = &cmapi.CertificateRenewal{Policy: "Never"} }, []string{`spec.renewal.policy: Unsupported value: "Never": supported values: "RenewBefore", "Disabled"`}},
		"windows for nothing": {func(s *cmapi.CertificateSpec) {
			s.Renewal = &cmapi.CertificateRenewal{Policy: "Disabled", Windows: []cmapi.CertificateRenewalWindows{window("0 0 * * *", 1, "")}}
		}, []string{"spec.renewal.windows: Forbidden: nothing is renewed with the policy Disabled: remove the windows or use RenewBefore"}},
		"window": {func(s *cmapi.CertificateSpec) {
			s.Renewal = &cmapi.CertificateRenewal{Windows: []cmapi.CertificateRenewalWindows{window("0 0 * * *", 1, ""), window("0 0 31 2 *", 1, "")}}
		}, []string{`spec.renewal.windows[1].cron: Invalid value: "0 0 31 2 *": that date never comes: change the day or the month`}},
		"usage":             {func(s *cmapi.CertificateSpec) { s.Usages = []cmapi.KeyUsage{"any", "all"} }, []string{`spec.usages[1]: Invalid value: "all": it is not a usage: use one of the names of the API, such as "server auth" or "digital signature"`}},
		"key's size":        {func(s *cmapi.CertificateSpec) { s.PrivateKey.Size = 2048 }, []string{"spec.privateKey.size: Invalid value: 2048: there is no ECDSA curve of 2048 bits: use 256, 384 or 521, or leave it out for 256"}},
		"key's algorithm":   {func(s *cmapi.CertificateSpec) { s.PrivateKey.Algorithm, s.SignatureAlgorithm = "DSA", "PureEd25519" }, []string{`spec.privateKey.algorithm: Invalid value: "DSA": it is not known: use RSA, ECDSA or Ed25519, or leave it out for RSA`}},
		"key's forms":       {func(s *cmapi.CertificateSpec) { s.PrivateKey.Encoding, s.PrivateKey.RotationPolicy = "DER", "Often" }, []string{`spec.privateKey.encoding: Unsupported value: "DER": supported values: "PKCS1", "PKCS8"`, `spec.privateKey.rotationPolicy: Unsupported value: "Often": supported values: "Always", "Never"`}},
		"signature":         {func(s *cmapi.CertificateSpec) { s.PrivateKey, s.SignatureAlgorithm = nil, "PureEd25519" }, []string{`spec.signatureAlgorithm: Invalid value: "PureEd25519": a key of spec.privateKey.algorithm RSA cannot make it: use SHA256WithRSA, SHA384WithRSA, SHA512WithRSA, or leave it out`}},
		"signature unknown": {func(s *cmapi.CertificateSpec) { s.SignatureAlgorithm = "MD5" }, []string{`spec.signatureAlgorithm: Invalid value: "MD5": a key of spec.privateKey.algorithm ECDSA cannot make it: use ECDSAWithSHA256, ECDSAWithSHA384, ECDSAWithSHA512, or leave it out`}},
		"history":           {func(s *cmapi.CertificateSpec) { s.RevisionHistoryLimit = p(0) }, []string{"spec.revisionHistoryLimit: Invalid value: 0: at least one request is kept: use 1 or more, or leave it out for 1"}},
		"formats twice": {func(s *cmapi.CertificateSpec) {
			s.AdditionalOutputFormats = []cmapi.CertificateAdditionalOutputFormat{{Type: "DER"}, {Type: "DER"}}
		}, []string{`spec.additionalOutputFormats[1].type: Duplicate value: "DER"`}},
		"format unknown": {func(s *cmapi.CertificateSpec) {
			s.AdditionalOutputFormats = []cmapi.CertificateAdditionalOutputFormat{{Type: "P7B"}}
		}, []string{`spec.additionalOutputFormats[0].type: Unsupported value: "P7B": supported values: "DER", "CombinedPEM"`}},
		"two passwords": {func(s *cmapi.CertificateSpec) {
			s.Keystores = &cmapi.CertificateKeystores{JKS: &cmapi.JKSKeystore{Password: &password, PasswordSecretRef: secret}}
		}, []string{"spec.keystores.jks.password: Forbidden: it cannot be set together with passwordSecretRef: remove one of the two"}},
		"no password": {func(s *cmapi.CertificateSpec) {
			s.Keystores = &cmapi.CertificateKeystores{JKS: &cmapi.JKSKeystore{}, PKCS12: &cmapi.PKCS12Keystore{}}
		}, []string{"spec.keystores.jks.passwordSecretRef: Required value: a keystore needs a password: set passwordSecretRef or password", "spec.keystores.pkcs12.passwordSecretRef: Required value: a keystore needs a password: set passwordSecretRef or password"}},
		"empty password": {func(s *cmapi.CertificateSpec) {
			s.Keystores = &cmapi.CertificateKeystores{PKCS12: &cmapi.PKCS12Keystore{Password: &empty, Profile: "X"}}
		}, []string{"spec.keystores.pkcs12.password: Required value: it is empty: give it a text, or use passwordSecretRef", `spec.keystores.pkcs12.profile: Unsupported value: "X": supported values: "LegacyRC2", "LegacyDES", "Modern2023", "Modern2026"`}},
		"template": {func(s *cmapi.CertificateSpec) {
			s.SecretTemplate = &cmapi.CertificateSecretTemplate{Annotations: map[string]string{"cert-manager.io/x": "", "cert-manager.io/certificate-name": ""}}
		}, []string{`spec.secretTemplate.annotations: Invalid value: "cert-manager.io/certificate-name": annotations under cert-manager.io/ are written by the controller: remove it`, `spec.secretTemplate.annotations: Invalid value: "cert-manager.io/x": annotations under cert-manager.io/ are written by the controller: remove it`}},
		"constraints": {func(s *cmapi.CertificateSpec) { s.NameConstraints = &cmapi.NameConstraints{} }, []string{"spec.nameConstraints: Forbidden: only a CA may have name constraints (RFC 5280 section 4.2.1.10): set isCA, or remove them", "spec.nameConstraints: Required value: it constrains nothing: set permitted or excluded, or remove it"}},
		"constraint items": {func(s *cmapi.CertificateSpec) {
			s.IsCA, s.NameConstraints = true, &cmapi.NameConstraints{Permitted: &cmapi.NameConstraintItem{DNSDomains: []string{"a."}, IPRanges: []string{"10.0.0.1"}}, Excluded: &cmapi.NameConstraintItem{EmailAddresses: []string{"a@b@c"}, URIDomains: []string{"https://a", "10.0.0.1"}}}
		}, []string{
			`spec.nameConstraints.permitted.dnsDomains[0]: Invalid value: "a.": it is not a domain: write it as example.com, without a trailing dot`,
			`spec.nameConstraints.permitted.ipRanges[0]: Invalid value: "10.0.0.1": it is not an address range: write it as 10.0.0.0/8 or fd00::/8`,
			`spec.nameConstraints.excluded.emailAddresses[0]: Invalid value: "a@b@c": it is neither a mailbox, a host nor a domain: write it as user@example.com, example.com or .example.com`,
			`spec.nameConstraints.excluded.uriDomains[0]: Invalid value: "https://a": it is not a domain: write it as example.com or .example.com, not as a URI or an IP address`,
			`spec.nameConstraints.excluded.uriDomains[1]: Invalid value: "10.0.0.1": it is not a domain: write it as example.com or .example.com, not as a URI or an IP address`,
		}},
		"DNS empty":     {func(s *cmapi.CertificateSpec) { s.DNSNames = []string{""} }, []string{dns + `"": it is empty: remove it`}},
		"DNS dot":       {func(s *cmapi.CertificateSpec) { s.DNSNames = []string{"."} }, []string{dns + `".": it is empty: remove it`}},
		"DNS not ASCII": {func(s *cmapi.CertificateSpec) { s.DNSNames = []string{"münchen.de"} }, []string{dns + `"münchen.de": only ASCII characters can stand in a certificate here: write an international domain name in its xn-- form`}},
		"DNS dots":      {func(s *cmapi.CertificateSpec) { s.DNSNames = []string{"a..b"} }, []string{dns + `"a..b": two dots follow each other or the name begins with one: remove the extra dot`}},
		"DNS port":      {func(s *cmapi.CertificateSpec) { s.DNSNames = []string{"a:443"} }, []string{dns + `"a:443": the character ':' is not part of a DNS name: give the bare name, without scheme, port or path`}},
		"DNS blank":     {func(s *cmapi.CertificateSpec) { s.DNSNames = []string{"a b"} }, []string{dns + `"a b": the character ' ' is not part of a DNS name: give the bare name, without scheme, port or path`}},
		"DNS star":      {func(s *cmapi.CertificateSpec) { s.DNSNames = []string{"a.*.b"} }, []string{dns + `"a.*.b": a * is allowed in the first part only`}},
		"DNS hyphen":    {func(s *cmapi.CertificateSpec) { s.DNSNames = []string{"-a.b"} }, []string{dns + `"-a.b": the part "-a" begins or ends with a hyphen: remove it`}},
		"DNS long part": {func(s *cmapi.CertificateSpec) { s.DNSNames = []string{strings.Repeat("a", 64)} }, []string{dns + `"` + strings.Repeat("a", 64) + `": the part "` + strings.Repeat("a", 64) + `" has 64 characters, at most 63 are allowed`}},
		"DNS long":      {func(s *cmapi.CertificateSpec) { s.DNSNames = []string{strings.Repeat("a.", 127) + "a."} }, []string{dns + `"` + strings.Repeat("a.", 127) + `a.": it has 255 characters, a DNS name has at most 253`}},
		"IP":            {func(s *cmapi.CertificateSpec) { s.IPAddresses = []string{"fe80::1%eth0", "10.0.0.0/8"} }, []string{`spec.ipAddresses[0]: Invalid value: "fe80::1%eth0": it is not an IP address: write it as 192.0.2.1 or 2001:db8::1, without port, zone or prefix length`, `spec.ipAddresses[1]: Invalid value: "10.0.0.0/8": it is not an IP address: write it as 192.0.2.1 or 2001:db8::1, without port, zone or prefix length`}},
		"e-mail": {func(s *cmapi.CertificateSpec) {
			s.EmailAddresses = []string{"a", "Bob <bob@example.com>", "ü@example.com"}
		}, []string{`spec.emailAddresses[0]: Invalid value: "a": it is not an e-mail address: write it as user@example.com and nothing else`, `spec.emailAddresses[1]: Invalid value: "Bob <bob@example.com>": it is not an e-mail address: write it as user@example.com and nothing else`, `spec.emailAddresses[2]: Invalid value: "ü@example.com": only ASCII characters can stand in an e-mail address of a certificate`}},
		"URI": {func(s *cmapi.CertificateSpec) {
			s.URIs = []string{"example.com", "http://a b", "http://a..b/", "http://ü/"}
		}, []string{
			`spec.uris[0]: Invalid value: "example.com": it has no scheme: write it as spiffe://example.org/workload or https://example.com/`,
			`spec.uris[1]: Invalid value: "http://a b": it is not a URI: write it as spiffe://example.org/workload or https://example.com/`,
			`spec.uris[2]: Invalid value: "http://a..b/": its host "a..b" is not a domain name: remove empty parts and a trailing dot`,
			`spec.uris[3]: Invalid value: "http://ü/": only ASCII characters can stand in a URI: percent-encode the others`}},
		"other names": {func(s *cmapi.CertificateSpec) { s.OtherNames = []cmapi.OtherName{{UTF8Value: "a"}, {OID: "1.x"}} }, []string{
			"spec.otherNames[0].oid: Required value: give the object identifier of the name, such as 1.3.6.1.4.1.311.20.2.3 for a UPN",
			`spec.otherNames[1].oid: Invalid value: "1.x": it is not an object identifier: write numbers with dots, such as 1.3.6.1.4.1.311.20.2.3`,
			"spec.otherNames[1].utf8Value: Required value: give the name as a non-empty UTF-8 text"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := errorsOf(Limits{}, &certificate(c.edit).Spec)
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if strings.Contains(strings.Join(got, ""), password) {
				t.Error("a password is in the text")
			}
		})
	}
}

// Names of Kubernetes itself are left to its own rules: one of each kind.
func TestValidateKubernetesNames(t *testing.T) {
	t.Parallel()
	for field, edit := range map[string]func(*cmapi.CertificateSpec){
		"spec.secretName": func(s *cmapi.CertificateSpec) { s.SecretName = "No_Such" },
		"spec.secretTemplate.annotations": func(s *cmapi.CertificateSpec) {
			s.SecretTemplate = &cmapi.CertificateSecretTemplate{Annotations: map[string]string{"a b": ""}}
		},
		"spec.secretTemplate.labels": func(s *cmapi.CertificateSpec) {
			s.SecretTemplate = &cmapi.CertificateSecretTemplate{Labels: map[string]string{"a": "b c"}}
		},
	} {
		if got := Validate(&certificate(edit).Spec); len(got) != 1 || got[0].Field != field {
			t.Errorf("%s: %v", field, got)
		}
	}
}

func TestValidateLimits(t *testing.T) {
	t.Parallel()
	short := certificate(func(s *cmapi.CertificateSpec) {
		s.Duration, s.RenewBefore = &metav1.Duration{Duration: 10 * time.Minute}, &metav1.Duration{Duration: time.Minute}
	})
	if got := errorsOf(Limits{MinDuration: 10 * time.Minute, MinRenewBefore: time.Minute}, &short.Spec); got != nil {
		t.Errorf("within lower limits: %v", got)
	}
	want := []string{
		`spec.duration: Invalid value: "10m0s": the shortest duration is 1h0m0s: use a longer one, or leave it out for 2160h0m0s`,
		`spec.renewBefore: Invalid value: "1m0s": the shortest is 5m0s: use a longer one, or leave it out for a third of the lifetime`,
	}
	if diff := cmp.Diff(want, errorsOf(Limits{}, &short.Spec)); diff != "" {
		t.Errorf("default limits (-want +got):\n%s", diff)
	}
}
