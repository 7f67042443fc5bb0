package verdict

import (
	"time"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	cmmeta "github.com/cert-manager/cert-manager/pkg/apis/meta/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

var now = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func at(d time.Duration) *metav1.Time {
	t := metav1.NewTime(now.Add(d))
	return &t
}

func ptr[T any](v T) *T { return &v }

const day = 24 * time.Hour

// certificate is the Certificate ns/web as somebody created it 5 minutes ago.
func certificate(change ...func(*cmapi.Certificate)) *cmapi.Certificate {
	crt := &cmapi.Certificate{
		ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: "web", UID: "crt-1", CreationTimestamp: *at(-5 * time.Minute)},
		Spec: cmapi.CertificateSpec{
			SecretName: "web-tls", DNSNames: []string{"web.example.com"},
			IssuerRef: cmmeta.IssuerReference{Name: "ca"},
		},
	}
	for _, c := range change {
		c(crt)
	}
	return crt
}

func with(t cmapi.CertificateConditionType, s cmmeta.ConditionStatus, reason, message string) func(*cmapi.Certificate) {
	return func(crt *cmapi.Certificate) {
		crt.Status.Conditions = append(crt.Status.Conditions, cmapi.CertificateCondition{
			Type: t, Status: s, Reason: reason, Message: message, LastTransitionTime: at(-2 * time.Minute),
		})
	}
}

// ready is a Certificate issued 30 of its 90 days ago.
func ready(crt *cmapi.Certificate) {
	crt.CreationTimestamp = *at(-30 * day)
	crt.Status.Conditions = []cmapi.CertificateCondition{{
		Type: "Ready", Status: "True", Reason: "Ready", Message: "Certificate is up to date and has not expired", LastTransitionTime: at(-30 * day),
	}}
	crt.Status.Revision = ptr(1)
	crt.Status.NotBefore, crt.Status.NotAfter, crt.Status.RenewalTime = at(-30*day), at(60*day), at(30*day)
}

func issuing(crt *cmapi.Certificate) {
	with("Ready", "False", "DoesNotExist", "Issuing certificate as Secret does not exist")(crt)
	with("Issuing", "True", "DoesNotExist", "Issuing certificate as Secret does not exist")(crt)
}

// failedOnce is a Certificate whose first attempt failed 10 minutes ago.
func failedOnce(crt *cmapi.Certificate) {
	with("Ready", "False", "DoesNotExist", "Issuing certificate as Secret does not exist")(crt)
	with("Issuing", "False", "Failed", "The certificate request has failed to complete and will be retried: no such role")(crt)
	crt.Status.LastFailureTime, crt.Status.FailedIssuanceAttempts = at(-10*time.Minute), ptr(1)
}

// request is the CertificateRequest of the given revision of ns/web.
func request(revision string, conditions ...cmapi.CertificateRequestCondition) *cmapi.CertificateRequest {
	for i := range conditions {
		conditions[i].LastTransitionTime = at(-time.Minute)
	}
	return &cmapi.CertificateRequest{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: "ns", Name: "web-" + revision, UID: "cr-1", CreationTimestamp: *at(-time.Minute),
			Annotations:     map[string]string{"cert-manager.io/certificate-name": "web", "cert-manager.io/certificate-revision": revision},
			OwnerReferences: []metav1.OwnerReference{{APIVersion: "cert-manager.io/v1", Kind: "Certificate", Name: "web", UID: "crt-1", Controller: ptr(true)}},
		},
		Status: cmapi.CertificateRequestStatus{Conditions: conditions},
	}
}

func approved() cmapi.CertificateRequestCondition {
	return cmapi.CertificateRequestCondition{Type: "Approved", Status: "True", Reason: "cert-manager.io", Message: "Certificate request has been approved by cert-manager.io"}
}

func readyRequest(s cmmeta.ConditionStatus, reason, message string) cmapi.CertificateRequestCondition {
	return cmapi.CertificateRequestCondition{Type: "Ready", Status: s, Reason: reason, Message: message}
}

func issuer(s cmmeta.ConditionStatus, reason, message string) *cmapi.Issuer {
	i := &cmapi.Issuer{ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: "ca"}}
	if s != "" {
		i.Status.Conditions = []cmapi.IssuerCondition{{Type: "Ready", Status: s, Reason: reason, Message: message}}
	}
	return i
}

func goodIssuer() *cmapi.Issuer { return issuer("True", "KeyPairVerified", "Signing CA verified") }
