package vault

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/certwright/certwright/handlers/issuers"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	cmmeta "github.com/cert-manager/cert-manager/pkg/apis/meta/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
)

// material is what an issuer's spec and its Secrets say together.
type material struct {
	issuer issuers.Issuer
	// mark differs when anything of this does.
	mark [sha256.Size]byte
	// roots is PEM; empty: those of the system.
	roots []byte
	// own is the certificate by which TLS knows the client; nil: none.
	own *tls.Certificate
	// login is the certificate to log in with; nil: own.
	login *tls.Certificate
	// credential is the token, secret id or JWT that a Secret holds.
	credential string
}

func (m material) spec() *cmapi.VaultIssuer { return m.issuer.Spec.Vault }

// gatherer reads the Secrets of an issuer. After an error it reads no more.
type gatherer struct {
	ctx     context.Context
	secrets issuers.Secrets
	issuer  issuers.Issuer
	seen    []string // name and version of each Secret read
	err     error
}

// gather reads all that an issuer needs to talk to its Vault. Errors: a fault
// that names the field, or the API server's.
func (b *Backend) gather(ctx context.Context, i issuers.Issuer) (material, error) {
	g := &gatherer{ctx: ctx, secrets: b.Secrets, issuer: i}
	spec := i.Spec.Vault
	m := material{issuer: i, roots: spec.CABundle}
	if ref := spec.CABundleSecretRef; ref != nil {
		m.roots = g.key("spec.vault.caBundleSecretRef", *ref, cmmeta.TLSCAKey)
	}
	if cert, key := spec.ClientCertSecretRef, spec.ClientKeySecretRef; cert != nil && key != nil {
		m.own = g.pair("spec.vault.clientCertSecretRef",
			g.key("spec.vault.clientCertSecretRef", *cert, corev1.TLSCertKey),
			g.key("spec.vault.clientKeySecretRef", *key, corev1.TLSPrivateKeyKey))
	}
	g.auth(&m, &spec.Auth)
	text, err := json.Marshal(spec)
	if err != nil {
		return m, err
	}
	m.mark = sha256.Sum256(append(text, strings.Join(g.seen, "\n")...))
	return m, g.err
}

func (g *gatherer) auth(m *material, auth *cmapi.VaultAuth) {
	switch {
	case auth.TokenSecretRef != nil:
		m.credential = g.text("spec.vault.auth.tokenSecretRef", *auth.TokenSecretRef)
	case auth.AppRole != nil:
		m.credential = g.text("spec.vault.auth.appRole.secretRef", auth.AppRole.SecretRef)
	case auth.ClientCertificate != nil && auth.ClientCertificate.SecretName != "":
		const field = "spec.vault.auth.clientCertificate.secretName"
		name := cmmeta.LocalObjectReference{Name: auth.ClientCertificate.SecretName}
		m.login = g.pair(field,
			g.key(field, cmmeta.SecretKeySelector{LocalObjectReference: name}, corev1.TLSCertKey),
			g.key(field, cmmeta.SecretKeySelector{LocalObjectReference: name}, corev1.TLSPrivateKeyKey))
	case auth.Kubernetes != nil && auth.Kubernetes.SecretRef.Name != "":
		m.credential = g.text("spec.vault.auth.kubernetes.secretRef", auth.Kubernetes.SecretRef)
	}
}

// key reads a value of a Secret that must be there.
func (g *gatherer) key(field string, ref cmmeta.SecretKeySelector, otherwise string) []byte {
	if g.err != nil {
		return nil
	}
	if ref.Name == "" {
		g.err = unfit("%s: it names no Secret: set name", field)
		return nil
	}
	key := ref.Key
	if key == "" {
		key = otherwise
	}
	name := g.issuer.Namespace + "/" + ref.Name
	secret, err := g.secrets.Secret(g.ctx, g.issuer.Namespace, ref.Name)
	switch {
	case apierrors.IsNotFound(err):
		g.err = unfit("%s: Secret %s does not exist: create it with the key %s", field, name, key)
	case err != nil:
		g.err = fmt.Errorf("read Secret %s: %w", name, err)
	case len(secret.Data[key]) == 0:
		g.err = unfit("%s: Secret %s has nothing under the key %s: put it there, or name another key", field, name, key)
	default:
		g.seen = append(g.seen, name+" "+string(secret.UID)+" "+secret.ResourceVersion)
		return secret.Data[key]
	}
	return nil
}

// text reads a credential. The line end that editors leave is none of it.
func (g *gatherer) text(field string, ref cmmeta.SecretKeySelector) string {
	text := strings.TrimSpace(string(g.key(field, ref, cmapi.DefaultVaultTokenAuthSecretKey)))
	switch {
	case g.err != nil:
	case text == "":
		g.err = unfit("%s: Secret %s/%s holds only blanks: put the credential there", field, g.issuer.Namespace, ref.Name)
	case strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r == 0x7f }):
		g.err = unfit("%s: Secret %s/%s holds more than one line: put only the credential there", field, g.issuer.Namespace, ref.Name)
	}
	return text
}

func (g *gatherer) pair(field string, cert, key []byte) *tls.Certificate {
	if g.err != nil {
		return nil
	}
	pair, err := tls.X509KeyPair(cert, key)
	if err != nil {
		// The library's words do not show what is in the key.
		g.err = unfit("%s: the certificate and its key cannot be used (%v): store a PEM certificate and the PEM key made for it", field, err)
		return nil
	}
	return &pair
}
