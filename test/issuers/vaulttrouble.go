package main

import (
	"context"
	"fmt"
	"sync"
	"time"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/certwright/certwright/test/harness"
)

// byNewToken is a ready Issuer in a namespace of its own.
func (p *proof) byNewToken(ctx context.Context, ttl string, edit ...func(*cmapi.VaultIssuer)) (namespace string, err error) {
	if namespace, err = p.space(ctx); err != nil {
		return "", err
	}
	token, err := p.vault.newToken(ctx, map[string]any{"policies": []string{"web"}, "ttl": ttl, "renewable": false})
	if err != nil {
		return "", err
	}
	if err := p.secret(ctx, namespace, "vault", map[string]string{"token": token}); err != nil {
		return "", err
	}
	ref := selector("vault", "token")
	config := p.vaultIssuer(cmapi.VaultAuth{TokenSecretRef: &ref})
	for _, e := range edit {
		e(config.Vault)
	}
	return namespace, p.issuer(ctx, namespace, "vault", config)
}

// vaultNoRoot has a CA that does not know its root: what is known on top goes
// into ca.crt.
func vaultNoRoot(ctx context.Context, p *proof) (string, error) {
	namespace, err := p.byNewToken(ctx, "1h", func(v *cmapi.VaultIssuer) { v.Path = noRootPath })
	if err != nil {
		return "", err
	}
	secret, err := p.issue(ctx, namespace, "web", "web.example.com", issuerRef("vault"))
	if err != nil {
		return "", err
	}
	return "tls.crt leaf and intermediate, ca.crt the topmost that is known", chain(secret, 2, "Vault noroot")
}

// vaultBadInput wants each fault told with its field and remedy.
func vaultBadInput(ctx context.Context, p *proof) (string, error) {
	type fault struct {
		edit func(*cmapi.VaultIssuer)
		want string
	}
	faults := []fault{
		{func(v *cmapi.VaultIssuer) { v.Server = "https://127.0.0.1:1" }, "spec.vault.server: nothing listens at https://127.0.0.1:1: start Vault, or check the address"},
		{func(v *cmapi.VaultIssuer) { v.CABundle = nil }, ""}, // the daemon's system knows the CA here
		{func(v *cmapi.VaultIssuer) { v.CABundle = p.Cluster.CA() }, "spec.vault.caBundle: the certificate of " + p.vault.url + " is not signed by a CA that is trusted"},
		{func(v *cmapi.VaultIssuer) { v.ServerName = "vault.example.org" }, "is not valid for that name"},
		{func(v *cmapi.VaultIssuer) { v.Path = "pki/sign/missing" }, `spec.vault.path: the role in "pki/sign/missing" does not exist (unknown role: missing): create it, or name another`},
		{func(v *cmapi.VaultIssuer) { v.Path = "nothing/sign/web" }, `spec.vault.path: there is nothing that signs at "nothing/sign/web"`},
		{func(v *cmapi.VaultIssuer) { v.Path = "root/sign/web" }, `spec.vault.path: Vault does not let the token in Secret `},
		{func(v *cmapi.VaultIssuer) {
			v.Auth = cmapi.VaultAuth{AppRole: &cmapi.VaultAppRole{Path: "approle", RoleId: "nobody", SecretRef: selector("vault", "token")}}
		}, "spec.vault.auth.appRole: Vault refuses the login at auth/approle (invalid role or secret ID): check the mount, roleId, and the secret id"},
		{func(v *cmapi.VaultIssuer) {
			v.Auth = cmapi.VaultAuth{AppRole: &cmapi.VaultAppRole{Path: "elsewhere", RoleId: "nobody", SecretRef: selector("vault", "token")}}
		}, "spec.vault.auth.appRole: Vault refuses the login at auth/elsewhere"},
	}
	for _, f := range faults {
		namespace, err := p.byNewToken(ctx, "1h", f.edit)
		if err != nil {
			return "", err
		}
		if err := p.says(ctx, namespace, "vault", f.want == "", f.want); err != nil {
			return "", fmt.Errorf("want %q: %w", f.want, err)
		}
		if err := p.told(ctx, namespace, "vault", f.want); err != nil {
			return "", err
		}
	}
	namespace, err := p.byNewToken(ctx, "1h")
	if err != nil {
		return "", err
	}
	// A name that the role does not allow is the request's fault, at once.
	if err := p.fails(ctx, namespace, "web", "web.example.org", issuerRef("vault"),
		"Failed: ", `Vault refuses to sign with "pki/sign/web"`, "web.example.org not allowed by this role", "ask for what the role and the policy allow"); err != nil {
		return "", err
	}
	return fmt.Sprintf("%d faults of issuers and a refused name, each told with its field and remedy", len(faults)-1), nil
}

// told wants an event with the words.
func (p *proof) told(ctx context.Context, namespace, name, words string) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	_, err := harnessEvents(ctx, p, namespace, name, words)
	return err
}

