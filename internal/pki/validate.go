package pki

import (
	"slices"
	"time"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// Limits are the bounds of Validate that an operator may move. A zero field
// stands for its default.
type Limits struct {
	// MinDuration is the shortest spec.duration, 1 hour by default.
	MinDuration time.Duration
	// MinRenewBefore is the shortest time between renewal and end, 5 minutes
	// by default: about what one attempt at a slow issuer takes.
	MinRenewBefore time.Duration
}

// Validate checks a Certificate's spec against every rule of the API, with the
// default limits. Each error names the field, its fault and the remedy; no
// error repeats a password. An empty list means that the spec can be acted on.
func Validate(spec *cmapi.CertificateSpec) field.ErrorList {
	return Limits{}.Validate(spec)
}

// Validate is the function Validate with these limits.
func (l Limits) Validate(spec *cmapi.CertificateSpec) field.ErrorList {
	if l.MinDuration == 0 {
		l.MinDuration = cmapi.MinimumCertificateDuration
	}
	if l.MinRenewBefore == 0 {
		l.MinRenewBefore = cmapi.MinimumRenewBefore
	}
	path := field.NewPath("spec")
	return slices.Concat(
		validateSecret(spec, path),
		validateIssuerRef(spec, path.Child("issuerRef")),
		validateSubject(spec, path),
		validateAltNames(spec, path),
		validateSize(spec, path),
		l.validateDuration(spec, path),
		validateRenewal(spec.Renewal, path.Child("renewal")),
		validateUsages(spec.Usages, path.Child("usages")),
		validatePrivateKey(spec, path),
		validateNameConstraints(spec, path.Child("nameConstraints")),
		validateKeystores(spec.Keystores, path.Child("keystores")),
		validateOutputFormats(spec.AdditionalOutputFormats, path.Child("additionalOutputFormats")),
		validateHistory(spec.RevisionHistoryLimit, path.Child("revisionHistoryLimit")),
	)
}

// oneOf refuses a value that the schema of the API does not list. Empty stands
// for the default and is allowed.
func oneOf[T ~string](path *field.Path, value T, allowed ...T) field.ErrorList {
	if value == "" || slices.Contains(allowed, value) {
		return nil
	}
	return field.ErrorList{field.NotSupported(path, value, allowed)}
}

func validateUsages(usages []cmapi.KeyUsage, path *field.Path) (all field.ErrorList) {
	for i, u := range usages {
		if keyUsages[u] == 0 && !isExtended(u) {
			all = append(all, field.Invalid(path.Index(i), u, "it is not a usage: "+usageRemedy))
		}
	}
	return all
}

func isExtended(u cmapi.KeyUsage) bool {
	_, ok := extKeyUsages[u]
	return ok
}

func validatePrivateKey(spec *cmapi.CertificateSpec, path *field.Path) (all field.ErrorList) {
	key := path.Child("privateKey")
	s, err := keySpec(spec.PrivateKey)
	if err != nil {
		all = append(all, fieldError(err))
	}
	if k := spec.PrivateKey; k != nil {
		all = append(all, oneOf(key.Child("encoding"), k.Encoding, cmapi.PKCS1, cmapi.PKCS8)...)
		all = append(all, oneOf(key.Child("rotationPolicy"), k.RotationPolicy, cmapi.RotationPolicyAlways, cmapi.RotationPolicyNever)...)
	}
	if a := spec.SignatureAlgorithm; a != "" && knownKeyAlgorithm(s.Algorithm) {
		if err := checkSignatureAlgorithm(a, s.Algorithm); err != nil {
			all = append(all, field.Invalid(path.Child("signatureAlgorithm"), a, err.Error()))
		}
	}
	return all
}

func validateHistory(limit *int32, path *field.Path) field.ErrorList {
	if limit == nil || *limit >= 1 {
		return nil
	}
	return field.ErrorList{field.Invalid(path, *limit, "at least one request is kept: use 1 or more, or leave it out for 1")}
}
