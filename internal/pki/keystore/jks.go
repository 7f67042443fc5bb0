package keystore

import (
	"bytes"
	"crypto/x509"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/pavlo-v-chernykh/keystore-go/v4"
)

// DefaultAlias names the key entry of a JKS when the spec does not.
const DefaultAlias = "certificate"

// JKS is the Java keystore format with its settings.
type JKS struct {
	// Alias of the key entry, DefaultAlias when empty. Java does not tell
	// upper from lower case here; it is stored in lower case.
	Alias string
	// Password protects the store and the key. Characters above U+00FF are
	// refused.
	Password string
}

// certificateType is what Java calls the certificates in its stores.
const certificateType = "X.509"

// Keystore writes the key with its chain under the alias, and each CA
// certificate under ca, ca-1 and so on.
func (j JKS) Keystore(c Content, now time.Time) ([]byte, error) {
	password, err := j.password()
	if err != nil {
		return nil, err
	}
	der, err := x509.MarshalPKCS8PrivateKey(c.Key)
	if err != nil {
		return nil, fmt.Errorf("JKS: %w", err)
	}
	store := newStore()
	entry := keystore.PrivateKeyEntry{CreationTime: now, PrivateKey: der, CertificateChain: javaCertificates(c.Chain)}
	if err := store.SetPrivateKeyEntry(j.alias(), entry, password); err != nil {
		return nil, fmt.Errorf("JKS: %w", err)
	}
	return j.write(store, c.CA, password, now)
}

// Truststore writes each CA certificate under ca, ca-1 and so on.
func (j JKS) Truststore(c Content, now time.Time) ([]byte, error) {
	password, err := j.password()
	if err != nil {
		return nil, err
	}
	if len(c.CA) == 0 {
		return nil, errNoCA
	}
	return JKS{Password: j.Password}.write(newStore(), c.CA, password, now)
}

func newStore() keystore.KeyStore {
	return keystore.New(keystore.WithOrderedAliases())
}

func (j JKS) write(store keystore.KeyStore, ca []*x509.Certificate, password []byte, now time.Time) ([]byte, error) {
	for i, cert := range javaCertificates(ca) {
		entry := keystore.TrustedCertificateEntry{CreationTime: now, Certificate: cert}
		if err := store.SetTrustedCertificateEntry(j.caAlias(i), entry); err != nil {
			return nil, fmt.Errorf("JKS: %w", err)
		}
	}
	var out bytes.Buffer
	if err := store.Store(&out, password); err != nil {
		return nil, fmt.Errorf("JKS: %w", err)
	}
	return out.Bytes(), nil
}

// HasKeystore tells whether data is a keystore with this alias, password and
// content. Creation times do not count.
func (j JKS) HasKeystore(data []byte, c Content) bool {
	der, err := x509.MarshalPKCS8PrivateKey(c.Key)
	if err != nil {
		return false
	}
	return recovered(func() bool {
		store, password, err := j.load(data)
		if err != nil || len(store.Aliases()) != 1+len(c.CA) {
			return false
		}
		entry, err := store.GetPrivateKeyEntry(j.alias(), password)
		return err == nil && bytes.Equal(entry.PrivateKey, der) &&
			sameJava(entry.CertificateChain, c.Chain) && j.holdsCA(store, c.CA)
	})
}

// HasTruststore tells whether data is a truststore with this password and these
// CA certificates.
func (j JKS) HasTruststore(data []byte, c Content) bool {
	return recovered(func() bool {
		store, _, err := j.load(data)
		return err == nil && len(c.CA) > 0 && len(store.Aliases()) == len(c.CA) &&
			JKS{}.holdsCA(store, c.CA)
	})
}

func (j JKS) load(data []byte) (keystore.KeyStore, []byte, error) {
	store := newStore()
	password, err := j.password()
	if err != nil {
		return store, nil, err
	}
	if !soundJKS(data) {
		return store, nil, errors.New("JKS: it is damaged")
	}
	return store, password, store.Load(bytes.NewReader(data), password)
}

func (j JKS) holdsCA(store keystore.KeyStore, ca []*x509.Certificate) bool {
	for i, cert := range ca {
		entry, err := store.GetTrustedCertificateEntry(j.caAlias(i))
		if err != nil || !bytes.Equal(entry.Certificate.Content, cert.Raw) {
			return false
		}
	}
	return true
}

func (j JKS) alias() string {
	if j.Alias == "" {
		return DefaultAlias
	}
	return strings.ToLower(j.Alias)
}

// caAlias counts past the user's own alias, or the CA would replace the key.
func (j JKS) caAlias(i int) string {
	for n := 0; n <= i; n++ {
		if caAlias(n) == j.alias() {
			return caAlias(i + 1)
		}
	}
	return caAlias(i)
}

// password gives the bytes the library doubles to the UTF-16 that Java uses:
// one byte a character. Bytes that are no UTF-8 stand for themselves.
func (j JKS) password() ([]byte, error) {
	if j.Password == "" {
		return nil, errNoPassword
	}
	if !utf8.ValidString(j.Password) {
		return []byte(j.Password), nil
	}
	var out []byte
	for _, r := range j.Password {
		if r > 0xff {
			return nil, errors.New("the password of a JKS keystore has a character above U+00FF, which the format cannot hold: use another password or PKCS#12")
		}
		out = append(out, byte(r))
	}
	return out, nil
}

func javaCertificates(certs []*x509.Certificate) []keystore.Certificate {
	out := make([]keystore.Certificate, len(certs))
	for i, cert := range certs {
		out[i] = keystore.Certificate{Type: certificateType, Content: cert.Raw}
	}
	return out
}

func sameJava(have []keystore.Certificate, want []*x509.Certificate) bool {
	if len(have) != len(want) {
		return false
	}
	for i := range have {
		if !bytes.Equal(have[i].Content, want[i].Raw) {
			return false
		}
	}
	return true
}

// soundJKS walks over the lengths of a store (the format is documented in
// OpenJDK's JavaKeyStore class): magic, version 2, entries, and a SHA-1 digest
// at the end. The library trusts each length and would reserve gigabytes.
func soundJKS(data []byte) bool {
	const magic, version, digest = 0xfeedfeed, 2, 20
	w := walker{rest: data, ok: len(data) <= maxSize}
	w.ok = w.ok && w.number() == magic && w.number() == version
	for n := w.number(); n > 0 && w.ok; n-- {
		kind := w.number()
		w.skip(uint32(w.short())) // alias
		w.skip(8)                 // time
		certificates := uint32(1)
		switch kind {
		case 1:
			w.skip(w.number()) // encrypted key
			certificates = w.number()
		case 2:
		default:
			return false
		}
		for ; certificates > 0 && w.ok; certificates-- {
			w.skip(uint32(w.short())) // type
			w.skip(w.number())
		}
	}
	return w.ok && len(w.rest) == digest
}

// walker takes big-endian numbers and byte runs off a slice until one does not
// fit.
type walker struct {
	rest []byte
	ok   bool
}

func (w *walker) take(n uint32) []byte {
	if w.ok = w.ok && uint64(n) <= uint64(len(w.rest)); !w.ok {
		return make([]byte, 4)
	}
	out := w.rest[:n]
	w.rest = w.rest[n:]
	return out
}

func (w *walker) skip(n uint32)  { w.take(n) }
func (w *walker) number() uint32 { return binary.BigEndian.Uint32(w.take(4)) }
func (w *walker) short() uint16  { return binary.BigEndian.Uint16(w.take(2)) }
