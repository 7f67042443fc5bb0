package handlertest

import (
	"crypto/ecdsa"
	"crypto/x509"
	"slices"
	"strconv"
	"testing"
	"time"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	cmmeta "github.com/cert-manager/cert-manager/pkg/apis/meta/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
)

// The dates of the fixture Certificate, issued for 90 days.
var (
	Issued  = time.Date(2026, time.January, 30, 12, 0, 0, 0, time.UTC) // 30 days before Now
	Ends    = Issued.Add(90 * 24 * time.Hour)
	Renewal = Issued.Add(60 * 24 * time.Hour) // at two thirds
)

// Web is the fixture Certificate "web", new: an ECDSA key, one name, by the
// Issuer "ca", into the Secret "web-tls".
func Web(edit ...func(*cmapi.Certificate)) *cmapi.Certificate {
	crt := &cmapi.Certificate{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: Namespace, Name: "web", UID: "uid-web", Generation: 1,
			CreationTimestamp: metav1.NewTime(Issued.Add(-time.Minute)),
		},
		Spec: cmapi.CertificateSpec{
			SecretName: "web-tls", CommonName: "web.example.com", DNSNames: []string{"web.example.com"},
			IssuerRef:  cmmeta.IssuerReference{Name: "ca"},
			PrivateKey: &cmapi.CertificatePrivateKey{Algorithm: cmapi.ECDSAKeyAlgorithm},
		},
	}
	for _, e := range edit {
		e(crt)
	}
	return crt
}

// Fixture is the Certificate "web" at rest, issued once by the Issuer "ca", as
// it stands in a cluster: all written down, nothing made by a handler.
type Fixture struct {
	CA          Authority
	Key         *ecdsa.PrivateKey
	Leaf        *x509.Certificate
	Issuer      *cmapi.Issuer
	CASecret    *corev1.Secret
	Certificate *cmapi.Certificate
	Request     *cmapi.CertificateRequest
	Secret      *corev1.Secret
}

// AtRest makes the fixture.
func AtRest(t testing.TB) *Fixture {
	t.Helper()
	key, authority := NewKey(t), NewAuthority(t, "Test CA")
	f := &Fixture{
		CA: authority, Issuer: CAIssuer("ca", "ca-pair"), CASecret: PairSecret(t, "ca-pair", authority),
		Certificate: Web(Ready),
	}
	leaf := authority.Issue(t, key.Public())
	f.Key, f.Leaf = key, Leaf(t, leaf)
	f.Request = RequestOf(f.Certificate, 1, CSR(t, key), IssuedAs(leaf, authority.PEM))
	f.Secret = TargetSecret(KeyPEM(t, key), leaf, authority.PEM)
	return f
}

// Objects are all of the fixture.
func (f *Fixture) Objects() []runtime.Object {
	return []runtime.Object{f.Issuer, f.CASecret, f.Certificate, f.Request, f.Secret}
}

// Without are all of the fixture but some.
func (f *Fixture) Without(some ...runtime.Object) []runtime.Object {
	var all []runtime.Object
next:
	for _, o := range f.Objects() {
		for _, s := range some {
			if o == s {
				continue next
			}
		}
		all = append(all, o)
	}
	return all
}

// Ready gives a Certificate the status of the fixture at rest.
func Ready(crt *cmapi.Certificate) {
	revision := 1
	crt.Status = cmapi.CertificateStatus{
		Conditions: []cmapi.CertificateCondition{{
			Type: cmapi.CertificateConditionReady, Status: cmmeta.ConditionTrue, Reason: "Ready",
			Message: "Certificate is up to date and has not expired", ObservedGeneration: 1, LastTransitionTime: at(Issued),
		}},
		NotBefore: at(Issued), NotAfter: at(Ends), RenewalTime: at(Renewal), Revision: &revision,
	}
}

// ManuallyTriggered asks for a renewal as cmctl does.
func ManuallyTriggered(crt *cmapi.Certificate) {
	crt.Status.Conditions = slices.DeleteFunc(crt.Status.Conditions, func(c cmapi.CertificateCondition) bool {
		return c.Type == cmapi.CertificateConditionIssuing
	})
	crt.Status.Conditions = append(crt.Status.Conditions, cmapi.CertificateCondition{
		Type: cmapi.CertificateConditionIssuing, Status: cmmeta.ConditionTrue, Reason: "ManuallyTriggered",
		Message: "Certificate re-issuance manually triggered", ObservedGeneration: 1, LastTransitionTime: at(Now),
	})
}

func at(t time.Time) *metav1.Time {
	m := metav1.NewTime(t.Truncate(time.Second))
	return &m
}

// CAIssuer is a ready Issuer of type CA.
func CAIssuer(name, secret string) *cmapi.Issuer {
	return &cmapi.Issuer{
		ObjectMeta: metav1.ObjectMeta{Namespace: Namespace, Name: name, UID: types.UID("uid-issuer-" + name), Generation: 1},
		Spec:       cmapi.IssuerSpec{IssuerConfig: cmapi.IssuerConfig{CA: &cmapi.CAIssuer{SecretName: secret}}},
		Status:     verified("KeyPairVerified", "Signing CA verified"),
	}
}

// SelfSignedIssuer is a ready Issuer of type SelfSigned.
func SelfSignedIssuer(name string) *cmapi.Issuer {
	return &cmapi.Issuer{
		ObjectMeta: metav1.ObjectMeta{Namespace: Namespace, Name: name, UID: types.UID("uid-issuer-" + name), Generation: 1},
		Spec:       cmapi.IssuerSpec{IssuerConfig: cmapi.IssuerConfig{SelfSigned: &cmapi.SelfSignedIssuer{}}},
		Status:     verified("IsReady", "Ready to sign requests with their own keys"),
	}
}

