package selfsigned_test

import (
	"context"
	"errors"
	"testing"

	"github.com/certwright/certwright/handlers/handlertest"
	"github.com/certwright/certwright/handlers/issuers"
	"github.com/certwright/certwright/handlers/issuers/selfsigned"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// request is one that somebody made by hand, whose key is in the Secret "key";
// edit changes it.
func request(csr []byte, edit ...func(*cmapi.CertificateRequest)) *cmapi.CertificateRequest {
	cr := &cmapi.CertificateRequest{ObjectMeta: metav1.ObjectMeta{
		Namespace: handlertest.Namespace, Name: "root",
		Annotations: map[string]string{"cert-manager.io/private-key-secret-name": "key"},
	}}
	cr.Spec.Request, cr.Spec.IssuerRef.Name, cr.Spec.IsCA = csr, "self", true
	cr.Spec.Usages = []cmapi.KeyUsage{cmapi.UsageCertSign}
	for _, e := range edit {
		e(cr)
	}
	return cr
}

func keySecret(key []byte) *corev1.Secret {
	return &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: handlertest.Namespace, Name: "key"},
		Type:       corev1.SecretTypeOpaque, Data: map[string][]byte{"tls.key": key},
	}
}

// A root made by hand: the key in any encoding, the certificate signed by it.
func TestARequestIsSignedWithItsOwnKey(t *testing.T) {
	t.Parallel()
	ec, rsa := handlertest.NewKey(t), handlertest.RSAKey()
	for name, row := range map[string]struct{ csr, key []byte }{
		"SEC 1":           {handlertest.CSR(t, ec), handlertest.KeyPEM(t, ec)},
		"PKCS#8":          {handlertest.CSR(t, ec), handlertest.PKCS8(t, ec)},
		"RSA, PKCS#1":     {handlertest.CSR(t, rsa), handlertest.KeyPEM(t, rsa)},
		"RSA, PKCS#8":     {handlertest.CSR(t, rsa), handlertest.PKCS8(t, rsa)},
		"the key is late": {handlertest.CSR(t, ec), nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			i := handlertest.SelfSignedIssuer("self")
			i.Spec.SelfSigned.CRLDistributionPoints = []string{"http://example.com/crl"}
			cr := request(row.csr, func(cr *cmapi.CertificateRequest) {
				cr.Spec.Usages = []cmapi.KeyUsage{"digital signature", "key encipherment"}
			})
			cr.Spec.IsCA = false
			w := handlertest.New(t, i, cr)
			p := w.Start(handlertest.Defaults())
			if row.key == nil {
				p.Settle()
				row.key = handlertest.KeyPEM(t, ec)
			}
			w.Create(keySecret(row.key))
			p.Settle()
			status := w.Request("root").Status
			leaf := handlertest.Leaf(t, status.Certificate)
			if err := leaf.CheckSignature(leaf.SignatureAlgorithm, leaf.RawTBSCertificate, leaf.Signature); err != nil {
				t.Error(err)
			}
			if diff := cmp.Diff(string(status.Certificate), string(status.CA)); diff != "" {
				t.Errorf("ca is not the certificate itself (-certificate +ca):\n%s", diff)
			}
			if diff := cmp.Diff([]string{"http://example.com/crl"}, leaf.CRLDistributionPoints); diff != "" {
				t.Errorf("CRL distribution points (-want +got):\n%s", diff)
			}
		})
	}
}

var errBroken = errors.New("connection refused")

type broken struct{}

func (broken) Secret(context.Context, string, string) (*corev1.Secret, error) { return nil, errBroken }

// What the API server does not answer ends no request.
func TestTheKeyCannotBeRead(t *testing.T) {
	t.Parallel()
	b := selfsigned.Backend{Secrets: broken{}}
	var refusal *issuers.Refusal
	_, err := b.Sign(t.Context(), issuers.Request{
		Name: "root", Namespace: "team", Annotations: map[string]string{"cert-manager.io/private-key-secret-name": "key"}})
	if !errors.Is(err, errBroken) || errors.As(err, &refusal) {
		t.Errorf("got %v, want the error, and no refusal", err)
	}
}
