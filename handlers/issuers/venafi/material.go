package venafi

import (
	"context"
	"crypto/sha256"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/certwright/certwright/handlers/issuers"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	cmmeta "github.com/cert-manager/cert-manager/pkg/apis/meta/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
)

// Keys of the Secrets, of the API contract.
const (
	keyUser         = "username"
	keyPassword     = "password"
	keyToken        = "access-token"
	keyClient       = "client-id"
	keyClientSecret = "client-secret"
	keyAPI          = "api-key"

	// defaultClient is the application that the token is for, where the Secret
	// names none: the reference's, which servers are set up for.
	defaultClient = "cert-manager.io"

	defaultNGTSToken = "https://auth.apps.paloaltonetworks.com/oauth2/access_token" //nolint:gosec // an address
)

// flavour is one of the three servers.
type flavour int

const (
	tppServer flavour = iota
	cloudServer
	ngtsServer
)

// material is what an issuer's spec and its Secrets say together.
type material struct {
	issuer issuers.Issuer
	mark   [sha256.Size]byte
	kind   flavour
	field  string // of the credentials
	secret string // namespace/name of their Secret
	roots  *x509.CertPool
	fields []customField // of the issuer's annotation

	user, password, client, token, apiKey string
	tokenURL, scope                       string
}

func (m material) spec() *cmapi.VenafiIssuer { return m.issuer.Spec.Venafi }

// hide is what must be in no text.
func (m material) hide(token string) []string {
	return []string{m.password, m.token, m.apiKey, token}
}

// server describes the server for its faults.
func (m material) server() issuers.Server {
	s := issuers.Server{Name: "Venafi"}
	switch m.kind {
	case tppServer:
		s.Address, s.Field, s.Roots = m.spec().TPP.URL, "spec.venafi.tpp.url", "spec.venafi.tpp.caBundle"
	case cloudServer:
		s.Address, s.Field = m.spec().Cloud.URL, "spec.venafi.cloud.url"
	case ngtsServer:
		s.Address, s.Field = m.spec().NGTS.URL, "spec.venafi.ngts.url"
	}
	if s.Address == "" {
		s.Address = "the server"
	}
	return s
}

// gather reads all that an issuer needs. Errors: a fault that names the field,
// or the API server's.
func (b *Backend) gather(ctx context.Context, i issuers.Issuer) (material, error) {
	m := material{issuer: i}
	fields, err := parseFields(i.Object.GetAnnotations()[cmapi.VenafiCustomFieldsAnnotationKey], cmapi.VenafiCustomFieldsAnnotationKey)
	if err != nil {
		return m, &fault{words: "of the issuer: " + err.Error()}
	}
	m.fields = fields
	g := &gatherer{ctx: ctx, secrets: b.Secrets, namespace: i.Namespace}
	switch spec := i.Spec.Venafi; {
	case spec.TPP != nil:
		g.tpp(&m, spec.TPP)
	case spec.Cloud != nil:
		g.cloud(&m, spec.Cloud)
	default:
		g.ngts(&m, spec.NGTS)
	}
	text, err := json.Marshal(i.Spec.Venafi)
	if err != nil {
		return m, err
	}
	m.mark = sha256.Sum256(append(text, strings.Join(g.seen, "\n")...))
	return m, g.err
}

// gatherer reads the Secrets of an issuer. After an error it reads no more.
type gatherer struct {
	ctx       context.Context
	secrets   issuers.Secrets
	namespace string
	seen      []string // name and version of each Secret read
	err       error
}

func (g *gatherer) tpp(m *material, spec *cmapi.VenafiTPP) {
	m.kind, m.field = tppServer, "spec.venafi.tpp.credentialsRef"
	data := g.secret(m, spec.CredentialsRef.Name, keyToken+", or "+keyUser+" and "+keyPassword)
	m.token, m.user, m.password, m.client = data(keyToken), data(keyUser), data(keyPassword), data(keyClient)
	if m.client == "" {
		m.client = defaultClient
	}
	if g.err == nil && m.token == "" && (m.user == "" || m.password == "") {
		g.err = unfit("%s: Secret %s has no credentials: put %s, or %s and %s there", m.field, m.secret, keyToken, keyUser, keyPassword)
	}
	roots := spec.CABundle
	if ref := spec.CABundleSecretRef; ref != nil {
		roots = g.bundle(ref)
	}
	if len(roots) > 0 && g.err == nil {
		m.roots = x509.NewCertPool()
		if !m.roots.AppendCertsFromPEM(roots) {
			g.err = unfit("spec.venafi.tpp.caBundle: there is no certificate in it: give the server's CA in PEM")
		}
	}
}

func (g *gatherer) cloud(m *material, spec *cmapi.VenafiCloud) {
	m.kind, m.field = cloudServer, "spec.venafi.cloud.apiTokenSecretRef"
	key := spec.APITokenSecretRef.Key
	if key == "" {
		key = keyAPI
	}
	data := g.secret(m, spec.APITokenSecretRef.Name, key)
	if m.apiKey = data(key); m.apiKey == "" && g.err == nil {
		g.err = unfit("%s: Secret %s has nothing under the key %s: put the API key there", m.field, m.secret, key)
	}
}

func (g *gatherer) ngts(m *material, spec *cmapi.VenafiNGTS) {
	m.kind, m.field = ngtsServer, "spec.venafi.ngts.credentialsRef"
	data := g.secret(m, spec.CredentialsRef.Name, keyClient+" and "+keyClientSecret)
	m.client, m.password = data(keyClient), data(keyClientSecret)
	m.scope, m.tokenURL = "tsg_id:"+spec.TSGID, spec.TokenEndpoint
	if m.tokenURL == "" {
		m.tokenURL = defaultNGTSToken
	}
	if g.err == nil && (m.client == "" || m.password == "") {
		g.err = unfit("%s: Secret %s has no credentials: put %s and %s there", m.field, m.secret, keyClient, keyClientSecret)
	}
}

// secret reads the Secret of the credentials, and gives its values without
// blanks around them.
func (g *gatherer) secret(m *material, name, keys string) func(key string) string {
	m.secret = g.namespace + "/" + name
	data := g.read(m.field, name, keys)
	return func(key string) string { return strings.TrimSpace(string(data[key])) }
}

func (g *gatherer) bundle(ref *cmmeta.SecretKeySelector) []byte {
	const field = "spec.venafi.tpp.caBundleSecretRef"
	key := ref.Key
	if key == "" {
		key = cmmeta.TLSCAKey
	}
	data := g.read(field, ref.Name, key)[key]
	if g.err == nil && len(data) == 0 {
		g.err = unfit("%s: Secret %s/%s has nothing under the key %s: put the server's CA there", field, g.namespace, ref.Name, key)
	}
	return data
}

func (g *gatherer) read(field, name, keys string) map[string][]byte {
	if g.err != nil {
		return nil
	}
	if name == "" {
		g.err = unfit("%s: it names no Secret: set name", field)
		return nil
	}
	secret, err := g.secrets.Secret(g.ctx, g.namespace, name)
	switch {
	case apierrors.IsNotFound(err):
		g.err = unfit("%s: Secret %s/%s does not exist: create it with %s", field, g.namespace, name, keys)
	case err != nil:
		g.err = fmt.Errorf("read Secret %s/%s: %w", g.namespace, name, err)
	default:
		g.seen = append(g.seen, name+" "+string(secret.UID)+" "+secret.ResourceVersion)
		return secret.Data
	}
	return nil
}
