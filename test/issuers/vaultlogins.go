package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"math/big"
	"time"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	cmmeta "github.com/cert-manager/cert-manager/pkg/apis/meta/v1"
	authenticationv1 "k8s.io/api/authentication/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/certwright/certwright/test/harness"
)

func (p *proof) vaultIssuer(auth cmapi.VaultAuth) cmapi.IssuerConfig {
	return cmapi.IssuerConfig{Vault: &cmapi.VaultIssuer{Server: p.vault.url, Path: signPath, CABundle: p.vault.roots, Auth: auth}}
}

func selector(name, key string) cmmeta.SecretKeySelector {
	return cmmeta.SecretKeySelector{LocalObjectReference: cmmeta.LocalObjectReference{Name: name}, Key: key}
}

// byVault has an Issuer log in so, and issue three certificates.
func (p *proof) byVault(ctx context.Context, namespace string, auth cmapi.VaultAuth) (string, error) {
	if err := p.issuer(ctx, namespace, "vault", p.vaultIssuer(auth)); err != nil {
		return "", err
	}
	if err := p.says(ctx, namespace, "vault", true, "Vault verified"); err != nil {
		return "", err
	}
	return p.three(ctx, namespace, issuerRef("vault"), "Vault pki")
}

func (p *proof) three(ctx context.Context, namespace string, ref cmmeta.IssuerReference, by string) (string, error) {
	const n = 3
	for i := range n {
		name := fmt.Sprintf("web-%d", i)
		secret, err := p.issue(ctx, namespace, name, name+".example.com", ref)
		if err != nil {
			return "", err
		}
		if err := chain(secret, 2, vaultRoot); err != nil {
			return "", err
		}
	}
	return fmt.Sprintf("%d certificates by %s, tls.crt leaf and intermediate, ca.crt the root", n, by), nil
}

func vaultToken(ctx context.Context, p *proof) (string, error) {
	namespace, err := p.space(ctx)
	if err != nil {
		return "", err
	}
	token, err := p.vault.newToken(ctx, map[string]any{"policies": []string{"web"}, "ttl": "1h"})
	if err != nil {
		return "", err
	}
	if err := p.secret(ctx, namespace, "vault", map[string]string{"token": token}); err != nil {
		return "", err
	}
	ref := selector("vault", "")
	return p.byVault(ctx, namespace, cmapi.VaultAuth{TokenSecretRef: &ref})
}

func vaultAppRole(ctx context.Context, p *proof) (string, error) {
	namespace, err := p.space(ctx)
	if err != nil {
		return "", err
	}
	// The secret id serves for one login alone: only a login that is kept can
	// issue three certificates.
	auth, err := p.appRole(ctx, namespace, map[string]any{"token_policies": "web", "secret_id_num_uses": 1, "token_ttl": "1h"})
	if err != nil {
		return "", err
	}
	said, err := p.byVault(ctx, namespace, auth)
	return said + ", with one login", err
}

// appRole makes an AppRole of the namespace's name, and the Secret for it.
func (p *proof) appRole(ctx context.Context, namespace string, role map[string]any) (cmapi.VaultAuth, error) {
	path := "auth/approle/role/" + namespace
	if _, err := p.vault.call(ctx, "POST", path, role); err != nil {
		return cmapi.VaultAuth{}, err
	}
	id, err := p.vault.data(ctx, "GET", path+"/role-id", nil)
	if err != nil {
		return cmapi.VaultAuth{}, err
	}
	secret, err := p.vault.data(ctx, "POST", path+"/secret-id", map[string]any{})
	if err != nil {
		return cmapi.VaultAuth{}, err
	}
	if err := p.secret(ctx, namespace, "vault", map[string]string{"id": fmt.Sprint(secret["secret_id"])}); err != nil {
		return cmapi.VaultAuth{}, err
	}
	return cmapi.VaultAuth{AppRole: &cmapi.VaultAppRole{Path: "approle", RoleId: fmt.Sprint(id["role_id"]), SecretRef: selector("vault", "id")}}, nil
}