// vaultExpiry has the token of an issuer end, and another put in its place:
// the request waits, and has not failed.
func vaultExpiry(ctx context.Context, p *proof) (string, error) {
	namespace, err := p.byNewToken(ctx, "4s")
	if err != nil {
		return "", err
	}
	if err := p.says(ctx, namespace, "vault", true); err != nil {
		return "", err
	}
	pause(5 * time.Second)
	if err := p.certificate(ctx, namespace, "web", "web.example.com", issuerRef("vault")); err != nil {
		return "", err
	}
	if err := p.says(ctx, namespace, "vault", false, "spec.vault.auth: Vault does not accept the token in Secret "+namespace+"/vault", "give a valid one"); err != nil {
		return "", err
	}
	token, err := p.vault.newToken(ctx, map[string]any{"policies": []string{"web"}, "ttl": "1h"})
	if err != nil {
		return "", err
	}
	p.private = append(p.private, token)
	if _, err := p.Clients.Kube.CoreV1().Secrets(namespace).Patch(ctx, "vault", "application/merge-patch+json",
		fmt.Appendf(nil, `{"stringData": {"token": %q}}`, token), metav1.PatchOptions{}); err != nil {
		return "", err
	}
	began := time.Now()
	if _, err := p.issued(ctx, namespace, "web"); err != nil {
		return "", err
	}
	if err := p.noneFailed(ctx, namespace, 1); err != nil {
		return "", err
	}
	return fmt.Sprintf("the request waited, and was signed %s after a new token", time.Since(began).Round(100*time.Millisecond)), nil
}

// noneFailed wants so many requests, all of which are signed.
func (p *proof) noneFailed(ctx context.Context, namespace string, n int) error {
	requests, err := p.Clients.CertManager.CertmanagerV1().CertificateRequests(namespace).List(ctx, metav1.ListOptions{})
	if err != nil {
		return err
	}
	for _, cr := range requests.Items {
		if c := harness.RequestCondition(&cr, cmapi.CertificateRequestConditionReady); c == nil || c.Status != "True" || cr.Status.FailureTime != nil {
			return fmt.Errorf("request %s: %+v", cr.Name, c)
		}
	}
	if len(requests.Items) != n {
		return fmt.Errorf("there are %d requests, want %d", len(requests.Items), n)
	}
	return nil
}

// vaultOutage seals Vault, and then ends it and starts it again, while many
// certificates are being issued.
func vaultOutage(ctx context.Context, p *proof) (string, error) {
	namespace, err := p.byNewToken(ctx, "1h")
	if err != nil {
		return "", err
	}
	if err := p.says(ctx, namespace, "vault", true); err != nil {
		return "", err
	}
	before, err := p.vault.signed(ctx)
	if err != nil {
		return "", err
	}
	if err := p.many(ctx, namespace, p.certificates); err != nil {
		return "", err
	}
	sealed, err := p.outage(ctx, namespace, p.certificates/5, p.vault.seal, nil)
	if err != nil {
		return "", fmt.Errorf("sealed: %w", err)
	}
	restarted, err := p.outage(ctx, namespace, p.certificates/2, func(context.Context) error { return p.vault.end() }, p.vault.begin)
	if err != nil {
		return "", fmt.Errorf("restarted: %w", err)
	}
	if _, err := p.Clients.Certificates().UntilAll(ctx, namespace, harness.AllReady(p.certificates)); err != nil {
		return "", err
	}
	if err := p.noneFailed(ctx, namespace, p.certificates); err != nil {
		return "", err
	}
	after, err := p.vault.signed(ctx)
	if err != nil {
		return "", err
	}
	if extra := after - before - p.certificates; extra != 0 {
		p.doubles += max(extra, -extra)
		return "", fmt.Errorf("%d certificates were signed by Vault for %d requests", after-before, p.certificates)
	}
	return fmt.Sprintf("%d certificates, none failed, none signed twice; back at work %s after it was unsealed, %s after the restart",
		p.certificates, sealed.Round(100*time.Millisecond), restarted.Round(100*time.Millisecond)), nil
}

// outage takes Vault away once some certificates are ready, waits until the
// issuer tells, brings it back, and measures until the next is ready.
func (p *proof) outage(ctx context.Context, namespace string, ready int, away, back func(context.Context) error) (time.Duration, error) {
	ctx, cancel := context.WithTimeout(ctx, 3*patience)
	defer cancel()
	if _, err := p.Clients.Certificates().UntilAll(ctx, namespace, atLeast(ready)); err != nil {
		return 0, err
	}
	if err := away(ctx); err != nil {
		return 0, err
	}
	if err := p.says(ctx, namespace, "vault", false, "spec.vault.server: "); err != nil {
		return 0, err
	}
	if back != nil {
		if err := back(ctx); err != nil {
			return 0, err
		}
	}
	pause(3 * time.Second) // an outage takes a while
	all, err := p.Clients.Certificates().UntilAll(ctx, namespace, atLeast(0))
	if err != nil {
		return 0, err
	}
	held := count(all)
	if held == p.certificates {
		return 0, fmt.Errorf("all certificates were issued before the outage, which proves nothing")
	}
	if err := p.vault.open(ctx); err != nil {
		return 0, err
	}
	began := time.Now()
	_, err = p.Clients.Certificates().UntilAll(ctx, namespace, atLeast(held+1))
	return time.Since(began), err
}

func count(all []*cmapi.Certificate) (ready int) {
	for _, crt := range all {
		if harness.Ready(crt) {
			ready++
		}
	}
	return ready
}

func atLeast(n int) func([]*cmapi.Certificate) bool {
	return func(all []*cmapi.Certificate) bool { return count(all) >= n }
}

// many asks for many certificates at once, a little at a time.
func (p *proof) many(ctx context.Context, namespace string, n int) error {
	names := make(chan int)
	var group sync.WaitGroup
	var mu sync.Mutex
	var failed error
	for range 4 {
		group.Go(func() {
			for i := range names {
				name := fmt.Sprintf("web-%d", i)
				if err := p.certificate(ctx, namespace, name, name+".example.com", issuerRef("vault")); err != nil {
					mu.Lock()
					failed = err
					mu.Unlock()
				}
			}
		})
	}
	for i := range n {
		names <- i
	}
	close(names)
	group.Wait()
	return failed
}
