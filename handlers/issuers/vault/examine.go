package vault

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/certwright/certwright/handlers/issuers"

	vaultapi "github.com/hashicorp/vault/api"
)

// examine finds out whether the issuer could sign now. Errors: a fault, or the
// API server's.
func (b *Backend) examine(ctx context.Context, s *session, i issuers.Issuer) error {
	m, err := b.gather(ctx, i)
	if err != nil {
		return err
	}
	if err := s.health(ctx, m); err != nil {
		return err
	}
	o, err := s.open(ctx, m)
	if err != nil {
		return err
	}
	err = o.probe(ctx)
	if denied(err) && s.drop(o.Token(), m) { // the login may have been revoked
		if o, err = s.open(ctx, m); err == nil {
			err = o.probe(ctx)
		}
	}
	if err == nil {
		o.prolong(ctx)
	}
	return err
}

// health asks for Vault's state, which anybody may. It is the same for all
// namespaces, and asked for outside of them.
func (s *session) health(ctx context.Context, m material) error {
	client, err := s.connection(m)
	if err != nil {
		return err
	}
	state, err := client.WithNamespace("").Sys().HealthWithContext(ctx)
	switch {
	case err != nil:
		return classify(err, m, nil, func(said string) string {
			return fmt.Sprintf("spec.vault.server: %s does not answer as a Vault does (%s): check the address", m.spec().Server, said)
		})
	case !state.Initialized:
		return away("spec.vault.server: Vault is not initialized: initialize and unseal it")
	case state.Sealed:
		return away("spec.vault.server: Vault is sealed: unseal it")
	case state.ReplicationDRMode == "secondary":
		return unfit("spec.vault.server: this Vault stands by for a disaster and signs nothing: give the address of its primary")
	}
	return nil
}

// probe asks for a signature without a CSR. Vault refuses that last of all.
func (o opened) probe(ctx context.Context) error {
	path := endpoint(o.spec().Path)
	if !signs(path) {
		return nil // who knows what it would do
	}
	_, err := o.Logical().WriteWithContext(ctx, path, map[string]any{})
	if err == nil {
		return unfit("spec.vault.path: what is at %q signs nothing: write it as MOUNT/sign/ROLE", o.spec().Path)
	}
	err = classify(err, o.material, o.hide, func(said string) string { return said })
	f, ok := err.(*fault) //nolint:errorlint // classify makes it, and wraps nothing
	if !ok || f.away || f.status == 0 {
		return err
	}
	return o.judge(f)
}

// judge tells a refusal for want of a CSR, which is as it should be, from one
// that every request would meet.
func (o opened) judge(f *fault) error {
	path := o.spec().Path
	switch {
	case f.status == http.StatusForbidden && strings.Contains(f.said, "invalid token"):
		f.words = fmt.Sprintf("spec.vault.auth: Vault does not accept %s (%s): it is wrong, has expired or was revoked: give a valid one", loginOf(o.material), f.said)
	case f.status == http.StatusForbidden:
		f.words = fmt.Sprintf("spec.vault.path: Vault does not let %s sign with %q (%s): check that it is valid, and grant its policy update on that path", loginOf(o.material), path, f.said)
	case f.status == http.StatusNotFound, f.status == http.StatusMethodNotAllowed:
		f.words = fmt.Sprintf("spec.vault.path: there is nothing that signs at %q (%s): check the mount of the PKI engine, and write the path as MOUNT/sign/ROLE", path, f.said)
	case strings.Contains(f.said, "unsupported operation"), strings.Contains(f.said, "unsupported path"):
		f.words = fmt.Sprintf("spec.vault.path: there is nothing that signs at %q (%s): write it as MOUNT/sign/ROLE", path, f.said)
	case strings.Contains(f.said, "unknown role"):
		f.words = fmt.Sprintf("spec.vault.path: the role in %q does not exist (%s): create it, or name another", path, f.said)
	case f.status == http.StatusBadRequest:
		return nil
	default:
		f.words = fmt.Sprintf("spec.vault.path: Vault refuses every request at %q (HTTP %d: %s): check the path", path, f.status, f.said)
	}
	f.status = 0 // it is the issuer's, and no request's
	return f
}

// prolong renews a token that a Secret holds before half of its time is over.
// Where that is not allowed, somebody else has to.
func (o opened) prolong(ctx context.Context) {
	if o.spec().Auth.TokenSecretRef == nil {
		return
	}
	token, err := o.Auth().Token().LookupSelfWithContext(ctx)
	if err != nil || token == nil {
		return
	}
	left, err := token.TokenTTL()
	renewable, _ := token.TokenIsRenewable()
	whole := vaultSeconds(token, "creation_ttl")
	if err == nil && renewable && left > 0 && left.Seconds() < whole/2 {
		_, _ = o.Auth().Token().RenewSelfWithContext(ctx, 0) // the next look sees what came of it
	}
}

func vaultSeconds(s *vaultapi.Secret, key string) float64 {
	number, ok := s.Data[key].(interface{ Float64() (float64, error) })
	if !ok {
		return 0
	}
	seconds, err := number.Float64()
	if err != nil {
		return 0
	}
	return seconds
}

func denied(err error) bool {
	f, ok := err.(*fault) //nolint:errorlint // it is never wrapped in here
	return ok && f.denied
}

// endpoint is the path as the library wants it.
func endpoint(path string) string { return strings.TrimPrefix(strings.Trim(path, "/"), "v1/") }

// signs tells an endpoint that does nothing without a CSR from, say, one that
// makes keys as well.
func signs(path string) bool {
	return slices.ContainsFunc(strings.Split(path, "/"), func(part string) bool {
		return part == "sign" || strings.HasPrefix(part, "sign-")
	})
}
