package harness

import (
	"fmt"
	"time"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	cmmeta "github.com/cert-manager/cert-manager/pkg/apis/meta/v1"
	corev1 "k8s.io/api/core/v1"
)

// Condition returns a Certificate's condition, or nil.
func Condition(crt *cmapi.Certificate, kind cmapi.CertificateConditionType) *cmapi.CertificateCondition {
	for i, c := range crt.Status.Conditions {
		if c.Type == kind {
			return &crt.Status.Conditions[i]
		}
	}
	return nil
}

// RequestCondition returns a CertificateRequest's condition, or nil.
func RequestCondition(cr *cmapi.CertificateRequest, kind cmapi.CertificateRequestConditionType) *cmapi.CertificateRequestCondition {
	for i, c := range cr.Status.Conditions {
		if c.Type == kind {
			return &cr.Status.Conditions[i]
		}
	}
	return nil
}

// Ready tells whether a Certificate is issued and kept: Ready for its present
// spec, and nothing under way.
func Ready(crt *cmapi.Certificate) bool {
	ready := Condition(crt, cmapi.CertificateConditionReady)
	issuing := Condition(crt, cmapi.CertificateConditionIssuing)
	return ready != nil && ready.Status == cmmeta.ConditionTrue &&
		ready.ObservedGeneration == crt.Generation &&
		(issuing == nil || issuing.Status != cmmeta.ConditionTrue)
}

// Revision is how often a Certificate was issued.
func Revision(crt *cmapi.Certificate) int {
	if crt.Status.Revision == nil {
		return 0
	}
	return *crt.Status.Revision
}

// ReadyAt tells whether a Certificate is Ready at that revision or a later one.
func ReadyAt(revision int) func(*cmapi.Certificate) bool {
	return func(crt *cmapi.Certificate) bool { return Ready(crt) && Revision(crt) >= revision }
}

// AllReady tells whether there are n Certificates and all are Ready.
func AllReady(n int) func([]*cmapi.Certificate) bool {
	return func(all []*cmapi.Certificate) bool {
		for _, crt := range all {
			if !Ready(crt) {
				return false
			}
		}
		return len(all) == n
	}
}

// IssuerReady gives the Ready condition of an Issuer's or ClusterIssuer's
// status: whether it is True, and why.
func IssuerReady(status cmapi.IssuerStatus) (ready bool, reason, message string) {
	for _, c := range status.Conditions {
		if c.Type == cmapi.IssuerConditionReady {
			return c.Status == cmmeta.ConditionTrue, c.Reason, c.Message
		}
	}
	return false, "", ""
}

// Elapsed renders a duration as people say it: "850ms", "12.3s", "4m10s".
func Elapsed(d time.Duration) string {
	switch {
	case d < time.Second:
		return d.Round(time.Millisecond).String()
	case d < time.Minute:
		return fmt.Sprintf("%.1fs", d.Seconds())
	default:
		return d.Round(time.Second).String()
	}
}

// HasKeyPair tells whether a Secret holds a key and a certificate.
func HasKeyPair(secret *corev1.Secret) bool {
	return len(secret.Data[corev1.TLSPrivateKeyKey]) > 0 && len(secret.Data[corev1.TLSCertKey]) > 0
}

// Exists holds of every object that is there.
func Exists[T Object](T) bool { return true }
