package admission

import (
	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
)

// vault is the case of a Vault issuer that nothing is wrong with, but for the edit.
func vault(name, field string, edit func(*cmapi.VaultIssuer)) Case {
	v := &cmapi.VaultIssuer{Server: "https://vault.example.com", Path: "pki/sign/web", Auth: cmapi.VaultAuth{TokenSecretRef: secretPtr("a", "b")}}
	edit(v)
	return iss("Vault "+name, under("spec.vault", field), cmapi.IssuerConfig{Vault: v})
}

func vaultAuth(name, field string, auth cmapi.VaultAuth) Case {
	return vault("login "+name, under("auth", field), func(v *cmapi.VaultIssuer) { v.Auth = auth })
}

func appRole(name, field, path, id, secret string) Case {
	return vaultAuth("by AppRole "+name, under("appRole", field), cmapi.VaultAuth{AppRole: &cmapi.VaultAppRole{Path: path, RoleId: id, SecretRef: secretRef(secret, "id")}})
}

func kubernetes(name, field string, k cmapi.VaultKubernetesAuth) Case {
	return vaultAuth("by Kubernetes "+name, under("kubernetes", field), cmapi.VaultAuth{Kubernetes: &k})
}

func aws(name, field string, a cmapi.VaultAWSAuth) Case {
	return vaultAuth("by AWS "+name, under("aws", field), cmapi.VaultAuth{AWS: &a})
}

func vaultIssuers() []Case {
	account, nobody := &cmapi.ServiceAccountRef{Name: "vault"}, &cmapi.ServiceAccountRef{}
	return []Case{
		vault("by token", "", func(*cmapi.VaultIssuer) {}),
		vault("without a server", "server", func(v *cmapi.VaultIssuer) { v.Server = "" }),
		vault("without a path", "path", func(v *cmapi.VaultIssuer) { v.Path = "" }),
		vault("path that climbs", "path", func(v *cmapi.VaultIssuer) { v.Path = "pki/sign/../../sys/seal" }),
		vault("path with dots", "", func(v *cmapi.VaultIssuer) { v.Path = "pki/sign/a..b" }),
		vault("with a bundle", "", func(v *cmapi.VaultIssuer) { v.CABundle = bundle("# our root\n") }),
		vault("with a bundle's Secret", "", func(v *cmapi.VaultIssuer) { v.CABundleSecretRef = secretPtr("ca", "ca.crt") }),
		vault("with two bundles", "caBundle", func(v *cmapi.VaultIssuer) { v.CABundle, v.CABundleSecretRef = bundle(""), secretPtr("ca", "ca.crt") }),
		vault("with a bundle of text", "caBundle", func(v *cmapi.VaultIssuer) { v.CABundle = []byte("text") }),
		vault("with a client certificate", "", func(v *cmapi.VaultIssuer) {
			v.ClientCertSecretRef, v.ClientKeySecretRef = secretPtr("client", "tls.crt"), secretPtr("client", "tls.key")
		}),
		vault("with a client certificate only", "clientKeySecretRef", func(v *cmapi.VaultIssuer) { v.ClientCertSecretRef = secretPtr("client", "tls.crt") }),
		vault("with a client key only", "clientCertSecretRef", func(v *cmapi.VaultIssuer) { v.ClientKeySecretRef = secretPtr("client", "tls.key") }),

		vaultAuth("by nothing", ".", cmapi.VaultAuth{}),
		vaultAuth("by two things", ".", cmapi.VaultAuth{TokenSecretRef: secretPtr("a", "b"), ClientCertificate: &cmapi.VaultClientCertificateAuth{}}),
		vaultAuth("by certificate", "", cmapi.VaultAuth{ClientCertificate: &cmapi.VaultClientCertificateAuth{Path: "/v1/auth/cert", SecretName: "client"}}),
		vaultAuth("by certificate, climbing", "clientCertificate.mountPath", cmapi.VaultAuth{ClientCertificate: &cmapi.VaultClientCertificateAuth{Path: "/v1/auth/.."}}),
		appRole("complete", "", "approle", "role", "secret"),
		appRole("without a role", "roleId", "approle", "", "secret"),
		appRole("without a Secret", "secretRef.name", "approle", "role", ""),
		appRole("climbing", "path", "../approle", "role", "secret"),
		kubernetes("with an account", "", cmapi.VaultKubernetesAuth{Role: "web", ServiceAccountRef: account}),
		kubernetes("with a Secret", "", cmapi.VaultKubernetesAuth{Role: "web", SecretRef: secretRef("token", "token")}),
		kubernetes("without a role", "role", cmapi.VaultKubernetesAuth{ServiceAccountRef: account}),
		kubernetes("without a token", ".", cmapi.VaultKubernetesAuth{Role: "web"}),
		kubernetes("with two tokens", ".", cmapi.VaultKubernetesAuth{Role: "web", ServiceAccountRef: account, SecretRef: secretRef("token", "token")}),
		kubernetes("with an account of no name", "serviceAccountRef.name", cmapi.VaultKubernetesAuth{Role: "web", ServiceAccountRef: nobody}),
		kubernetes("climbing", "mountPath", cmapi.VaultKubernetesAuth{Role: "web", ServiceAccountRef: account, Path: "/v1/auth/../sys"}),
		aws("by the environment", "", cmapi.VaultAWSAuth{Role: "web", MountPath: "/v1/auth/aws"}),
		aws("without a role", "role", cmapi.VaultAWSAuth{}),
		aws("climbing", "mountPath", cmapi.VaultAWSAuth{Role: "web", MountPath: "/v1/.."}),
		aws("with an account", "", cmapi.VaultAWSAuth{Role: "web", ServiceAccountRef: account, IAMRoleARN: "arn:aws:iam::1:role/web"}),
		aws("with an account of no name", "serviceAccountRef.name", cmapi.VaultAWSAuth{Role: "web", ServiceAccountRef: nobody, IAMRoleARN: "arn:aws:iam::1:role/web"}),
		aws("with an account of no role", "iamRoleArn", cmapi.VaultAWSAuth{Role: "web", ServiceAccountRef: account}),
	}
}
