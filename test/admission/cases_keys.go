package admission

import (
	"strings"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	cmmeta "github.com/cert-manager/cert-manager/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
)

func key(name, field string, k cmapi.CertificatePrivateKey) Case {
	return crt(name, field, func(s *cmapi.CertificateSpec) { s.PrivateKey = &k })
}

func signature(name, field string, algorithm cmapi.PrivateKeyAlgorithm, signature cmapi.SignatureAlgorithm) Case {
	return crt(name, field, func(s *cmapi.CertificateSpec) {
		s.PrivateKey, s.SignatureAlgorithm = &cmapi.CertificatePrivateKey{Algorithm: algorithm}, signature
	})
}

func jks(name, field string, k cmapi.JKSKeystore) Case {
	return crt(name, field, func(s *cmapi.CertificateSpec) { s.Keystores = &cmapi.CertificateKeystores{JKS: &k} })
}

func pkcs12(name, field string, k cmapi.PKCS12Keystore) Case {
	return crt(name, field, func(s *cmapi.CertificateSpec) { s.Keystores = &cmapi.CertificateKeystores{PKCS12: &k} })
}

func template(name, field string, t cmapi.CertificateSecretTemplate) Case {
	return crt(name, field, func(s *cmapi.CertificateSpec) { s.SecretTemplate = &t })
}

func constrained(name, field string, c cmapi.NameConstraints) Case {
	return crt(name, field, func(s *cmapi.CertificateSpec) { s.IsCA, s.NameConstraints = true, &c })
}

func permitted(name, field string, item cmapi.NameConstraintItem) Case {
	return constrained(name, field, cmapi.NameConstraints{Permitted: &item})
}

func excluded(name, field string, item cmapi.NameConstraintItem) Case {
	return constrained(name, field, cmapi.NameConstraints{Excluded: &item})
}

func formats(types ...cmapi.CertificateOutputFormatType) spec {
	return func(s *cmapi.CertificateSpec) {
		for _, t := range types {
			s.AdditionalOutputFormats = append(s.AdditionalOutputFormats, cmapi.CertificateAdditionalOutputFormat{Type: t})
		}
	}
}

