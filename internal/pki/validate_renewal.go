package pki

import (
	"fmt"
	"time"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

func (l Limits) validateDuration(spec *cmapi.CertificateSpec, path *field.Path) (all field.ErrorList) {
	lifetime := durationOf(spec.Duration)
	if lifetime < l.MinDuration {
		all = append(all, field.Invalid(path.Child("duration"), lifetime.String(), fmt.Sprintf("the shortest duration is %s: use a longer one, or leave it out for %s", l.MinDuration, cmapi.DefaultCertificateDuration)))
	}
	before, percent := path.Child("renewBefore"), path.Child("renewBeforePercentage")
	if spec.RenewBefore != nil && spec.RenewBeforePercentage != nil {
		all = append(all, field.Forbidden(percent, "it cannot be set together with renewBefore: remove one of the two"))
	}
	if r := spec.RenewBefore; r != nil {
		switch {
		case r.Duration < l.MinRenewBefore:
			all = append(all, field.Invalid(before, r.Duration.String(), fmt.Sprintf("the shortest is %s: use a longer one, or leave it out for a third of the lifetime", l.MinRenewBefore)))
		case r.Duration >= lifetime:
			all = append(all, field.Invalid(before, r.Duration.String(), fmt.Sprintf("it must be shorter than the duration of %s", lifetime)))
		}
	}
	if p := spec.RenewBeforePercentage; p != nil {
		switch {
		case *p <= 0 || *p >= 100:
			all = append(all, field.Invalid(percent, *p, "it must be from 1 to 99"))
		case lifetime/100*time.Duration(*p) < l.MinRenewBefore:
			all = append(all, field.Invalid(percent, *p, fmt.Sprintf("of a duration of %s that is %s, less than %s: use a higher percentage or a longer duration", lifetime, lifetime/100*time.Duration(*p), l.MinRenewBefore)))
		}
	}
	return all
}

func validateRenewal(r *cmapi.CertificateRenewal, path *field.Path) (all field.ErrorList) {
	if r == nil {
		return nil
	}
	all = oneOf(path.Child("policy"), r.Policy, cmapi.CertificateRenewalPolicyRenewBefore, cmapi.CertificateRenewalPolicyDisabled)
	if r.Policy == cmapi.CertificateRenewalPolicyDisabled && len(r.Windows) > 0 {
		all = append(all, field.Forbidden(path.Child("windows"), "nothing is renewed with the policy Disabled: remove the windows or use RenewBefore"))
	}
	for i, w := range r.Windows {
		if _, wrong := parseWindow(w); wrong != nil {
			all = append(all, field.Invalid(path.Child("windows").Index(i).Child(wrong.field), wrong.value, wrong.text))
		}
	}
	return all
}
