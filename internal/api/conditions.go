package api

import (
	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	cmmeta "github.com/cert-manager/cert-manager/pkg/apis/meta/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// CertificateCondition returns the condition of type t, or nil.
func CertificateCondition(crt *cmapi.Certificate, t cmapi.CertificateConditionType) *cmapi.CertificateCondition {
	for i := range crt.Status.Conditions {
		if crt.Status.Conditions[i].Type == t {
			return &crt.Status.Conditions[i]
		}
	}
	return nil
}

// CertificateIs reports whether the condition of type t is True.
func CertificateIs(crt *cmapi.Certificate, t cmapi.CertificateConditionType) bool {
	c := CertificateCondition(crt, t)
	return c != nil && c.Status == cmmeta.ConditionTrue
}

// SetCertificateCondition puts c among crt's conditions in place of the one of
// its type. LastTransitionTime moves only when the status does, so that
// setting the same condition twice changes nothing.
func SetCertificateCondition(crt *cmapi.Certificate, c cmapi.CertificateCondition, now metav1.Time) {
	c.ObservedGeneration = crt.Generation
	c.LastTransitionTime = &now
	if old := CertificateCondition(crt, c.Type); old != nil {
		if old.Status == c.Status && old.LastTransitionTime != nil {
			c.LastTransitionTime = old.LastTransitionTime
		}
		*old = c
		return
	}
	crt.Status.Conditions = append(crt.Status.Conditions, c)
}

// RemoveCertificateCondition takes the condition of type t away.
func RemoveCertificateCondition(crt *cmapi.Certificate, t cmapi.CertificateConditionType) {
	var kept []cmapi.CertificateCondition
	for _, c := range crt.Status.Conditions {
		if c.Type != t {
			kept = append(kept, c)
		}
	}
	crt.Status.Conditions = kept
}

// RequestCondition returns the condition of type t, or nil.
func RequestCondition(cr *cmapi.CertificateRequest, t cmapi.CertificateRequestConditionType) *cmapi.CertificateRequestCondition {
	for i := range cr.Status.Conditions {
		if cr.Status.Conditions[i].Type == t {
			return &cr.Status.Conditions[i]
		}
	}
	return nil
}

// RequestIs reports whether the condition of type t is True.
func RequestIs(cr *cmapi.CertificateRequest, t cmapi.CertificateRequestConditionType) bool {
	c := RequestCondition(cr, t)
	return c != nil && c.Status == cmmeta.ConditionTrue
}

// SetRequestCondition puts a condition among cr's in place of the one of its type.
func SetRequestCondition(cr *cmapi.CertificateRequest, c cmapi.CertificateRequestCondition, now metav1.Time) {
	c.LastTransitionTime = &now
	if old := RequestCondition(cr, c.Type); old != nil {
		if old.Status == c.Status && old.LastTransitionTime != nil {
			c.LastTransitionTime = old.LastTransitionTime
		}
		*old = c
		return
	}
	cr.Status.Conditions = append(cr.Status.Conditions, c)
}

// RequestReason is the reason of cr's Ready condition, or "" when it has none.
func RequestReason(cr *cmapi.CertificateRequest) string {
	if c := RequestCondition(cr, cmapi.CertificateRequestConditionReady); c != nil {
		return c.Reason
	}
	return ""
}

// RequestIssued reports whether cr carries a certificate and says so.
func RequestIssued(cr *cmapi.CertificateRequest) bool {
	return RequestIs(cr, cmapi.CertificateRequestConditionReady) && len(cr.Status.Certificate) > 0
}

// RequestFailed returns the condition that ended cr without a certificate, or
// nil while it may still be signed. A failed request is never tried again.
func RequestFailed(cr *cmapi.CertificateRequest) *cmapi.CertificateRequestCondition {
	ready := RequestCondition(cr, cmapi.CertificateRequestConditionReady)
	if RequestIs(cr, cmapi.CertificateRequestConditionInvalidRequest) {
		return RequestCondition(cr, cmapi.CertificateRequestConditionInvalidRequest)
	}
	if ready == nil || ready.Status != cmmeta.ConditionFalse {
		return nil
	}
	if ready.Reason == cmapi.CertificateRequestReasonFailed || ready.Reason == cmapi.CertificateRequestReasonDenied {
		return ready
	}
	return nil
}

// RequestFinal reports whether cr has reached an end: issued, failed or denied.
func RequestFinal(cr *cmapi.CertificateRequest) bool {
	return RequestIssued(cr) || RequestFailed(cr) != nil
}

// IssuerReady reports whether the issuer's Ready condition is True.
func IssuerReady(issuer cmapi.GenericIssuer) bool {
	c := IssuerCondition(issuer.GetStatus())
	return c != nil && c.Status == cmmeta.ConditionTrue
}

// IssuerCondition returns the Ready condition, or nil.
func IssuerCondition(status *cmapi.IssuerStatus) *cmapi.IssuerCondition {
	for i := range status.Conditions {
		if status.Conditions[i].Type == cmapi.IssuerConditionReady {
			return &status.Conditions[i]
		}
	}
	return nil
}

// SetIssuerReady sets the Ready condition as seen at the given generation of
// the issuer's spec.
func SetIssuerReady(status *cmapi.IssuerStatus, c cmapi.IssuerCondition, generation int64, now metav1.Time) {
	c.Type, c.ObservedGeneration, c.LastTransitionTime = cmapi.IssuerConditionReady, generation, &now
	if old := IssuerCondition(status); old != nil {
		if old.Status == c.Status && old.LastTransitionTime != nil {
			c.LastTransitionTime = old.LastTransitionTime
		}
		*old = c
		return
	}
	status.Conditions = append(status.Conditions, c)
}
