package rules

import (
	"crypto/x509"
	"encoding/pem"
	"slices"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	cmmeta "github.com/cert-manager/cert-manager/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// Issuer checks the spec of an Issuer or ClusterIssuer. An empty list means
// that it can be acted on.
func Issuer(spec *cmapi.IssuerSpec) field.ErrorList {
	path := field.NewPath("spec")
	all := exactlyOne(path,
		choice{"acme", spec.ACME != nil}, choice{"ca", spec.CA != nil}, choice{"selfSigned", spec.SelfSigned != nil},
		choice{"vault", spec.Vault != nil}, choice{"venafi", spec.Venafi != nil})
	if spec.ACME != nil {
		all = append(all, acme(spec.ACME, path.Child("acme"))...)
	}
	if spec.CA != nil {
		all = append(all, ca(spec.CA, path.Child("ca"))...)
	}
	if spec.Vault != nil {
		all = append(all, vault(spec.Vault, path.Child("vault"))...)
	}
	if spec.Venafi != nil {
		all = append(all, venafi(spec.Venafi, path.Child("venafi"))...)
	}
	return all
}

func ca(spec *cmapi.CAIssuer, path *field.Path) field.ErrorList {
	return slices.Concat(
		filled(path.Child("secretName"), spec.SecretName, "name the Secret with the CA's certificate and key"),
		filledEach(path.Child("ocspServers"), spec.OCSPServers),
		filledEach(path.Child("issuingCertificateURLs"), spec.IssuingCertificateURLs),
	)
}

func filledEach(path *field.Path, urls []string) (all field.ErrorList) {
	for i, url := range urls {
		all = append(all, filled(path.Index(i), url, "give a URL, or remove the entry")...)
	}
	return all
}

func venafi(spec *cmapi.VenafiIssuer, path *field.Path) field.ErrorList {
	all := slices.Concat(
		filled(path.Child("zone"), spec.Zone, "name the zone (the policy folder, or the application and template)"),
		exactlyOne(path, choice{"tpp", spec.TPP != nil}, choice{"cloud", spec.Cloud != nil}, choice{"ngts", spec.NGTS != nil}),
	)
	if tpp := spec.TPP; tpp != nil {
		at := path.Child("tpp")
		all = append(all, filled(at.Child("url"), tpp.URL, "give the server's URL, such as https://tpp.example.com/vedsdk")...)
		all = append(all, bundle(at, tpp.CABundle, tpp.CABundleSecretRef)...)
	}
	if ngts := spec.NGTS; ngts != nil {
		at := path.Child("ngts")
		all = append(all, filled(at.Child("tsgID"), ngts.TSGID, "give the number of the tenant service group")...)
		all = append(all, filled(at.Child("credentialsRef", "name"), ngts.CredentialsRef.Name, "name the Secret with client-id and client-secret")...)
	}
	return all
}

// bundle checks the roots by which a server is known: given directly or in a
// Secret, not both.
func bundle(path *field.Path, inline []byte, ref *cmmeta.SecretKeySelector) field.ErrorList {
	return slices.Concat(
		apart(path.Child("caBundle"), len(inline) > 0 && ref != nil, "caBundleSecretRef"),
		certificates(path.Child("caBundle"), inline),
	)
}

// certificates wants a certificate in PEM in data, if there is data. Beside the
// first that can be read it takes anything: bundles in use are not always tidy,
// and a verifier skips what it cannot read.
func certificates(path *field.Path, data []byte) field.ErrorList {
	if len(data) == 0 {
		return nil
	}
	for rest := data; ; {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			return field.ErrorList{field.Invalid(path, field.OmitValueType{}, "there is no certificate in it: give CA certificates in PEM, encoded in base64 once")}
		}
		if block.Type != "CERTIFICATE" {
			continue
		}
		if _, err := x509.ParseCertificate(block.Bytes); err == nil {
			return nil
		}
	}
}
