package informers

import (
	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	cmmeta "github.com/cert-manager/cert-manager/pkg/apis/meta/v1"
)

// vaultSecrets names the Secrets of a Vault issuer; empty where a field is.
func vaultSecrets(spec *cmapi.VaultIssuer) []string {
	if spec == nil {
		return nil
	}
	names := selected(spec.CABundleSecretRef, spec.ClientCertSecretRef, spec.ClientKeySecretRef, spec.Auth.TokenSecretRef)
	if a := spec.Auth.AppRole; a != nil {
		names = append(names, a.SecretRef.Name)
	}
	if c := spec.Auth.ClientCertificate; c != nil {
		names = append(names, c.SecretName)
	}
	if k := spec.Auth.Kubernetes; k != nil {
		names = append(names, k.SecretRef.Name)
	}
	return names
}

// venafiSecrets names the Secrets of a Venafi issuer.
func venafiSecrets(spec *cmapi.VenafiIssuer) (names []string) {
	if spec == nil {
		return nil
	}
	if tpp := spec.TPP; tpp != nil {
		names = append(selected(tpp.CABundleSecretRef), tpp.CredentialsRef.Name)
	}
	if cloud := spec.Cloud; cloud != nil {
		names = append(names, cloud.APITokenSecretRef.Name)
	}
	if ngts := spec.NGTS; ngts != nil {
		names = append(names, ngts.CredentialsRef.Name)
	}
	return names
}

func selected(refs ...*cmmeta.SecretKeySelector) (names []string) {
	for _, ref := range refs {
		if ref != nil {
			names = append(names, ref.Name)
		}
	}
	return names
}
