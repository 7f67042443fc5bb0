package rules

import (
	"slices"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

func vault(spec *cmapi.VaultIssuer, path *field.Path) field.ErrorList {
	cert, key := spec.ClientCertSecretRef != nil, spec.ClientKeySecretRef != nil
	return slices.Concat(
		filled(path.Child("server"), spec.Server, "give the server's URL, such as https://vault.example.com:8200"),
		filled(path.Child("path"), spec.Path, "give the path of the signing endpoint, such as pki/sign/ROLE"),
		noClimbing(path.Child("path"), spec.Path),
		bundle(path, spec.CABundle, spec.CABundleSecretRef),
		together(path.Child("clientKeySecretRef"), cert && !key, "clientCertSecretRef"),
		together(path.Child("clientCertSecretRef"), key && !cert, "clientKeySecretRef"),
		vaultAuth(&spec.Auth, path.Child("auth")),
	)
}

// together wants a field whose other half is set.
func together(path *field.Path, missing bool, other string) field.ErrorList {
	if !missing {
		return nil
	}
	return field.ErrorList{field.Required(path, other+" is set and needs it: set both, or neither")}
}

func vaultAuth(auth *cmapi.VaultAuth, path *field.Path) field.ErrorList {
	all := exactlyOne(path,
		choice{"tokenSecretRef", auth.TokenSecretRef != nil}, choice{"appRole", auth.AppRole != nil},
		choice{"clientCertificate", auth.ClientCertificate != nil}, choice{"kubernetes", auth.Kubernetes != nil},
		choice{"aws", auth.AWS != nil})
	if a := auth.AppRole; a != nil {
		at := path.Child("appRole")
		all = slices.Concat(all,
			filled(at.Child("roleId"), a.RoleId, "give the id of the AppRole"),
			filled(at.Child("secretRef", "name"), a.SecretRef.Name, "name the Secret with the AppRole's secret id"),
			noClimbing(at.Child("path"), a.Path))
	}
	if c := auth.ClientCertificate; c != nil {
		all = append(all, noClimbing(path.Child("clientCertificate", "mountPath"), c.Path)...)
	}
	if k := auth.Kubernetes; k != nil {
		all = append(all, vaultKubernetes(k, path.Child("kubernetes"))...)
	}
	if a := auth.AWS; a != nil {
		all = append(all, vaultAWS(a, path.Child("aws"))...)
	}
	return all
}

func vaultKubernetes(k *cmapi.VaultKubernetesAuth, path *field.Path) field.ErrorList {
	all := slices.Concat(
		filled(path.Child("role"), k.Role, "name the role that Vault is to grant"),
		noClimbing(path.Child("mountPath"), k.Path),
		exactlyOne(path, choice{"secretRef", k.SecretRef.Name != ""}, choice{"serviceAccountRef", k.ServiceAccountRef != nil}),
	)
	if ref := k.ServiceAccountRef; ref != nil {
		all = append(all, filled(path.Child("serviceAccountRef", "name"), ref.Name, "name the service account")...)
	}
	return all
}

func vaultAWS(a *cmapi.VaultAWSAuth, path *field.Path) field.ErrorList {
	all := slices.Concat(
		filled(path.Child("role"), a.Role, "name the role that Vault is to grant"),
		noClimbing(path.Child("mountPath"), a.MountPath),
	)
	if ref := a.ServiceAccountRef; ref != nil {
		all = slices.Concat(all,
			filled(path.Child("serviceAccountRef", "name"), ref.Name, "name the service account"),
			filled(path.Child("iamRoleArn"), a.IAMRoleARN, "name the IAM role that the service account of serviceAccountRef takes on"))
	}
	return all
}
