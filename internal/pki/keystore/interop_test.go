package keystore

import (
	"crypto/sha256"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"strings"
	"testing"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"

	"github.com/certwright/certwright/internal/pki"
)

// fingerprint as keytool prints it.
func fingerprint(cert *x509.Certificate) string {
	var parts []string
	for _, b := range sha256.Sum256(cert.Raw) {
		parts = append(parts, fmt.Sprintf("%02X", b))
	}
	return strings.Join(parts, ":")
}

// Java reads every store that its version can, with the right aliases, kinds
// and certificates.
func TestKeytool(t *testing.T) {
	t.Parallel()
	content := newContent(t, cmapi.RSAKeyAlgorithm)
	leaf, root := fingerprint(content.Chain[0]), fingerprint(content.CA[0])
	const key, trusted = "Entry type: PrivateKeyEntry\nCertificate chain length: 2", "Entry type: trustedCertEntry"
	for name, c := range map[string]struct {
		data     []byte
		password string
		want     []string
	}{
		"JKS":               {mustKeystore(t, JKS{Password: password}, content), password, []string{"Keystore type: JKS", "Alias name: certificate", key, leaf, "Alias name: ca", trusted, root, "Your keystore contains 2 entries"}},
		"JKS alias":         {mustKeystore(t, JKS{Password: "pässwörd", Alias: "CA"}, content), "pässwörd", []string{"Alias name: ca\n", key, "Alias name: ca-1", trusted, root}},
		"JKS trust":         {mustTruststore(t, JKS{Password: password}, content), password, []string{"Alias name: ca\n", trusted, root, "Your keystore contains 1 entry"}},
		"PKCS12 RC2":        {mustKeystore(t, PKCS12{Password: password}, content), password, []string{"Keystore type: PKCS12", "Entry type: PrivateKeyEntry\nCertificate chain length: 3", leaf, root, "Your keystore contains 1 entry"}},
		"PKCS12 2023":       {mustKeystore(t, PKCS12{Password: password, Profile: cmapi.Modern2023PKCS12Profile}, content), password, []string{"Entry type: PrivateKeyEntry\nCertificate chain length: 3", leaf, root}},
		"PKCS12 DES, trust": {mustTruststore(t, PKCS12{Password: password, Profile: cmapi.LegacyDESPKCS12Profile}, content), password, []string{"Alias name: cn=root", trusted, root, "Your keystore contains 1 entry"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			out, err := run(t, map[string][]byte{"store": c.data}, "keytool", "-list", "-v", "-keystore", "store", "-storepass", c.password)
			if err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			for _, want := range c.want {
				if !strings.Contains(out, want) {
					t.Errorf("%q is missing in\n%s", want, out)
				}
			}
		})
	}
}

// Java gets the private key out of a JKS with the same password: it can move it
// into another store.
func TestKeytoolReadsKey(t *testing.T) {
	t.Parallel()
	content := newContent(t, cmapi.ECDSAKeyAlgorithm)
	out, err := run(t, map[string][]byte{"store": mustKeystore(t, JKS{Password: password}, content)}, "keytool",
		"-importkeystore", "-srckeystore", "store", "-srcstorepass", password, "-srcalias", "certificate",
		"-destkeystore", "new", "-deststoretype", "PKCS12", "-deststorepass", password)
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
}

// OpenSSL gets key and certificates out of every profile. It takes the MAC of
// Modern2026 from version 3.4 on, so that is passed over.
func TestOpenSSLReadsPKCS12(t *testing.T) {
	t.Parallel()
	content := newContent(t, cmapi.ECDSAKeyAlgorithm)
	for profile, args := range map[cmapi.PKCS12Profile][]string{
		"":                            {"-legacy"},
		cmapi.LegacyRC2PKCS12Profile:  {"-legacy"},
		cmapi.LegacyDESPKCS12Profile:  {"-legacy"},
		cmapi.Modern2023PKCS12Profile: nil,
		cmapi.Modern2026PKCS12Profile: {"-nomacver"},
	} {
		t.Run("profile "+string(profile), func(t *testing.T) {
			t.Parallel()
			data := mustKeystore(t, PKCS12{Password: password, Profile: profile}, content)
			out, err := run(t, map[string][]byte{"p12": data}, "openssl", append([]string{"pkcs12", "-in", "p12", "-nodes", "-passin", "pass:" + password}, args...)...)
			if err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			got, key := blocks(t, out)
			if got != "leaf,middle,root" || !pki.SamePrivateKey(key, content.Key) {
				t.Errorf("certificates %s, key %T in\n%s", got, key, out)
			}
		})
	}
}

// blocks reads the certificates' names and the key out of what OpenSSL prints.
func blocks(t *testing.T, out string) (names string, key any) {
	t.Helper()
	var list []string
	for rest := []byte(out); ; {
		var b *pem.Block
		if b, rest = pem.Decode(rest); b == nil {
			return strings.Join(list, ","), key
		}
		var err error
		if b.Type == "CERTIFICATE" {
			var cert *x509.Certificate
			if cert, err = x509.ParseCertificate(b.Bytes); err == nil {
				list = append(list, cert.Subject.CommonName)
			}
		} else {
			key, err = x509.ParsePKCS8PrivateKey(b.Bytes)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}
