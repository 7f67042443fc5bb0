package secrets

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"fmt"
)

func describeAll(certs []*x509.Certificate) []Certificate {
	all := make([]Certificate, len(certs))
	for i, c := range certs {
		all[i] = describe(c)
	}
	return all
}

func describe(c *x509.Certificate) Certificate {
	return Certificate{
		Subject:     orFirst(c.Subject.String(), names(c)),
		Issuer:      orFirst(c.Issuer.String(), nil),
		Serial:      fmt.Sprintf("%x", c.SerialNumber),
		Names:       names(c),
		Usages:      usages(c),
		IsCA:        c.BasicConstraintsValid && c.IsCA,
		Key:         describeKey(c.PublicKey),
		Signature:   c.SignatureAlgorithm.String(),
		NotBefore:   c.NotBefore.UTC(),
		NotAfter:    c.NotAfter.UTC(),
		Fingerprint: fmt.Sprintf("%x", sha256.Sum256(c.Raw)),
	}
}

// orFirst calls a certificate without a subject, which is common where only
// the alternative names count, by the first of those.
func orFirst(subject string, names []string) string {
	switch {
	case subject != "":
		return subject
	case len(names) > 0:
		return "(" + names[0] + ")"
	}
	return "(empty)"
}

func names(c *x509.Certificate) []string {
	var all []string
	for _, n := range c.DNSNames {
		all = append(all, "DNS:"+n)
	}
	for _, n := range c.IPAddresses {
		all = append(all, "IP:"+n.String())
	}
	for _, n := range c.URIs {
		all = append(all, "URI:"+n.String())
	}
	for _, n := range c.EmailAddresses {
		all = append(all, "email:"+n)
	}
	return all
}

func describeKey(public crypto.PublicKey) string {
	switch k := public.(type) {
	case *rsa.PublicKey:
		return fmt.Sprintf("RSA %d", k.N.BitLen())
	case *ecdsa.PublicKey:
		return "ECDSA " + k.Curve.Params().Name
	case ed25519.PublicKey:
		return "Ed25519"
	}
	return fmt.Sprintf("unknown (%T)", public)
}

// usages returns the words that spec.usages has for them.
func usages(c *x509.Certificate) []string {
	var all []string
	for i, word := range keyUsageWords() {
		if c.KeyUsage&(1<<i) != 0 {
			all = append(all, word)
		}
	}
	words := extendedUsageWords()
	for _, u := range c.ExtKeyUsage {
		word, ok := words[u]
		if !ok {
			word = fmt.Sprintf("extended usage %d", u)
		}
		all = append(all, word)
	}
	for _, oid := range c.UnknownExtKeyUsage {
		all = append(all, oid.String())
	}
	return all
}

// keyUsageWords is in the order of x509.KeyUsage's bits.
func keyUsageWords() []string {
	return []string{
		"digital signature", "content commitment", "key encipherment", "data encipherment",
		"key agreement", "cert sign", "crl sign", "encipher only", "decipher only",
	}
}

func extendedUsageWords() map[x509.ExtKeyUsage]string {
	return map[x509.ExtKeyUsage]string{
		x509.ExtKeyUsageAny:                        "any",
		x509.ExtKeyUsageServerAuth:                 "server auth",
		x509.ExtKeyUsageClientAuth:                 "client auth",
		x509.ExtKeyUsageCodeSigning:                "code signing",
		x509.ExtKeyUsageEmailProtection:            "email protection",
		x509.ExtKeyUsageIPSECEndSystem:             "ipsec end system",
		x509.ExtKeyUsageIPSECTunnel:                "ipsec tunnel",
		x509.ExtKeyUsageIPSECUser:                  "ipsec user",
		x509.ExtKeyUsageTimeStamping:               "timestamping",
		x509.ExtKeyUsageOCSPSigning:                "ocsp signing",
		x509.ExtKeyUsageMicrosoftServerGatedCrypto: "microsoft sgc",
		x509.ExtKeyUsageNetscapeServerGatedCrypto:  "netscape sgc",
	}
}
