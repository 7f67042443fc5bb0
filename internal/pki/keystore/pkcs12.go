package keystore

import (
	"bytes"
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
	"time"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	"software.sslmate.com/src/go-pkcs12"

	"github.com/certwright/certwright/internal/pki"
)

// PKCS12 is the PKCS#12 format with its settings.
type PKCS12 struct {
	// Profile chooses the algorithms, LegacyRC2 when empty.
	Profile cmapi.PKCS12Profile
	// Password protects the file. Characters outside the Basic Multilingual
	// Plane are refused (RFC 7292 appendix B.1 has no way to write them).
	Password string
}

// Keystore writes the key, its chain, and the CA certificates that are not in
// the chain already. The time is not used: the format has none.
func (p PKCS12) Keystore(c Content, _ time.Time) ([]byte, error) {
	encoder, err := p.encoder()
	if err != nil {
		return nil, err
	}
	if len(c.Chain) == 0 {
		return nil, errors.New("PKCS#12: there is no certificate for a keystore")
	}
	data, err := encoder.Encode(c.Key, c.Chain[0], p.above(c), p.Password)
	if err != nil {
		return nil, fmt.Errorf("PKCS#12: %w", err)
	}
	return data, nil
}

// Truststore writes the CA certificates, marked as trusted for Java. Each bears
// its subject as name, or ca, ca-1 ... where that would be empty or not unique.
func (p PKCS12) Truststore(c Content, _ time.Time) ([]byte, error) {
	encoder, err := p.encoder()
	if err != nil {
		return nil, err
	}
	if len(c.CA) == 0 {
		return nil, errNoCA
	}
	data, err := encoder.EncodeTrustStoreEntries(trustEntries(c.CA), p.Password)
	if err != nil {
		return nil, fmt.Errorf("PKCS#12: %w", err)
	}
	return data, nil
}

// HasKeystore tells whether data is a keystore of this profile with this
// password and content.
func (p PKCS12) HasKeystore(data []byte, c Content) bool {
	if !p.plausible(data) || len(c.Chain) == 0 {
		return false
	}
	return recovered(func() bool {
		key, leaf, above, err := pkcs12.DecodeChain(data, p.Password)
		return err == nil && pki.SamePrivateKey(c.Key, key) &&
			leaf.Equal(c.Chain[0]) && sameCertificates(above, p.above(c))
	})
}

// HasTruststore tells whether data is a truststore of this profile with this
// password and these CA certificates.
func (p PKCS12) HasTruststore(data []byte, c Content) bool {
	if !p.plausible(data) || len(c.CA) == 0 {
		return false
	}
	return recovered(func() bool {
		certs, err := pkcs12.DecodeTrustStore(data, p.Password)
		return err == nil && sameCertificates(certs, c.CA)
	})
}

func (p PKCS12) above(c Content) []*x509.Certificate {
	return slices.Concat(c.Chain[1:], c.otherCA())
}

func (p PKCS12) encoder() (*pkcs12.Encoder, error) {
	if p.Password == "" {
		return nil, errNoPassword
	}
	switch p.profile() {
	case cmapi.LegacyRC2PKCS12Profile:
		return pkcs12.LegacyRC2, nil
	case cmapi.LegacyDESPKCS12Profile:
		return pkcs12.LegacyDES, nil
	case cmapi.Modern2023PKCS12Profile:
		return pkcs12.Modern2023, nil
	case cmapi.Modern2026PKCS12Profile:
		return pkcs12.Modern2026, nil
	}
	return nil, fmt.Errorf("spec.keystores.pkcs12.profile: %q is not known: use LegacyRC2, LegacyDES, Modern2023 or Modern2026", p.Profile)
}

func (p PKCS12) profile() cmapi.PKCS12Profile {
	if p.Profile == "" {
		return cmapi.LegacyRC2PKCS12Profile
	}
	return p.Profile
}

func trustEntries(ca []*x509.Certificate) []pkcs12.TrustStoreEntry {
	seen := map[string]bool{"": true}
	entries := make([]pkcs12.TrustStoreEntry, len(ca))
	for i, cert := range ca {
		name := cert.Subject.String()
		if seen[name] || slices.ContainsFunc([]rune(name), func(r rune) bool { return r > 0xffff }) {
			name = caAlias(i)
		}
		seen[name] = true
		entries[i] = pkcs12.TrustStoreEntry{Cert: cert, FriendlyName: name}
	}
	return entries
}

// Object identifiers in DER by which the profiles differ: the encryption of the
// certificates and the kind of MAC (RFC 7292 appendix C, RFC 8018 appendix A.4,
// RFC 9579). They stand in clear text; what is encrypted around them cannot be
// mistaken for eleven given bytes.
var (
	derRC2    = []byte{6, 10, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 12, 1, 6}
	derDES    = []byte{6, 10, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 12, 1, 3}
	derPBES2  = []byte{6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 5, 13}
	derPBMAC1 = []byte{6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 5, 14}
)

// profileOf tells which profile wrote a file, empty for none of them.
func profileOf(data []byte) cmapi.PKCS12Profile {
	switch {
	case bytes.Contains(data, derPBMAC1):
		return cmapi.Modern2026PKCS12Profile
	case bytes.Contains(data, derPBES2):
		return cmapi.Modern2023PKCS12Profile
	case bytes.Contains(data, derRC2):
		return cmapi.LegacyRC2PKCS12Profile
	case bytes.Contains(data, derDES):
		return cmapi.LegacyDESPKCS12Profile
	}
	return ""
}

// plausible looks at a file without its password: size, profile, and that it
// asks for no more work than what we write.
func (p PKCS12) plausible(data []byte) bool {
	return p.Password != "" && len(data) <= maxSize && profileOf(data) == p.profile() && modestNumbers(data, 0)
}
