package vault_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/certwright/certwright/handlers/handlertest"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	cmmeta "github.com/cert-manager/cert-manager/pkg/apis/meta/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// accounts gives out tokens, and notes for whom.
type accounts struct {
	err   error
	asked []string
}

func (a *accounts) Token(_ context.Context, namespace, name string, audiences []string) (string, error) {
	a.asked = append(a.asked, namespace+"/"+name+" "+strings.Join(audiences, " "))
	return secretWord, a.err
}

func byServiceAccount(spec *cmapi.VaultIssuer) {
	spec.Auth = cmapi.VaultAuth{Kubernetes: &cmapi.VaultKubernetesAuth{Role: "web", ServiceAccountRef: &cmapi.ServiceAccountRef{Name: "issuer"}}}
}

// Each fault has its words, which name the field and the remedy; a Vault that
// is away is looked for within seconds.
func TestFaultsOfAnIssuer(t *testing.T) {
	t.Parallel()
	resource := schema.GroupResource{Resource: "serviceaccounts"}
	type row struct {
		edit   func(*cmapi.VaultIssuer)
		vault  func(*server)
		secret *corev1.Secret // nil: as it should be; empty: missing
		token  error
		want   []string
		after  time.Duration
	}
	secret := func(key, value string) *corev1.Secret {
		s := credential()
		s.Data = map[string][]byte{key: []byte(value)}
		return s
	}
	const quick, slow = 2 * time.Second, 5 * time.Second
	for name, r := range map[string]row{
		"sealed":          {vault: func(s *server) { s.health["sealed"] = true }, want: []string{"spec.vault.server: Vault is sealed: unseal it"}, after: quick},
		"not initialized": {vault: func(s *server) { s.health["initialized"] = false }, want: []string{"spec.vault.server: Vault is not initialized: initialize"}, after: quick},
		"a standby that has no leader": {vault: func(s *server) {
			s.health["standby"] = true
			s.answers["pki/sign/web"] = answer{http.StatusInternalServerError, said("local node not active but active cluster node not found")}
		}, want: []string{"Vault cannot work now (HTTP 500: local node not active"}, after: quick},
		"for a disaster": {vault: func(s *server) { s.health["replication_dr_mode"] = "secondary" }, want: []string{"give the address of its primary"}, after: slow},
		"down":           {vault: func(s *server) { s.Close() }, want: []string{"spec.vault.server: nothing listens at https://127.0.0.1:", "start Vault"}, after: quick},
		"unknown CA":     {edit: func(v *cmapi.VaultIssuer) { v.CABundle = nil }, want: []string{"spec.vault.caBundle: the certificate of https://", "put the CA of Vault there, or into spec.vault.caBundleSecretRef"}, after: slow},
		"another name":   {edit: func(v *cmapi.VaultIssuer) { v.ServerName = "vault.example.org" }, want: []string{"is not valid for that name", "serverName"}, after: slow},
		"no TLS there":   {vault: func(s *server) { s.URL = plain(t) }, want: []string{"does not speak TLS: write http://"}, after: slow},
		"no address":     {edit: func(v *cmapi.VaultIssuer) { v.Server = "vault:8200" }, want: []string{`spec.vault.server: "vault:8200" is no address: write it like https://`}, after: slow},
		"no network address": {edit: func(v *cmapi.VaultIssuer) { v.Server = "unix:///var/run/x.sock" },
			want: []string{"is no address"}, after: slow},
		"not a Vault": {vault: func(s *server) { s.answers["pki/sign/web"] = answer{http.StatusNotFound, "<html>" + secretWord} },
			want: []string{"does not answer as a Vault does: check the address, and the path"}, after: slow},
		"another's answer": {vault: func(s *server) { s.answers["pki/sign/web"] = answer{http.StatusForbidden, "<html>" + secretWord} },
			want: []string{"spec.vault.path", "an answer that is not Vault's, HTTP 403"}, after: slow},
		"no endpoint": {vault: func(s *server) { s.answers["pki/sign/web"] = answer{http.StatusNotFound, ""} },
			want: []string{`spec.vault.path: there is nothing that signs at "pki/sign/web"`}, after: slow},
		"no Secret":       {secret: &corev1.Secret{}, want: []string{"spec.vault.auth.tokenSecretRef: Secret team/vault does not exist: create it with the key token"}, after: slow},
		"no name":         {edit: func(v *cmapi.VaultIssuer) { v.Auth.TokenSecretRef.Name = "" }, want: []string{"spec.vault.auth.tokenSecretRef: it names no Secret: set name"}, after: slow},
		"no key":          {secret: secret("other", "x"), want: []string{"spec.vault.auth.tokenSecretRef: Secret team/vault has nothing under the key token"}, after: slow},
		"blanks":          {secret: secret("token", " \n"), want: []string{"holds only blanks"}, after: slow},
		"two lines":       {secret: secret("token", "a\nb"), want: []string{"holds more than one line"}, after: slow},
		"a wrong token":   {secret: secret("token", "hvs.other"), want: []string{"spec.vault.auth: Vault does not accept the token in Secret team/vault (permission denied * invalid token)", "give a valid one"}, after: slow},
		"roots in Secret": {edit: rootsIn("vault"), want: []string{"spec.vault.caBundleSecretRef: there is no certificate in it"}, after: slow},
		"no client pair":  {edit: pairIn("vault"), want: []string{"spec.vault.clientCertSecretRef: the certificate and its key cannot be used", "store a PEM certificate"}, after: slow},
		"wrong mount": {vault: func(s *server) {
			s.answers["pki/sign/web"] = answer{http.StatusNotFound, said(`no handler for route "pki/sign/web". route entry not found.`)}
		}, want: []string{`spec.vault.path: there is nothing that signs at "pki/sign/web"`, "check the mount of the PKI engine", "MOUNT/sign/ROLE"}, after: slow},
		"wrong role": {vault: func(s *server) { s.answers["pki/sign/web"] = answer{http.StatusBadRequest, said("unknown role: web")} },
			want: []string{`spec.vault.path: the role in "pki/sign/web" does not exist (unknown role: web): create it, or name another`}, after: slow},
		"no right to the path": {vault: func(s *server) {
			s.answers["pki/sign/web"] = answer{http.StatusForbidden, said("1 error occurred:\n\t* permission denied\n\n")}
		}, want: []string{`spec.vault.path: Vault does not let the token in Secret team/vault sign with "pki/sign/web" (permission denied)`, "grant its policy update on that path"}, after: slow},
		"too many requests": {vault: func(s *server) { s.answers["pki/sign/web"] = answer{http.StatusTooManyRequests, said("quota")} }, want: []string{"HTTP 429"}, after: quick},
		"login refused": {edit: byAppRole, vault: func(s *server) {
			s.answers["auth/approle/login"] = answer{http.StatusBadRequest, said("invalid role or secret ID " + secretWord)}
		}, want: []string{"spec.vault.auth.appRole: Vault refuses the login at auth/approle (invalid role or secret ID ***)", "Secret team/vault"}, after: slow},
		"service account missing": {edit: byServiceAccount, token: apierrors.NewNotFound(resource, "issuer"),
			want: []string{"spec.vault.auth.kubernetes.serviceAccountRef: service account team/issuer does not exist: create it"}, after: slow},
		"service account not ours": {edit: byServiceAccount, token: apierrors.NewForbidden(resource, "issuer", nil),
			want: []string{"certwright may not make tokens for service account team/issuer: grant it create on serviceaccounts/token"}, after: slow},
		"credentials of the surroundings": {edit: func(v *cmapi.VaultIssuer) { v.Auth = cmapi.VaultAuth{AWS: &cmapi.VaultAWSAuth{Role: "web"}} },
			want: []string{"spec.vault.auth.aws:", "set serviceAccountRef", "--issuer-ambient-credentials"}, after: slow},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newServer(t)
			if r.vault != nil {
				r.vault(s)
			}
			var edits []func(*cmapi.VaultIssuer)
			if r.edit != nil {
				edits = append(edits, r.edit)
			}
			objects := []runtime.Object{byToken(s, edits...)}
			switch {
			case r.secret == nil:
				objects = append(objects, credential())
			case r.secret.Name != "":
				objects = append(objects, r.secret)
			}
			w := newWorld(t, &accounts{err: r.token}, objects...)
			c := w.ready(t)
			if c.Status != cmmeta.ConditionFalse || c.Reason != "VaultError" {
				t.Errorf("got %s %s, want False VaultError", c.Status, c.Reason)
			}
			for _, want := range r.want {
				if !strings.Contains(c.Message, want) {
					t.Errorf("message: got %q, want %q in it", c.Message, want)
				}
			}
			w.Told("Issuer/ca Warning VaultError: " + c.Message)
			w.Forget()
			result, err := w.Handle(handlertest.IssuerKey("ca"))
			if err != nil || result.After != r.after {
				t.Errorf("again: got After %s, %v, want %s", result.After, err, r.after)
			}
			w.Wrote()
		})
	}
}

