package informers

import (
	"testing"
	"testing/synctest"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	cmmeta "github.com/cert-manager/cert-manager/pkg/apis/meta/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// bubble runs a test over an empty cluster in a synctest bubble.
func bubble(t *testing.T, f func(t *testing.T, c *cluster)) {
	t.Helper()
	t.Parallel()
	synctest.Test(t, func(t *testing.T) { f(t, newCluster(t)) })
}

func named(namespace, name string) metav1.ObjectMeta {
	return metav1.ObjectMeta{Namespace: namespace, Name: name, UID: types.UID("uid-of-" + name)}
}

func certificate(namespace, name, secretName string) *cmapi.Certificate {
	return &cmapi.Certificate{
		ObjectMeta: named(namespace, name),
		Spec:       cmapi.CertificateSpec{SecretName: secretName, IssuerRef: cmmeta.IssuerReference{Name: "ca"}}}
}

// withPasswords adds keystores whose passwords are in these Secrets.
func withPasswords(crt *cmapi.Certificate, jks, pkcs12 string) *cmapi.Certificate {
	ref := func(name string) cmmeta.SecretKeySelector {
		return cmmeta.SecretKeySelector{LocalObjectReference: cmmeta.LocalObjectReference{Name: name}}
	}
	crt.Spec.Keystores = &cmapi.CertificateKeystores{
		JKS:    &cmapi.JKSKeystore{Create: true, PasswordSecretRef: ref(jks)},
		PKCS12: &cmapi.PKCS12Keystore{Create: true, PasswordSecretRef: ref(pkcs12)}}
	return crt
}

// request is one made by hand, for an issuer of our group.
func request(namespace, name, issuerKind, issuerName string) *cmapi.CertificateRequest {
	return &cmapi.CertificateRequest{
		ObjectMeta: named(namespace, name),
		Spec:       cmapi.CertificateRequestSpec{IssuerRef: cmmeta.IssuerReference{Kind: issuerKind, Name: issuerName}}}
}

// withKey names the Secret that holds the key.
func withKey(cr *cmapi.CertificateRequest, secretName string) *cmapi.CertificateRequest {
	cr.Annotations = map[string]string{cmapi.CertificateRequestPrivateKeyAnnotationKey: secretName}
	return cr
}

// ended gives a request its end: Issued, Failed or Denied.
func ended(cr *cmapi.CertificateRequest, reason string) *cmapi.CertificateRequest {
	cr = cr.DeepCopy()
	status := cmmeta.ConditionFalse
	if reason == cmapi.CertificateRequestReasonIssued {
		status = cmmeta.ConditionTrue
		cr.Status.Certificate = []byte("chain")
	}
	cr.Status.Conditions = []cmapi.CertificateRequestCondition{
		{Type: cmapi.CertificateRequestConditionReady, Status: status, Reason: reason}}
	return cr
}

func issuer(namespace, name, caSecret string) *cmapi.Issuer {
	return &cmapi.Issuer{ObjectMeta: named(namespace, name), Spec: caSpec(caSecret)}
}

func clusterIssuer(name, caSecret string) *cmapi.ClusterIssuer {
	return &cmapi.ClusterIssuer{ObjectMeta: named("", name), Spec: caSpec(caSecret)}
}

func caSpec(secretName string) cmapi.IssuerSpec {
	return cmapi.IssuerSpec{IssuerConfig: cmapi.IssuerConfig{CA: &cmapi.CAIssuer{SecretName: secretName}}}
}

// foreignSecret is one that somebody else made.
func foreignSecret(namespace, name string) *corev1.Secret {
	return &corev1.Secret{ObjectMeta: named(namespace, name), Data: map[string][]byte{"tls.key": []byte("key")}}
}

// ownSecret is one with our label.
func ownSecret(namespace, name string) *corev1.Secret {
	s := foreignSecret(namespace, name)
	s.Labels = map[string]string{"controller.cert-manager.io/fao": "true"}
	return s
}

// keySecretOf is the next-private-key Secret of a Certificate.
func keySecretOf(crt *cmapi.Certificate, name string) *corev1.Secret {
	s := controlled(ownSecret(crt.Namespace, name), crt)
	s.Labels["cert-manager.io/next-private-key"] = "true"
	return s
}

// controlled makes the Certificate the controller of an object.
func controlled[T object](o T, crt *cmapi.Certificate) T {
	o.SetOwnerReferences([]metav1.OwnerReference{
		*metav1.NewControllerRef(crt, cmapi.SchemeGroupVersion.WithKind(cmapi.CertificateKind))})
	return o
}
