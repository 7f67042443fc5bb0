package daemon

import (
	"crypto/tls"
	"crypto/x509"
	"strings"
	"time"

	"github.com/certwright/certwright/internal/api"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	cmmeta "github.com/cert-manager/cert-manager/pkg/apis/meta/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
)

// ns is where everything happens that happens in one namespace.
const ns = "shop"

// certificate is a leaf with an ECDSA key, from the issuer of that name.
func certificate(name, issuer string, edit ...func(*cmapi.Certificate)) *cmapi.Certificate {
	crt := &cmapi.Certificate{
		ObjectMeta: metav1.ObjectMeta{Namespace: ns, Name: name},
		Spec: cmapi.CertificateSpec{
			SecretName: name + "-tls", DNSNames: []string{name + ".example.com"},
			PrivateKey: &cmapi.CertificatePrivateKey{Algorithm: cmapi.ECDSAKeyAlgorithm},
			IssuerRef:  cmmeta.IssuerReference{Name: issuer},
		}}
	for _, f := range edit {
		f(crt)
	}
	return crt
}

// root is the Certificate of a CA that signs itself and lasts ten years.
func root() *cmapi.Certificate {
	return certificate("root", "selfsigned", func(crt *cmapi.Certificate) {
		crt.Spec.IsCA, crt.Spec.CommonName = true, "Example Root"
		crt.Spec.Duration = &metav1.Duration{Duration: 10 * 365 * 24 * time.Hour}
	})
}

func issuer(name string, config cmapi.IssuerConfig) *cmapi.Issuer {
	return &cmapi.Issuer{ObjectMeta: metav1.ObjectMeta{Namespace: ns, Name: name}, Spec: cmapi.IssuerSpec{IssuerConfig: config}}
}

func clusterIssuer(name string, config cmapi.IssuerConfig) *cmapi.ClusterIssuer {
	return &cmapi.ClusterIssuer{ObjectMeta: metav1.ObjectMeta{Name: name}, Spec: cmapi.IssuerSpec{IssuerConfig: config}}
}

func selfSigned() cmapi.IssuerConfig {
	return cmapi.IssuerConfig{SelfSigned: &cmapi.SelfSignedIssuer{}}
}

func caOf(secretName string) cmapi.IssuerConfig {
	return cmapi.IssuerConfig{CA: &cmapi.CAIssuer{SecretName: secretName}}
}

// create makes objects as a user would.
func (w *world) create(objs ...runtime.Object) {
	w.Helper()
	for _, obj := range objs {
		var err error
		cm, o := w.user.CertManager.CertmanagerV1(), metav1.CreateOptions{}
		switch obj := obj.(type) {
		case *cmapi.Certificate:
			_, err = cm.Certificates(obj.Namespace).Create(w.ctx, obj, o)
		case *cmapi.CertificateRequest:
			_, err = cm.CertificateRequests(obj.Namespace).Create(w.ctx, obj, o)
		case *cmapi.Issuer:
			_, err = cm.Issuers(obj.Namespace).Create(w.ctx, obj, o)
		case *cmapi.ClusterIssuer:
			_, err = cm.ClusterIssuers().Create(w.ctx, obj, o)
		case *corev1.Secret:
			_, err = w.user.Core.CoreV1().Secrets(obj.Namespace).Create(w.ctx, obj, o)
		default:
			w.Fatalf("no way to create a %T", obj)
		}
		w.must(err)
	}
}

func (w *world) must(err error) {
	w.Helper()
	if err != nil {
		w.Fatalf("%v", err)
	}
}

// withCA makes a root and the Issuer "ca" that signs with it, and waits for them.
func (w *world) withCA() {
	w.Helper()
	w.create(issuer("selfsigned", selfSigned()), root(), issuer("ca", caOf("root-tls")))
	w.rest()
	w.expectReady("root")
}

func (w *world) certificate(name string) *cmapi.Certificate {
	w.Helper()
	crt, err := w.user.CertManager.CertmanagerV1().Certificates(ns).Get(w.ctx, name, metav1.GetOptions{})
	w.must(err)
	return crt
}

// change edits the spec of a Certificate.
func (w *world) change(name string, edit func(*cmapi.Certificate)) {
	w.Helper()
	w.retry(func() error {
		crt := w.certificate(name)
		edit(crt)
		_, err := w.user.CertManager.CertmanagerV1().Certificates(ns).Update(w.ctx, crt, metav1.UpdateOptions{})
		return err
	})
}

// retry does what a person does who is told of a conflict: try again. What is
// gone meanwhile is left alone.
func (w *world) retry(do func() error) {
	w.Helper()
	for range 50 {
		switch err := do(); {
		case apierrors.IsConflict(err):
		case apierrors.IsNotFound(err):
			return
		default:
			w.must(err)
			return
		}
	}
	w.Fatalf("conflicts without end")
}

func (w *world) deleteCertificate(name string) {
	w.Helper()
	w.retry(func() error {
		return w.user.CertManager.CertmanagerV1().Certificates(ns).Delete(w.ctx, name, metav1.DeleteOptions{})
	})
}

// requests are the CertificateRequests of the namespace.
func (w *world) requests() []cmapi.CertificateRequest {
	w.Helper()
	list, err := w.user.CertManager.CertmanagerV1().CertificateRequests(ns).List(w.ctx, metav1.ListOptions{})
	w.must(err)
	return list.Items
}

