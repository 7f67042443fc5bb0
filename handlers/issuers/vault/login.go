package vault

import (
	"context"
	"fmt"
	"path"
	"strings"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
)

// credentials are what one method of logging in sends, and where.
type credentials struct {
	field string // of the spec
	mount string // with auth/ before it
	data  map[string]any
	check string // what to look at when it is refused
	hide  []string
}

// login gets a token. A token that a Secret holds is one already.
func (s *session) login(ctx context.Context, m material) error {
	if m.spec().Auth.TokenSecretRef != nil {
		s.client.SetToken(m.credential)
		s.lease(0, false)
		return nil
	}
	c, err := s.backend.credentials(ctx, m)
	if err != nil {
		return err
	}
	s.hide = append([]string{m.credential}, c.hide...)
	secret, err := s.door.Logical().WriteWithContext(ctx, path.Join(c.mount, "login"), c.data)
	if err != nil {
		return classify(err, m, s.hide, c.refused)
	}
	if secret == nil || secret.Auth == nil || secret.Auth.ClientToken == "" {
		return unfit("%s: the login at %s gives no token: check that an auth method is mounted there", c.field, c.mount)
	}
	s.client.SetToken(secret.Auth.ClientToken)
	s.hide = append(s.hide, secret.Auth.ClientToken)
	s.lease(secret.Auth.LeaseDuration, secret.Auth.Renewable)
	return nil
}

func (c credentials) refused(said string) string {
	return fmt.Sprintf("%s: Vault refuses the login at %s (%s): check the mount, %s", c.field, c.mount, said, c.check)
}

func (b *Backend) credentials(ctx context.Context, m material) (credentials, error) {
	switch auth := &m.spec().Auth; {
	case auth.AppRole != nil:
		return appRole(m, auth.AppRole), nil
	case auth.ClientCertificate != nil:
		return clientCertificate(auth.ClientCertificate), nil
	case auth.Kubernetes != nil:
		return b.kubernetes(ctx, m, auth.Kubernetes)
	case auth.AWS != nil:
		return b.aws(ctx, m, auth.AWS)
	}
	return credentials{}, unfit("spec.vault.auth: set one of tokenSecretRef, appRole, clientCertificate, kubernetes, aws")
}

func appRole(m material, a *cmapi.VaultAppRole) credentials {
	mount := a.Path
	if mount == "" {
		mount = "approle"
	}
	return credentials{
		field: "spec.vault.auth.appRole", mount: path.Join("auth", mount),
		data:  map[string]any{"role_id": strings.TrimSpace(a.RoleId), "secret_id": m.credential},
		check: fmt.Sprintf("roleId, and the secret id in Secret %s/%s, which may have expired or been used up", m.issuer.Namespace, a.SecretRef.Name),
	}
}

func clientCertificate(a *cmapi.VaultClientCertificateAuth) credentials {
	return credentials{
		field: "spec.vault.auth.clientCertificate", mount: mountOf(a.Path, cmapi.DefaultVaultClientCertificateAuthMountPath),
		data: map[string]any{"name": a.Name}, check: "the certificate, and the role in name that is to know it",
	}
}

// kubernetes sends the token of a service account: one that a Secret holds, or
// one made for this login, for ten minutes and for this issuer alone.
func (b *Backend) kubernetes(ctx context.Context, m material, a *cmapi.VaultKubernetesAuth) (credentials, error) {
	c := credentials{
		field: "spec.vault.auth.kubernetes", mount: mountOf(a.Path, cmapi.DefaultVaultKubernetesAuthMountPath),
		check: "the role, the service accounts and audiences that it is bound to, and that Vault may review tokens at this cluster",
	}
	token := m.credential
	if ref := a.ServiceAccountRef; ref != nil {
		var err error
		audiences := append(append([]string{}, ref.TokenAudiences...), audience(m), m.spec().Server)
		if token, err = b.serviceAccountToken(ctx, m, "spec.vault.auth.kubernetes.serviceAccountRef", ref, audiences); err != nil {
			return c, err
		}
	}
	c.hide = []string{token}
	c.data = map[string]any{"role": a.Role, "jwt": token}
	return c, nil
}

// audience is the contract's for an issuer's tokens (section 1.3).
func audience(m material) string {
	if m.issuer.Kind == cmapi.ClusterIssuerKind {
		return "vault://" + m.issuer.Name
	}
	return "vault://" + m.issuer.Namespace + "/" + m.issuer.Name
}

func (b *Backend) serviceAccountToken(ctx context.Context, m material, field string, ref *cmapi.ServiceAccountRef, audiences []string) (string, error) {
	name := m.issuer.Namespace + "/" + ref.Name
	token, err := b.ServiceAccounts.Token(ctx, m.issuer.Namespace, ref.Name, audiences)
	switch {
	case apierrors.IsNotFound(err):
		return "", unfit("%s: service account %s does not exist: create it, or name another", field, name)
	case apierrors.IsForbidden(err):
		return "", unfit("%s: certwright may not make tokens for service account %s: grant it create on serviceaccounts/token, for that name, by a Role there", field, name)
	case err != nil:
		return "", fmt.Errorf("make a token for service account %s: %w", name, err)
	}
	return token, nil
}

// mountOf turns a mount path of the API, which begins with /v1/, into one of
// the library, which adds that itself.
func mountOf(mount, otherwise string) string {
	if mount == "" {
		mount = otherwise
	}
	return strings.TrimPrefix(strings.Trim(mount, "/"), "v1/")
}

// loginOf tells whose credentials those are that Vault does not accept.
func loginOf(m material) string {
	if ref := m.spec().Auth.TokenSecretRef; ref != nil {
		return fmt.Sprintf("the token in Secret %s/%s", m.issuer.Namespace, ref.Name)
	}
	return "the token of its login"
}