func vaultClientCertificate(ctx context.Context, p *proof) (string, error) {
	namespace, err := p.space(ctx)
	if err != nil {
		return "", err
	}
	ca, err := harness.NewRoot("Clients' CA")
	if err != nil {
		return "", err
	}
	if _, err := p.vault.call(ctx, "POST", "auth/cert/certs/web", map[string]any{"certificate": string(ca.PEM()), "token_policies": "web"}); err != nil {
		return "", err
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return "", err
	}
	client, err := ca.Issue(&x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "certwright"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}, key)
	if err != nil {
		return "", err
	}
	text, err := client.KeyPEM()
	if err != nil {
		return "", err
	}
	if err := p.secret(ctx, namespace, "client", map[string]string{"tls.crt": string(client.PEM()), "tls.key": string(text)}); err != nil {
		return "", err
	}
	return p.byVault(ctx, namespace, cmapi.VaultAuth{ClientCertificate: &cmapi.VaultClientCertificateAuth{Name: "web", SecretName: "client"}})
}

// reviewing has Vault ask our API server whose a token is.
func (p *proof) reviewing(ctx context.Context) error {
	const namespace, name = "default", "vault-reviewer"
	if _, err := p.Clients.Kube.CoreV1().ServiceAccounts(namespace).Get(ctx, name, metav1.GetOptions{}); err == nil {
		return nil
	}
	if err := p.Clients.CreateAccount(ctx, harness.Account{Namespace: namespace, Name: name}); err != nil {
		return err
	}
	if _, err := p.Clients.Kube.RbacV1().ClusterRoleBindings().Create(ctx, &rbacv1.ClusterRoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: "system:auth-delegator"},
		Subjects:   []rbacv1.Subject{{Kind: "ServiceAccount", Namespace: namespace, Name: name}},
	}, metav1.CreateOptions{}); err != nil {
		return err
	}
	reviewer, err := p.accountToken(ctx, namespace, name)
	if err != nil {
		return err
	}
	_, err = p.vault.call(ctx, "POST", "auth/kubernetes/config", map[string]any{
		"kubernetes_host": p.Cluster.URL(), "kubernetes_ca_cert": string(p.Cluster.CA()),
		"token_reviewer_jwt": reviewer, "disable_local_ca_jwt": true,
	})
	return err
}

func (p *proof) accountToken(ctx context.Context, namespace, name string, audiences ...string) (string, error) {
	answer, err := p.Clients.Kube.CoreV1().ServiceAccounts(namespace).CreateToken(ctx, name,
		&authenticationv1.TokenRequest{Spec: authenticationv1.TokenRequestSpec{Audiences: audiences}}, metav1.CreateOptions{})
	if err != nil {
		return "", err
	}
	p.private = append(p.private, answer.Status.Token)
	return answer.Status.Token, nil
}

// account makes a service account for an issuer, and a role for it in Vault.
func (p *proof) account(ctx context.Context, namespace, role, audience string) error {
	if err := p.reviewing(ctx); err != nil {
		return err
	}
	if err := p.Clients.CreateAccount(ctx, harness.Account{Namespace: namespace, Name: "issuer"}); err != nil {
		return err
	}
	_, err := p.vault.call(ctx, "POST", "auth/kubernetes/role/"+role, map[string]any{
		"bound_service_account_names": "issuer", "bound_service_account_namespaces": namespace, "token_policies": "web",
		"audience": audience,
	})
	return err
}

// lend lets the daemon make tokens for the issuer's service account alone.
func (p *proof) lend(ctx context.Context, namespace string) error {
	const name = "certwright-issuer-token"
	if _, err := p.Clients.Kube.RbacV1().Roles(namespace).Create(ctx, &rbacv1.Role{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Rules:      []rbacv1.PolicyRule{{APIGroups: []string{""}, Resources: []string{"serviceaccounts/token"}, ResourceNames: []string{"issuer"}, Verbs: []string{"create"}}},
	}, metav1.CreateOptions{}); err != nil {
		return err
	}
	_, err := p.Clients.Kube.RbacV1().RoleBindings(namespace).Create(ctx, &rbacv1.RoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "Role", Name: name},
		Subjects:   []rbacv1.Subject{{Kind: "ServiceAccount", Namespace: p.Account.Namespace, Name: p.Account.Name}},
	}, metav1.CreateOptions{})
	return err
}

func vaultKubernetesSecret(ctx context.Context, p *proof) (string, error) {
	namespace, err := p.space(ctx)
	if err != nil {
		return "", err
	}
	if err := p.account(ctx, namespace, namespace, ""); err != nil {
		return "", err
	}
	token, err := p.accountToken(ctx, namespace, "issuer")
	if err != nil {
		return "", err
	}
	if err := p.secret(ctx, namespace, "issuer-token", map[string]string{"token": token}); err != nil {
		return "", err
	}
	return p.byVault(ctx, namespace, cmapi.VaultAuth{Kubernetes: &cmapi.VaultKubernetesAuth{Role: namespace, SecretRef: selector("issuer-token", "token")}})
}