func (w *world) request(name string) *cmapi.CertificateRequest {
	w.Helper()
	cr, err := w.user.CertManager.CertmanagerV1().CertificateRequests(ns).Get(w.ctx, name, metav1.GetOptions{})
	w.must(err)
	return cr
}

// setRequest writes the status of a request as another controller would.
func (w *world) setRequest(name string, edit func(*cmapi.CertificateRequest)) {
	w.Helper()
	cr := w.request(name)
	edit(cr)
	_, err := w.user.CertManager.CertmanagerV1().CertificateRequests(ns).UpdateStatus(w.ctx, cr, metav1.UpdateOptions{})
	w.must(err)
}

// secret is nil when there is none.
func (w *world) secret(name string) *corev1.Secret {
	w.Helper()
	s, err := w.user.Core.CoreV1().Secrets(ns).Get(w.ctx, name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return nil
	}
	w.must(err)
	return s
}

func (w *world) changeSecret(name string, edit func(*corev1.Secret)) {
	w.Helper()
	w.retry(func() error {
		s := w.secret(name)
		if s == nil {
			return nil
		}
		edit(s)
		_, err := w.user.Core.CoreV1().Secrets(ns).Update(w.ctx, s, metav1.UpdateOptions{})
		return err
	})
}

func (w *world) deleteSecret(name string) {
	w.Helper()
	w.retry(func() error { return w.user.Core.CoreV1().Secrets(ns).Delete(w.ctx, name, metav1.DeleteOptions{}) })
}

// expectReady checks that a Certificate is Ready, and that what its Secret
// holds is a pair for its names that the CA beside it vouches for.
func (w *world) expectReady(name string) *x509.Certificate {
	w.Helper()
	crt := w.certificate(name)
	ready := api.CertificateCondition(crt, cmapi.CertificateConditionReady)
	if ready == nil || ready.Status != cmmeta.ConditionTrue || ready.ObservedGeneration != crt.Generation {
		w.Fatalf("Certificate %s is not ready at generation %d: %+v", name, crt.Generation, crt.Status)
	}
	if c := api.CertificateCondition(crt, cmapi.CertificateConditionIssuing); c != nil {
		w.Errorf("Certificate %s is ready, and says besides: %+v", name, c)
	}
	s := w.secret(crt.Spec.SecretName)
	if s == nil {
		w.Fatalf("Certificate %s is ready, and has no Secret", name)
	}
	leaf, err := verify(s, crt.Spec.DNSNames)
	if err != nil {
		w.Fatalf("Secret of Certificate %s: %v", name, err)
	}
	if crt.Status.NotAfter == nil || !crt.Status.NotAfter.Time.Equal(leaf.NotAfter) {
		w.Errorf("Certificate %s: the status says it ends %v, it does %v", name, crt.Status.NotAfter, leaf.NotAfter)
	}
	return leaf
}

// expectCondition checks the status of a condition, and words in its message.
func (w *world) expectCondition(name string, t cmapi.CertificateConditionType, status, words string) {
	w.Helper()
	c := api.CertificateCondition(w.certificate(name), t)
	if c == nil || string(c.Status) != status || !strings.Contains(c.Message, words) {
		w.Errorf("%s of Certificate %s is %+v, want %s with %q", t, name, c, status, words)
	}
}

// expectEvent checks that an Event about an object has a word in its message
// or for its reason, as `kubectl describe` would show it.
func (w *world) expectEvent(name, word string) {
	w.Helper()
	list, err := w.user.Core.CoreV1().Events(ns).List(w.ctx, metav1.ListOptions{})
	w.must(err)
	var told []string
	for _, e := range list.Items {
		if e.InvolvedObject.Name == name {
			told = append(told, e.Reason+": "+e.Message)
		}
	}
	if !strings.Contains(strings.Join(told, "\n"), word) {
		w.Errorf("no Event about %s has %q, there are:\n%s", name, word, strings.Join(told, "\n"))
	}
}

// expectIssuer checks the Ready condition of an Issuer.
func (w *world) expectIssuer(name, status, reason string) {
	w.Helper()
	i, err := w.user.CertManager.CertmanagerV1().Issuers(ns).Get(w.ctx, name, metav1.GetOptions{})
	w.must(err)
	c := api.IssuerCondition(&i.Status)
	if c == nil || string(c.Status) != status || c.Reason != reason {
		w.Errorf("Issuer %s is %+v, want %s, %s", name, c, status, reason)
	}
}

// verify does with a Secret what a server and its clients do.
func verify(s *corev1.Secret, names []string) (*x509.Certificate, error) {
	pair, err := tls.X509KeyPair(s.Data[corev1.TLSCertKey], s.Data[corev1.TLSPrivateKeyKey])
	if err != nil {
		return nil, err
	}
	roots, intermediates := x509.NewCertPool(), x509.NewCertPool()
	roots.AppendCertsFromPEM(s.Data[cmmeta.TLSCAKey])
	intermediates.AppendCertsFromPEM(s.Data[corev1.TLSCertKey])
	leaf, err := x509.ParseCertificate(pair.Certificate[0])
	if err != nil {
		return nil, err
	}
	for _, name := range append([]string{""}, names...) {
		options := x509.VerifyOptions{DNSName: name, Roots: roots, Intermediates: intermediates,
			CurrentTime: time.Now(), KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny}}
		if _, err := leaf.Verify(options); err != nil {
			return nil, err
		}
	}
	return leaf, nil
}