func verified(reason, message string) cmapi.IssuerStatus {
	return cmapi.IssuerStatus{Conditions: []cmapi.IssuerCondition{{
		Type: cmapi.IssuerConditionReady, Status: cmmeta.ConditionTrue, Reason: reason, Message: message,
		ObservedGeneration: 1, LastTransitionTime: at(Issued),
	}}}
}

// PairSecret holds a CA as a user makes it: without our label.
func PairSecret(t testing.TB, name string, a Authority) *corev1.Secret {
	t.Helper()
	return &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: Namespace, Name: name}, Type: corev1.SecretTypeTLS,
		Data: map[string][]byte{corev1.TLSCertKey: a.PEM, corev1.TLSPrivateKeyKey: KeyPEM(t, a.Key)},
	}
}

// RequestOf is a CertificateRequest for a revision of a Certificate, made a
// minute after it.
func RequestOf(crt *cmapi.Certificate, revision int, csr []byte, edit ...func(*cmapi.CertificateRequest)) *cmapi.CertificateRequest {
	number := strconv.Itoa(revision)
	controller := true
	cr := &cmapi.CertificateRequest{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: Namespace, Name: crt.Name + "-" + number, UID: crt.UID + types.UID("-request-"+number), Generation: 1,
			CreationTimestamp: *at(Issued),
			Annotations: map[string]string{
				"cert-manager.io/certificate-name":        crt.Name,
				"cert-manager.io/certificate-revision":    number,
				"cert-manager.io/private-key-secret-name": crt.Spec.SecretName,
			},
			OwnerReferences: []metav1.OwnerReference{{
				APIVersion: "cert-manager.io/v1", Kind: "Certificate", Name: crt.Name, UID: crt.UID,
				Controller: &controller, BlockOwnerDeletion: &controller,
			}},
		},
		Spec: cmapi.CertificateRequestSpec{
			Request: csr, IssuerRef: crt.Spec.IssuerRef, IsCA: crt.Spec.IsCA, Usages: crt.Spec.Usages, Duration: crt.Spec.Duration,
		},
	}
	for _, e := range edit {
		e(cr)
	}
	return cr
}

// IssuedAs gives a request a certificate, approved and signed.
func IssuedAs(chain, ca []byte) func(*cmapi.CertificateRequest) {
	return func(cr *cmapi.CertificateRequest) {
		Approved(cr)
		Condition(cmapi.CertificateRequestConditionReady, cmmeta.ConditionTrue, "Issued", "Certificate fetched from issuer successfully")(cr)
		cr.Status.Certificate, cr.Status.CA = chain, ca
	}
}

// Approved has a request approved as we do.
func Approved(cr *cmapi.CertificateRequest) {
	Condition(cmapi.CertificateRequestConditionApproved, cmmeta.ConditionTrue, "cert-manager.io",
		"Certificate request has been approved by cert-manager.io")(cr)
}

// Condition puts a condition on a request.
func Condition(kind cmapi.CertificateRequestConditionType, status cmmeta.ConditionStatus, reason, message string) func(*cmapi.CertificateRequest) {
	return func(cr *cmapi.CertificateRequest) {
		cr.Status.Conditions = append(cr.Status.Conditions, cmapi.CertificateRequestCondition{
			Type: kind, Status: status, Reason: reason, Message: message, LastTransitionTime: at(Issued),
		})
	}
}

// TargetSecret is the Secret of the fixture Certificate, as an apply of ours
// left it.
func TargetSecret(key, chain, ca []byte) *corev1.Secret {
	return &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: Namespace, Name: "web-tls", UID: "uid-web-tls",
			Labels: map[string]string{"controller.cert-manager.io/fao": "true"},
			Annotations: map[string]string{
				"cert-manager.io/alt-names":        "web.example.com",
				"cert-manager.io/certificate-name": "web",
				"cert-manager.io/common-name":      "web.example.com",
				"cert-manager.io/ip-sans":          "",
				"cert-manager.io/issuer-group":     "",
				"cert-manager.io/issuer-kind":      "Issuer",
				"cert-manager.io/issuer-name":      "ca",
				"cert-manager.io/uri-sans":         "",
			},
			ManagedFields: []metav1.ManagedFieldsEntry{{
				Manager: "cert-manager-certificates-issuing", Operation: metav1.ManagedFieldsOperationApply,
				APIVersion: "v1", FieldsType: "FieldsV1", FieldsV1: metav1.NewFieldsV1(appliedFields),
			}},
		},
		Type: corev1.SecretTypeTLS,
		Data: map[string][]byte{corev1.TLSPrivateKeyKey: key, corev1.TLSCertKey: chain, cmmeta.TLSCAKey: ca},
	}
}

// appliedFields is what an API server notes of that apply.
const appliedFields = `{
	"f:data": {"f:ca.crt": {}, "f:tls.crt": {}, "f:tls.key": {}},
	"f:metadata": {
		"f:annotations": {
			"f:cert-manager.io/alt-names": {}, "f:cert-manager.io/certificate-name": {},
			"f:cert-manager.io/common-name": {}, "f:cert-manager.io/ip-sans": {},
			"f:cert-manager.io/issuer-group": {}, "f:cert-manager.io/issuer-kind": {},
			"f:cert-manager.io/issuer-name": {}, "f:cert-manager.io/uri-sans": {}
		},
		"f:labels": {"f:controller.cert-manager.io/fao": {}}
	},
	"f:type": {}
}`
