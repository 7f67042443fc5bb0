package daemon

import (
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"strings"
	"testing"

	"github.com/certwright/certwright/daemon/config"
	"github.com/certwright/certwright/internal/pki"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	certificatesv1 "k8s.io/api/certificates/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// ask makes a signing request as a user would.
func (w *world) ask(name, signer string) {
	w.Helper()
	key, err := pki.GenerateKey(pki.KeySpec{Algorithm: cmapi.ECDSAKeyAlgorithm, Size: 256})
	w.must(err)
	der, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{
		Subject: pkix.Name{CommonName: name}, DNSNames: []string{name + ".example.com"}}, key)
	w.must(err)
	_, err = w.user.Core.CertificatesV1().CertificateSigningRequests().Create(w.ctx, &certificatesv1.CertificateSigningRequest{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Spec: certificatesv1.CertificateSigningRequestSpec{
			Request: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der}), SignerName: signer,
			Usages: []certificatesv1.KeyUsage{certificatesv1.UsageServerAuth, certificatesv1.UsageDigitalSignature}},
	}, metav1.CreateOptions{})
	w.must(err)
}

func (w *world) asked(name string) *certificatesv1.CertificateSigningRequest {
	w.Helper()
	csr, err := w.user.Core.CertificatesV1().CertificateSigningRequests().Get(w.ctx, name, metav1.GetOptions{})
	w.must(err)
	return csr
}

// allow does what `kubectl certificate approve` does.
func (w *world) allow(name string) {
	w.Helper()
	csr := w.asked(name)
	csr.Status.Conditions = append(csr.Status.Conditions, certificatesv1.CertificateSigningRequestCondition{
		Type: certificatesv1.CertificateApproved, Status: corev1.ConditionTrue, Reason: "KubectlApprove"})
	_, err := w.user.Core.CertificatesV1().CertificateSigningRequests().UpdateStatus(w.ctx, csr, metav1.UpdateOptions{})
	w.must(err)
}

// publicCA makes a root in the namespace for cluster resources and the
// ClusterIssuer "ca" that signs with it.
func (w *world) publicCA() {
	w.Helper()
	crt := root()
	crt.Namespace, crt.Spec.IssuerRef.Kind = config.Default().ClusterResourceNamespace, "ClusterIssuer"
	w.create(clusterIssuer("selfsigned", selfSigned()), crt, clusterIssuer("ca", caOf("root-tls")))
}

// One write for a Kubernetes CertificateSigningRequest, whatever it waited for.
func TestWritesOfASigningRequest(t *testing.T) {
	bubble(t, func(w *world) {
		r := w.start()
		w.ask("early", "clusterissuers.cert-manager.io/ca")
		w.allow("early")
		w.ask("node", "kubernetes.io/kubelet-serving")
		w.allow("node")
		w.rest()
		w.expectWrites(r)
		w.publicCA()
		w.rest()
		if csr := w.asked("early"); !strings.Contains(string(csr.Status.Certificate), "BEGIN CERTIFICATE") {
			t.Errorf("it waited for its issuer in vain: %+v", csr.Status)
		}
		r.take(work)

		w.ask("web", "clusterissuers.cert-manager.io/ca")
		w.rest()
		w.expectWrites(r)
		w.allow("web")
		w.rest()
		w.expectWrites(r, "update certificatesigningrequests/status web")
		if len(w.asked("node").Status.Certificate) > 0 {
			t.Error("another signer's request was signed")
		}
	})
}

// Switched off, and confined to namespaces, they are not even watched.
func TestSigningRequestsLeftAlone(t *testing.T) {
	for name, change := range map[string]func(*config.Config){
		"off":      func(c *config.Config) { c.Controllers = []string{"*", "-certificatesigningrequests"} },
		"confined": func(c *config.Config) { c.Namespaces = []string{ns} },
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(w *world) {
				r := w.start(change)
				w.publicCA()
				w.ask("web", "clusterissuers.cert-manager.io/ca")
				w.allow("web")
				w.rest()
				if calls := r.take(func(c call) bool { return c.resource == "certificatesigningrequests" }); len(calls) > 0 {
					t.Errorf("calls: %v", calls)
				}
				if len(w.asked("web").Status.Certificate) > 0 {
					t.Error("it was signed")
				}
			})
		})
	}
}