func certificateKeys() []Case {
	secret := cmmeta.SecretKeySelector{Key: "password", LocalObjectReference: cmmeta.LocalObjectReference{Name: "keystore"}}
	password, empty := ptr.To("pass word"), ptr.To("")
	return []Case{
		key("RSA of 4096 bits", "", cmapi.CertificatePrivateKey{Algorithm: "RSA", Size: 4096, Encoding: "PKCS8", RotationPolicy: "Never"}),
		key("RSA of 1024 bits", "spec.privateKey.size", cmapi.CertificatePrivateKey{Algorithm: "RSA", Size: 1024}),
		key("RSA by default, of 256 bits", "spec.privateKey.size", cmapi.CertificatePrivateKey{Size: 256}),
		key("RSA of 16384 bits", "spec.privateKey.size", cmapi.CertificatePrivateKey{Size: 16384}),
		key("ECDSA of 521 bits", "", cmapi.CertificatePrivateKey{Algorithm: "ECDSA", Size: 521}),
		key("ECDSA of 512 bits", "spec.privateKey.size", cmapi.CertificatePrivateKey{Algorithm: "ECDSA", Size: 512}),
		key("Ed25519 of some size", "", cmapi.CertificatePrivateKey{Algorithm: "Ed25519", Size: 2048}),
		key("DSA", "spec.privateKey.algorithm", cmapi.CertificatePrivateKey{Algorithm: "DSA"}),
		key("encoding DER", "spec.privateKey.encoding", cmapi.CertificatePrivateKey{Encoding: "DER"}),
		key("rotation at times", "spec.privateKey.rotationPolicy", cmapi.CertificatePrivateKey{RotationPolicy: "Sometimes"}),
		signature("RSA signature", "", "RSA", "SHA512WithRSA"),
		signature("RSA signature of the default key", "", "", "SHA256WithRSA"),
		signature("ECDSA signature", "", "ECDSA", "ECDSAWithSHA384"),
		signature("Ed25519 signature", "", "Ed25519", "PureEd25519"),
		signature("RSA signature of an ECDSA key", "spec.signatureAlgorithm", "ECDSA", "SHA256WithRSA"),
		signature("Ed25519 signature of the default key", "spec.signatureAlgorithm", "", "PureEd25519"),
		signature("signature with MD5", "spec.signatureAlgorithm", "RSA", "MD5WithRSA"),
		crt("usages", "", func(s *cmapi.CertificateSpec) {
			s.Usages = []cmapi.KeyUsage{"server auth", "digital signature", "s/mime"}
		}),
		crt("unknown usage", "spec.usages[1]", func(s *cmapi.CertificateSpec) { s.Usages = []cmapi.KeyUsage{"server auth", "server"} }),

		jks("JKS with a Secret", "", cmapi.JKSKeystore{Create: true, PasswordSecretRef: secret}),
		jks("JKS with a password", "", cmapi.JKSKeystore{Create: true, Password: password}),
		jks("JKS with both", "spec.keystores.jks.password", cmapi.JKSKeystore{Create: true, Password: password, PasswordSecretRef: secret}),
		jks("JKS with neither", "spec.keystores.jks.passwordSecretRef", cmapi.JKSKeystore{Create: true}),
		jks("JKS with an empty password", "spec.keystores.jks.password", cmapi.JKSKeystore{Create: true, Password: empty}),
		pkcs12("PKCS#12 with a Secret", "", cmapi.PKCS12Keystore{Create: true, PasswordSecretRef: secret, Profile: "Modern2023"}),
		pkcs12("PKCS#12 with both", "spec.keystores.pkcs12.password", cmapi.PKCS12Keystore{Create: true, Password: password, PasswordSecretRef: secret}),
		pkcs12("PKCS#12 with neither", "spec.keystores.pkcs12.passwordSecretRef", cmapi.PKCS12Keystore{Create: true}),
		pkcs12("PKCS#12 with an empty password", "spec.keystores.pkcs12.password", cmapi.PKCS12Keystore{Create: true, Password: empty}),
		pkcs12("unknown profile", "spec.keystores.pkcs12.profile", cmapi.PKCS12Keystore{Create: true, Password: password, Profile: "Modern"}),

		crt("both formats", "", formats("DER", "CombinedPEM")),
		crt("one format twice", "spec.additionalOutputFormats[1].type", formats("DER", "DER")),
		crt("unknown format", "spec.additionalOutputFormats[0].type", formats("P7B")),

		template("template", "", cmapi.CertificateSecretTemplate{
			Annotations: map[string]string{"example.com/Note": "any text", "cert-manager.io/allow-direct-injection": "true"},
			Labels:      map[string]string{"example.com/App": "web_1", "empty": ""}}),
		template("annotation of ours", "spec.secretTemplate.annotations", cmapi.CertificateSecretTemplate{Annotations: map[string]string{"cert-manager.io/certificate-name": "a"}}),
		template("annotation with a blank", "spec.secretTemplate.annotations", cmapi.CertificateSecretTemplate{Annotations: map[string]string{"a b": ""}}),
		template("annotation with a prefix in upper case", "", cmapi.CertificateSecretTemplate{Annotations: map[string]string{"Example.com/a": ""}}),
		template("annotations without end", "spec.secretTemplate.annotations", cmapi.CertificateSecretTemplate{Annotations: map[string]string{"a": strings.Repeat("x", 262_144)}}),
		template("label with two slashes", "spec.secretTemplate.labels", cmapi.CertificateSecretTemplate{Labels: map[string]string{"example.com/a/b": ""}}),
		template("label with a prefix in upper case", "spec.secretTemplate.labels", cmapi.CertificateSecretTemplate{Labels: map[string]string{"Example.com/a": ""}}),
		template("label too long", "spec.secretTemplate.labels", cmapi.CertificateSecretTemplate{Labels: map[string]string{strings.Repeat("a", 64): ""}}),
		template("label of a sentence", "spec.secretTemplate.labels", cmapi.CertificateSecretTemplate{Labels: map[string]string{"a": "b c"}}),

		permitted("names for a CA", "", cmapi.NameConstraintItem{
			DNSDomains: []string{"example.com", ".example.org", ""}, IPRanges: []string{"10.0.0.0/8", "fd00::/8"},
			EmailAddresses: []string{"a@example.com", "example.com", ".example.com"}, URIDomains: []string{"example.com", ".example.com"}}),
		crt("names for no CA", "spec.nameConstraints", func(s *cmapi.CertificateSpec) {
			s.NameConstraints = &cmapi.NameConstraints{Permitted: &cmapi.NameConstraintItem{DNSDomains: []string{"example.com"}}}
		}),
		constrained("names neither permitted nor excluded", "spec.nameConstraints", cmapi.NameConstraints{Critical: true}),
		permitted("domain with a dot at the end", "spec.nameConstraints.permitted.dnsDomains[1]", cmapi.NameConstraintItem{DNSDomains: []string{"a", "example.com."}}),
		excluded("domain of blanks", "spec.nameConstraints.excluded.dnsDomains[0]", cmapi.NameConstraintItem{DNSDomains: []string{"a b"}}),
		permitted("range without a length", "spec.nameConstraints.permitted.ipRanges[0]", cmapi.NameConstraintItem{IPRanges: []string{"10.0.0.1"}}),
		excluded("range too long", "spec.nameConstraints.excluded.ipRanges[0]", cmapi.NameConstraintItem{IPRanges: []string{"10.0.0.0/33"}}),
		excluded("mailbox of two hosts", "spec.nameConstraints.excluded.emailAddresses[0]", cmapi.NameConstraintItem{EmailAddresses: []string{"a@b@example.com"}}),
		permitted("URI for a domain", "spec.nameConstraints.permitted.uriDomains[0]", cmapi.NameConstraintItem{URIDomains: []string{"https://example.com"}}),
		excluded("address for a domain", "spec.nameConstraints.excluded.uriDomains[1]", cmapi.NameConstraintItem{URIDomains: []string{"example.com", "192.0.2.1"}}),
	}
}
