package informers

import (
	"slices"
	"testing"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	cmmeta "github.com/cert-manager/cert-manager/pkg/apis/meta/v1"
	"github.com/google/go-cmp/cmp"
)

// Every Secret that an issuer reads wakes it.
func TestSecretsOfRemoteIssuers(t *testing.T) {
	t.Parallel()
	ref := func(name string) *cmmeta.SecretKeySelector {
		return &cmmeta.SecretKeySelector{LocalObjectReference: cmmeta.LocalObjectReference{Name: name}}
	}
	vault := func(auth cmapi.VaultAuth) cmapi.IssuerConfig {
		return cmapi.IssuerConfig{Vault: &cmapi.VaultIssuer{Auth: auth}}
	}
	for name, r := range map[string]struct {
		config cmapi.IssuerConfig
		want   []string
	}{
		"vault, connection": {cmapi.IssuerConfig{Vault: &cmapi.VaultIssuer{
			CABundleSecretRef: ref("roots"), ClientCertSecretRef: ref("cert"), ClientKeySecretRef: ref("key"),
			Auth: cmapi.VaultAuth{TokenSecretRef: ref("token")}}}, []string{"team/cert", "team/key", "team/roots", "team/token"}},
		"vault, app role": {vault(cmapi.VaultAuth{AppRole: &cmapi.VaultAppRole{SecretRef: *ref("id")}}), []string{"team/id"}},
		"vault, client certificate": {vault(cmapi.VaultAuth{ClientCertificate: &cmapi.VaultClientCertificateAuth{SecretName: "pair"}}),
			[]string{"team/pair"}},
		"vault, kubernetes": {vault(cmapi.VaultAuth{Kubernetes: &cmapi.VaultKubernetesAuth{SecretRef: *ref("jwt")}}), []string{"team/jwt"}},
		"vault, service account": {vault(cmapi.VaultAuth{Kubernetes: &cmapi.VaultKubernetesAuth{ServiceAccountRef: &cmapi.ServiceAccountRef{Name: "x"}}}),
			nil},
		"tpp": {cmapi.IssuerConfig{Venafi: &cmapi.VenafiIssuer{TPP: &cmapi.VenafiTPP{
			CredentialsRef: cmmeta.LocalObjectReference{Name: "login"}, CABundleSecretRef: ref("roots")}}}, []string{"team/login", "team/roots"}},
		"cloud": {cmapi.IssuerConfig{Venafi: &cmapi.VenafiIssuer{Cloud: &cmapi.VenafiCloud{APITokenSecretRef: *ref("key")}}}, []string{"team/key"}},
		"ngts": {cmapi.IssuerConfig{Venafi: &cmapi.VenafiIssuer{NGTS: &cmapi.VenafiNGTS{CredentialsRef: cmmeta.LocalObjectReference{Name: "client"}}}},
			[]string{"team/client"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := issuerSecrets("team", &cmapi.IssuerSpec{IssuerConfig: r.config})
			slices.Sort(got)
			if diff := cmp.Diff(r.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
