package vault

import (
	"context"
	"crypto/x509"
	"fmt"
	"net"
	"net/url"
	"strings"
	"time"

	"github.com/certwright/certwright/handlers/issuers"
	"github.com/certwright/certwright/internal/pki"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	vaultapi "github.com/hashicorp/vault/api"
)

// sign asks Vault. Errors: a fault, a refusal, or the API server's.
func (b *Backend) sign(ctx context.Context, s *session, r issuers.Request) (issuers.Outcome, error) {
	m, err := b.gather(ctx, r.Issuer)
	if err != nil {
		return issuers.Outcome{}, err
	}
	o, err := s.open(ctx, m)
	if err != nil {
		return issuers.Outcome{}, err
	}
	secret, err := o.ask(ctx, r)
	if denied(err) && s.drop(o.Token(), m) { // the login may have been revoked
		if o, err = s.open(ctx, m); err != nil {
			return issuers.Outcome{}, err
		}
		secret, err = o.ask(ctx, r)
	}
	if err != nil {
		return issuers.Outcome{}, err
	}
	return outcome(secret, r)
}

func (o opened) ask(ctx context.Context, r issuers.Request) (*vaultapi.Secret, error) {
	secret, err := o.Logical().WriteWithContext(ctx, endpoint(o.spec().Path), parameters(r))
	if err != nil {
		return nil, classify(err, o.material, o.hide, func(said string) string {
			return fmt.Sprintf("Vault refuses to sign with %q: %s: ask for what the role and the policy allow, or have them changed", o.spec().Path, said)
		})
	}
	return secret, nil
}

// parameters are what Vault is told beside the CSR, for roles that do not take
// names from it.
func parameters(r issuers.Request) map[string]any {
	t, lasts := r.Template, cmapi.DefaultCertificateDuration
	if r.Duration != nil {
		lasts = r.Duration.Duration
	}
	return map[string]any{
		"csr":                  string(r.CSR),
		"ttl":                  lasts.Round(time.Second).String(),
		"common_name":          t.Subject.CommonName,
		"alt_names":            strings.Join(t.DNSNames, ","),
		"ip_sans":              joined(t.IPAddresses, net.IP.String),
		"uri_sans":             joined(t.URIs, (*url.URL).String),
		"exclude_cn_from_sans": true,
	}
}

func joined[T any](values []T, text func(T) string) string {
	texts := make([]string, 0, len(values))
	for _, v := range values {
		texts = append(texts, text(v))
	}
	return strings.Join(texts, ",")
}

// outcome puts the certificates of an answer into their places.
func outcome(secret *vaultapi.Secret, r issuers.Request) (issuers.Outcome, error) {
	leaf, pool, err := certificates(secret)
	if err != nil {
		return issuers.Outcome{}, issuers.Refuse(reasonSigning,
			"Vault's answer to %q holds no certificate that can be used (%v): check that spec.vault.path of the issuer leads to a signing endpoint of a PKI engine", r.Issuer.Spec.Vault.Path, err)
	}
	return issuers.Issued(r, "Vault", leaf, pool)
}

// certificates reads the leaf and what Vault knows above it: its issuer, and
// the chain of that with or without a root.
func certificates(secret *vaultapi.Secret) (leaf *x509.Certificate, pool []*x509.Certificate, err error) {
	if secret == nil {
		return nil, nil, fmt.Errorf("it is empty")
	}
	text, _ := secret.Data["certificate"].(string)
	certs, err := pki.ParseCertificates([]byte(text))
	if err != nil {
		return nil, nil, err
	}
	leaf, pool = certs[0], certs[1:]
	above := []any{secret.Data["issuing_ca"]}
	if chain, ok := secret.Data["ca_chain"].([]any); ok {
		above = append(above, chain...)
	}
	for _, a := range above {
		text, _ := a.(string)
		if strings.TrimSpace(text) == "" {
			continue
		}
		certs, err := pki.ParseCertificates([]byte(text))
		if err != nil {
			return nil, nil, err
		}
		pool = append(pool, certs...)
	}
	return leaf, pool, nil
}
