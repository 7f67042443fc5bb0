package pki

import (
	"maps"
	"slices"
	"strings"

	"github.com/cert-manager/cert-manager/pkg/apis/certmanager"
	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	cmmeta "github.com/cert-manager/cert-manager/pkg/apis/meta/v1"
	apivalidation "k8s.io/apimachinery/pkg/api/validation"
	labelvalidation "k8s.io/apimachinery/pkg/apis/meta/v1/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// ownAnnotations is the prefix of annotations that only we write.
const ownAnnotations = certmanager.GroupName + "/"

func validateSecret(spec *cmapi.CertificateSpec, path *field.Path) (all field.ErrorList) {
	name := path.Child("secretName")
	if spec.SecretName == "" {
		all = append(all, field.Required(name, "name the Secret that receives the certificate"))
	} else {
		for _, text := range apivalidation.NameIsDNSSubdomain(spec.SecretName, false) {
			all = append(all, field.Invalid(name, spec.SecretName, text))
		}
	}
	if spec.SecretTemplate == nil {
		return all
	}
	annotations := path.Child("secretTemplate", "annotations")
	for _, key := range slices.Sorted(maps.Keys(spec.SecretTemplate.Annotations)) {
		if strings.HasPrefix(key, ownAnnotations) && key != cmapi.AllowsInjectionFromSecretAnnotation {
			all = append(all, field.Invalid(annotations, key, "annotations under "+ownAnnotations+" are written by the controller: remove it"))
		}
	}
	all = append(all, apivalidation.ValidateAnnotations(spec.SecretTemplate.Annotations, annotations)...)
	return append(all, labelvalidation.ValidateLabels(spec.SecretTemplate.Labels, path.Child("secretTemplate", "labels"))...)
}

func validateIssuerRef(spec *cmapi.CertificateSpec, path *field.Path) (all field.ErrorList) {
	ref := defaultIssuer(spec.IssuerRef)
	if ref.Name == "" {
		all = append(all, field.Required(path.Child("name"), "name the Issuer or ClusterIssuer that signs"))
	}
	if ref.Group == certmanager.GroupName && ref.Kind != cmapi.IssuerKind && ref.Kind != cmapi.ClusterIssuerKind {
		all = append(all, field.Invalid(path.Child("kind"), ref.Kind, "the group "+ref.Group+" has the kinds Issuer and ClusterIssuer: use one of them, or set issuerRef.group for an external issuer"))
	}
	return all
}

func validateKeystores(k *cmapi.CertificateKeystores, path *field.Path) (all field.ErrorList) {
	if k == nil {
		return nil
	}
	if k.JKS != nil {
		all = append(all, validatePassword(k.JKS.Password, k.JKS.PasswordSecretRef, path.Child("jks"))...)
	}
	if k.PKCS12 != nil {
		at := path.Child("pkcs12")
		all = append(all, validatePassword(k.PKCS12.Password, k.PKCS12.PasswordSecretRef, at)...)
		all = append(all, oneOf(at.Child("profile"), k.PKCS12.Profile, cmapi.LegacyRC2PKCS12Profile, cmapi.LegacyDESPKCS12Profile,
			cmapi.Modern2023PKCS12Profile, cmapi.Modern2026PKCS12Profile)...)
	}
	return all
}

// validatePassword never puts the password into its text.
func validatePassword(password *string, ref cmmeta.SecretKeySelector, path *field.Path) field.ErrorList {
	switch {
	case password != nil && ref.Name != "":
		return field.ErrorList{field.Forbidden(path.Child("password"), "it cannot be set together with passwordSecretRef: remove one of the two")}
	case password == nil && ref.Name == "":
		return field.ErrorList{field.Required(path.Child("passwordSecretRef"), "a keystore needs a password: set passwordSecretRef or password")}
	case password != nil && *password == "":
		return field.ErrorList{field.Required(path.Child("password"), "it is empty: give it a text, or use passwordSecretRef")}
	}
	return nil
}

func validateOutputFormats(formats []cmapi.CertificateAdditionalOutputFormat, path *field.Path) (all field.ErrorList) {
	seen := map[cmapi.CertificateOutputFormatType]bool{}
	for i, f := range formats {
		at := path.Index(i).Child("type")
		if seen[f.Type] {
			all = append(all, field.Duplicate(at, f.Type))
		}
		seen[f.Type] = true
		all = append(all, oneOf(at, f.Type, cmapi.CertificateOutputFormatDER, cmapi.CertificateOutputFormatCombinedPEM)...)
	}
	return all
}