func vaultKubernetesAccount(ctx context.Context, p *proof) (string, error) {
	namespace, err := p.space(ctx)
	if err != nil {
		return "", err
	}
	if err := p.account(ctx, namespace, namespace, "vault://"+namespace+"/vault"); err != nil {
		return "", err
	}
	auth := cmapi.VaultAuth{Kubernetes: &cmapi.VaultKubernetesAuth{Role: namespace, ServiceAccountRef: &cmapi.ServiceAccountRef{Name: "issuer"}}}
	if err := p.issuer(ctx, namespace, "vault", p.vaultIssuer(auth)); err != nil {
		return "", err
	}
	if err := p.says(ctx, namespace, "vault", false, "spec.vault.auth.kubernetes.serviceAccountRef: certwright may not make tokens for service account "+namespace+"/issuer: grant it create on serviceaccounts/token"); err != nil {
		return "", err
	}
	if err := p.lend(ctx, namespace); err != nil {
		return "", err
	}
	if err := p.says(ctx, namespace, "vault", true, "Vault verified"); err != nil {
		return "", err
	}
	return p.three(ctx, namespace, issuerRef("vault"), "Vault pki")
}

// vaultKubernetesCluster is a ClusterIssuer, whose service account is in the
// namespace for cluster resources.
func vaultKubernetesCluster(ctx context.Context, p *proof) (string, error) {
	const home, name = "kube-system", "vault-everywhere"
	namespace, err := p.space(ctx)
	if err != nil {
		return "", err
	}
	if err := p.account(ctx, home, "everywhere", "vault://"+name); err != nil {
		return "", err
	}
	if err := p.lend(ctx, home); err != nil {
		return "", err
	}
	auth := cmapi.VaultAuth{Kubernetes: &cmapi.VaultKubernetesAuth{Role: "everywhere", ServiceAccountRef: &cmapi.ServiceAccountRef{Name: "issuer"}}}
	if _, err := p.Clients.CertManager.CertmanagerV1().ClusterIssuers().Create(ctx, &cmapi.ClusterIssuer{
		ObjectMeta: metav1.ObjectMeta{Name: name}, Spec: cmapi.IssuerSpec{IssuerConfig: p.vaultIssuer(auth)},
	}, metav1.CreateOptions{}); err != nil {
		return "", err
	}
	return p.three(ctx, namespace, cmmeta.IssuerReference{Name: name, Kind: cmapi.ClusterIssuerKind, Group: "cert-manager.io"}, "Vault pki")
}

// vaultAWS has the daemon take on an IAM role by a service account's token, and
// Vault ask the same STS who has signed the login.
func vaultAWS(ctx context.Context, p *proof) (string, error) {
	namespace, err := p.space(ctx)
	if err != nil {
		return "", err
	}
	if _, err := p.vault.call(ctx, "POST", "auth/aws/config/client", map[string]any{
		"sts_endpoint": p.aws.url, "sts_region": "eu-central-1", "iam_server_id_header_value": "vault.example.com",
		"access_key": "standin", "secret_key": "standin",
	}); err != nil {
		return "", err
	}
	if _, err := p.vault.call(ctx, "POST", "auth/aws/role/web", map[string]any{
		"auth_type": "iam", "bound_iam_principal_arn": awsRoleARN, "resolve_aws_unique_ids": false, "token_policies": "web",
	}); err != nil {
		return "", err
	}
	if err := p.Clients.CreateAccount(ctx, harness.Account{Namespace: namespace, Name: "issuer"}); err != nil {
		return "", err
	}
	if err := p.lend(ctx, namespace); err != nil {
		return "", err
	}
	p.private = append(p.private, awsSecretKey, awsSessionToken)
	said, err := p.byVault(ctx, namespace, cmapi.VaultAuth{AWS: &cmapi.VaultAWSAuth{
		Role: "web", Region: "eu-central-1", ServiceAccountRef: &cmapi.ServiceAccountRef{Name: "issuer"}, IAMRoleARN: awsRoleARN, VaultHeaderValue: "vault.example.com",
	}})
	return said, err
}
