package signingrequests

import (
	"fmt"
	"strings"
	"time"

	"github.com/certwright/certwright/internal/pki"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	experimental "github.com/cert-manager/cert-manager/pkg/apis/experimental/v1alpha1"
	certificatesv1 "k8s.io/api/certificates/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

const (
	durationAnnotation = experimental.CertificateSigningRequestDurationAnnotationKey
	isCAAnnotation     = experimental.CertificateSigningRequestIsCAAnnotationKey
	// minimum is the API server's for spec.expirationSeconds too.
	minimum = experimental.CertificateSigningRequestMinimumDuration

	durationField = "metadata.annotations[" + durationAnnotation + "]"
	isCAField     = "metadata.annotations[" + isCAAnnotation + "]"
)

// asked says what a request asks for in the words of a CertificateRequest, so
// that one set of rules judges both.
func asked(csr *certificatesv1.CertificateSigningRequest) (*cmapi.CertificateRequest, *Fail) {
	duration, fault := askedDuration(csr)
	if fault != nil {
		return nil, fault
	}
	isCA, fault := askedCA(csr)
	if fault != nil {
		return nil, fault
	}
	cr := &cmapi.CertificateRequest{Spec: cmapi.CertificateRequestSpec{
		Request: csr.Spec.Request, Duration: &metav1.Duration{Duration: duration}, IsCA: isCA}}
	for _, usage := range csr.Spec.Usages {
		cr.Spec.Usages = append(cr.Spec.Usages, cmapi.KeyUsage(usage)) // both APIs have the same names
	}
	if err := pki.CheckRequest(cr); err != nil {
		return nil, unfit(err)
	}
	return cr, nil
}

// unfit ends a request that cannot be made into a certificate. The isCA of a
// CertificateRequest is an annotation here.
func unfit(err error) *Fail {
	return &Fail{"SigningError", strings.ReplaceAll(err.Error(), "spec.isCA", isCAField)}
}

// askedDuration is the annotation's, else that of the spec, else the default.
func askedDuration(csr *certificatesv1.CertificateSigningRequest) (time.Duration, *Fail) {
	d, field := cmapi.DefaultCertificateDuration, durationField
	if seconds := csr.Spec.ExpirationSeconds; seconds != nil {
		d, field = time.Duration(*seconds)*time.Second, "spec.expirationSeconds"
	}
	if text, ok := csr.Annotations[durationAnnotation]; ok {
		var err error
		if d, err = time.ParseDuration(text); err != nil {
			return 0, &Fail{"ErrorParseDuration", fmt.Sprintf(
				"%s: %.40q is not a duration: make a new request with one such as 720h or 30m", durationField, text)}
		}
		field = durationField
	}
	if d < minimum {
		return 0, &Fail{"InvalidDuration", fmt.Sprintf(
			"%s: %s is too short: make a new request for at least %s", field, d, minimum)}
	}
	return d, nil
}

// askedCA refuses what is neither true nor false: whoever writes "yes" would
// otherwise get a certificate that is no CA, and find out when it is in use.
func askedCA(csr *certificatesv1.CertificateSigningRequest) (bool, *Fail) {
	switch text := csr.Annotations[isCAAnnotation]; text {
	case "true":
		return true, nil
	case "", "false":
		return false, nil
	default:
		return false, &Fail{"SigningError", fmt.Sprintf(
			`%s: %.40q is neither "true" nor "false": make a new request with one of them`, isCAField, text)}
	}
}