// plain is the address of a server without TLS, as if it had it.
func plain(t *testing.T) string {
	s := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(s.Close)
	return "https" + strings.TrimPrefix(s.URL, "http")
}

func rootsIn(name string) func(*cmapi.VaultIssuer) {
	return func(v *cmapi.VaultIssuer) {
		v.CABundle, v.CABundleSecretRef = nil, &cmmeta.SecretKeySelector{LocalObjectReference: cmmeta.LocalObjectReference{Name: name}, Key: "token"}
	}
}

func pairIn(name string) func(*cmapi.VaultIssuer) {
	return func(v *cmapi.VaultIssuer) {
		ref := &cmmeta.SecretKeySelector{LocalObjectReference: cmmeta.LocalObjectReference{Name: name}, Key: "token"}
		v.ClientCertSecretRef, v.ClientKeySecretRef = ref, ref
	}
}

// The ways to log in, and what is sent for each.
func TestLogins(t *testing.T) {
	t.Parallel()
	for name, r := range map[string]struct {
		edit  func(*cmapi.VaultIssuer)
		calls string
		asked string
	}{
		"token":    {nil, "", ""},
		"app role": {byAppRole, "auth/approle/login", ""},
		"app role, elsewhere": {func(v *cmapi.VaultIssuer) { byAppRole(v); v.Auth.AppRole.Path = "team/roles" },
			"auth/team/roles/login", ""},
		"certificate": {func(v *cmapi.VaultIssuer) {
			v.Auth = cmapi.VaultAuth{ClientCertificate: &cmapi.VaultClientCertificateAuth{Name: "web"}}
		}, "auth/cert/login", ""},
		"a service account's Secret": {func(v *cmapi.VaultIssuer) {
			v.Auth = cmapi.VaultAuth{Kubernetes: &cmapi.VaultKubernetesAuth{Role: "web", Path: "/v1/auth/other",
				SecretRef: cmmeta.SecretKeySelector{LocalObjectReference: cmmeta.LocalObjectReference{Name: "vault"}}}}
		}, "auth/other/login", ""},
		"a service account": {byServiceAccount, "auth/kubernetes/login", "team/issuer vault://team/ca URL"},
		"a service account for another audience": {func(v *cmapi.VaultIssuer) {
			byServiceAccount(v)
			v.Auth.Kubernetes.ServiceAccountRef.TokenAudiences = []string{"mine"}
		}, "auth/kubernetes/login", "team/issuer mine vault://team/ca URL"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, given := newServer(t), &accounts{}
			var edits []func(*cmapi.VaultIssuer)
			if r.edit != nil {
				edits = append(edits, r.edit)
			}
			w := newWorld(t, given, byToken(s, append(edits, func(v *cmapi.VaultIssuer) { v.Namespace = "ns1" })...), credential())
			for range 3 {
				if c := w.ready(t); c.Status != cmmeta.ConditionTrue || c.Reason != "VaultVerified" || c.Message != "Vault verified" {
					t.Errorf("got %+v, want True VaultVerified", c)
				}
			}
			if got := strings.Join(s.calls, " "); got != r.calls {
				t.Errorf("calls: got %q, want %q: a login is kept", got, r.calls)
			}
			if got := strings.ReplaceAll(strings.Join(given.asked, "; "), s.URL, "URL"); got != r.asked {
				t.Errorf("tokens: got %q, want %q", got, r.asked)
			}
			if len(s.names) != 1 || s.names[0] != "ns1" {
				t.Errorf("namespace: got %q, want ns1", s.names)
			}
		})
	}
}

// An issuer that comes to be fit is ready at once, and says so.
func TestAVaultThatComesBack(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	w := newWorld(t, nil, byToken(s), credential())
	s.health["sealed"] = true
	w.ready(t)
	for _, want := range []time.Duration{2 * time.Second, 2 * time.Second, 3 * time.Second, 10 * time.Second, 10 * time.Second} {
		result, err := w.Handle(handlertest.IssuerKey("ca"))
		if err != nil || result.After != want {
			t.Errorf("got After %s, %v, want %s", result.After, err, want)
		}
		w.Wait(map[time.Duration]time.Duration{2 * time.Second: 3 * time.Second, 3 * time.Second: time.Minute, 10 * time.Second: time.Hour}[want])
	}
	s.health["sealed"] = false
	if c := w.ready(t); c.Status != cmmeta.ConditionTrue {
		t.Errorf("unsealed: got %+v", c)
	}
}
