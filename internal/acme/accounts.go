package acme

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"net/url"
	"sync"

	"github.com/certwright/certwright/internal/pki"

	cmacme "github.com/cert-manager/cert-manager/pkg/apis/acme/v1"
	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	cmmeta "github.com/cert-manager/cert-manager/pkg/apis/meta/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
)

// Fault is what is wrong with an Issuer or with what it refers to: its text
// names the field, the fault and the remedy. It lasts until somebody mends it,
// of which the caches tell.
type Fault struct {
	Message string
	// NoSecret is true when the Secret of the account's key does not exist.
	NoSecret bool
}

func (f *Fault) Error() string { return f.Message }

// Secrets reads Secrets. Errors: NotFound, or the API server's.
type Secrets interface {
	Secret(ctx context.Context, namespace, name string) (*corev1.Secret, error)
}

// Accounts finds the account of an Issuer in what is stored of it: the key in
// its Secret, the rest in its spec and status. So it works at once after a
// restart, and nothing is asked of a server for it. Keys are parsed once for
// each state of a Secret.
type Accounts struct {
	secrets          Secrets
	clusterNamespace string

	mu   sync.Mutex
	keys map[keyPlace]parsedKey
}

type keyPlace struct{ namespace, name, key string }

type parsedKey struct {
	resourceVersion string
	key             crypto.Signer
}

// NewAccounts reads Secrets from secrets: a ClusterIssuer's in clusterNamespace.
func NewAccounts(secrets Secrets, clusterNamespace string) *Accounts {
	return &Accounts{secrets: secrets, clusterNamespace: clusterNamespace, keys: map[keyPlace]parsedKey{}}
}

// Of returns the account of an Issuer or ClusterIssuer that is registered.
// Errors: a [Fault] when it has none as it stands, else what reading the Secret
// answered.
func (x *Accounts) Of(ctx context.Context, issuer cmapi.GenericIssuer) (Account, error) {
	spec, status := issuer.GetSpec().ACME, issuer.GetStatus().ACME
	if spec == nil {
		return Account{}, &Fault{Message: "spec.issuerRef: the issuer is not of type acme"}
	}
	namespace := issuer.GetNamespace()
	if namespace == "" {
		namespace = x.clusterNamespace
	}
	key, err := x.Key(ctx, namespace, spec.PrivateKey)
	if err != nil {
		return Account{}, err
	}
	if !RegisteredWith(spec, status, key) {
		return Account{}, &Fault{Message: "the ACME account of the issuer is not registered yet with its key and server: the issuer's Ready condition tells why"}
	}
	return Account{Directory: DirectoryOf(spec), URL: status.URI, Key: key}, nil
}

// DirectoryOf is where an issuer's server is, and how it is trusted.
func DirectoryOf(spec *cmacme.ACMEIssuer) Directory {
	return Directory{URL: spec.Server, CABundle: spec.CABundle, SkipTLSVerify: spec.SkipTLSVerify}
}

// RegisteredWith reports whether the status says of this very key and server
// that the account is registered. Of the server only the host can be compared
// (contract 1.3).
func RegisteredWith(spec *cmacme.ACMEIssuer, status *cmacme.ACMEIssuerStatus, key crypto.Signer) bool {
	if status == nil || status.URI == "" || status.LastPrivateKeyHash != KeyHash(key) {
		return false
	}
	server, err := url.Parse(spec.Server)
	if err != nil {
		return false
	}
	account, err := url.Parse(status.URI)
	return err == nil && account.Host == server.Host
}

// KeyHash is the contract's status.acme.lastPrivateKeyHash: the SHA-256 of the
// key as PKCS #1, in base64. cert-manager 1.21 writes and compares the very same,
// so who takes over from the other asks the server nothing. It knows only RSA
// keys; others are hashed as PKCS #8.
func KeyHash(key crypto.Signer) string {
	var der []byte
	if k, ok := key.(*rsa.PrivateKey); ok {
		der = x509.MarshalPKCS1PrivateKey(k)
	} else if other, err := x509.MarshalPKCS8PrivateKey(key); err == nil {
		der = other
	}
	sum := sha256.Sum256(der)
	return base64.StdEncoding.EncodeToString(sum[:])
}

// Key reads an account's key from its Secret. Errors: a [Fault] when there is
// none that can be used, else what reading the Secret answered.
func (x *Accounts) Key(ctx context.Context, namespace string, ref cmmeta.SecretKeySelector) (crypto.Signer, error) {
	secret, err := x.secrets.Secret(ctx, namespace, ref.Name)
	return x.KeyOf(secret, err, namespace, ref)
}

// KeyOf is Key for who has read the Secret himself, with what that answered.
func (x *Accounts) KeyOf(secret *corev1.Secret, err error, namespace string, ref cmmeta.SecretKeySelector) (crypto.Signer, error) {
	switch {
	case apierrors.IsNotFound(err):
		return nil, &Fault{NoSecret: true, Message: fmt.Sprintf("spec.acme.privateKeySecretRef: Secret %s/%s does not exist: create it with the account's key, or let one be made by leaving disableAccountKeyGeneration out", namespace, ref.Name)}
	case err != nil:
		return nil, fmt.Errorf("read the ACME account's Secret %s/%s: %w", namespace, ref.Name, err)
	}
	place := keyPlace{namespace, ref.Name, KeyIn(ref)}
	if key := x.parsed(place, secret.ResourceVersion); key != nil {
		return key, nil
	}
	key, err := parseAccountKey(secret, place.key)
	if err != nil {
		return nil, err
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	x.keys[place] = parsedKey{secret.ResourceVersion, key}
	return key, nil
}

func (x *Accounts) parsed(place keyPlace, resourceVersion string) crypto.Signer {
	x.mu.Lock()
	defer x.mu.Unlock()
	if p := x.keys[place]; resourceVersion != "" && p.resourceVersion == resourceVersion {
		return p.key
	}
	return nil
}

// KeyIn is the key of the Secret's data that a reference means.
func KeyIn(ref cmmeta.SecretKeySelector) string {
	if ref.Key != "" {
		return ref.Key
	}
	return corev1.TLSPrivateKeyKey
}

// minRSA is what CAs take at least (CA/Browser Forum baseline, section 6.1.5).
const minRSA = 2048

func parseAccountKey(secret *corev1.Secret, name string) (crypto.Signer, error) {
	field := fmt.Sprintf("spec.acme.privateKeySecretRef: Secret %s/%s", secret.Namespace, secret.Name)
	data := secret.Data[name]
	if len(data) == 0 {
		return nil, &Fault{Message: fmt.Sprintf("%s has no key %q: store the account's private key there, or name its place in privateKeySecretRef.key", field, name)}
	}
	key, err := pki.ParseKey(data)
	if err != nil {
		return nil, &Fault{Message: fmt.Sprintf("%s, key %q: %v: store an RSA or ECDSA private key as PEM", field, name, err)}
	}
	switch k := key.(type) {
	case *rsa.PrivateKey:
		if k.N.BitLen() >= minRSA {
			return key, nil
		}
		return nil, &Fault{Message: fmt.Sprintf("%s, key %q: an RSA key of %d bits is too short for ACME: store one of at least %d bits", field, name, k.N.BitLen(), minRSA)}
	case *ecdsa.PrivateKey:
		if bits := k.Curve.Params().BitSize; bits == 256 || bits == 384 || bits == 521 {
			return key, nil
		}
	}
	return nil, &Fault{Message: fmt.Sprintf("%s, key %q: ACME accounts take RSA keys and ECDSA keys of P-256, P-384 and P-521: store one of them", field, name)}
}
