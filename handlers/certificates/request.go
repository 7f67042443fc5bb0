package certificates

import (
	"crypto"
	"maps"
	"strconv"

	"github.com/certwright/certwright/internal/api"
	"github.com/certwright/certwright/internal/pki"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// newRequest is the CertificateRequest of a revision, as the contract says
// (section 1.2): name, annotations, labels and owner.
func newRequest(o *Observed, revision int, key crypto.Signer, copies func(string) bool) (*cmapi.CertificateRequest, error) {
	crt := o.Certificate
	csr, err := pki.NewRequest(crt, key)
	if err != nil {
		return nil, err
	}
	annotations := copied(crt.Annotations, copies)
	annotations[cmapi.CertificateNameKey] = crt.Name
	annotations[cmapi.CertificateRequestRevisionAnnotationKey] = strconv.Itoa(revision)
	if o.KeyKept || o.Path != Immediate {
		annotations[cmapi.CertificateRequestPrivateKeyAnnotationKey] = keySecretName(o)
	} else {
		annotations[cmapi.CertificateRequestPrivateKeyAnnotationKey] = crt.Spec.SecretName
	}
	delete(annotations, api.ReplacesAnnotation)
	if id := o.replaces(); id != "" {
		annotations[api.ReplacesAnnotation] = id
	}
	return &cmapi.CertificateRequest{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: crt.Namespace, Name: api.RequestName(crt.Name, revision),
			Labels: crt.Labels, Annotations: annotations, OwnerReferences: ownedBy(crt),
		},
		Spec: cmapi.CertificateRequestSpec{
			Request: csr, IssuerRef: crt.Spec.IssuerRef, IsCA: crt.Spec.IsCA,
			Usages: crt.Spec.Usages, Duration: crt.Spec.Duration,
		},
	}, nil
}

// copied is what of a Certificate's annotations goes to its requests.
func copied(annotations map[string]string, copies func(string) bool) map[string]string {
	kept := map[string]string{}
	maps.Copy(kept, annotations)
	maps.DeleteFunc(kept, func(k, _ string) bool { return !copies(k) })
	return kept
}
