package informers

import (
	"github.com/certwright/certwright/internal/api"
	"github.com/certwright/certwright/internal/apply"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	certificatesv1 "k8s.io/api/certificates/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// lastApplied is kubectl's copy of a whole manifest: as large as the object,
// and of no use to us.
const lastApplied = corev1.LastAppliedConfigAnnotation

// trim drops from an object what no handler reads, before it is cached. It
// never changes what a status update would send: the API server takes
// metadata and spec of such an update from the stored object.
func trim(obj any) (any, error) {
	if o, ok := obj.(metav1.Object); ok {
		o.SetManagedFields(nil)
		dropAnnotation(o, lastApplied)
	}
	return obj, nil
}

// trimSecret keeps of a Secret's managed fields only the entry of our own
// server-side apply, which tells what we have put there and may take away.
func trimSecret(obj any) (any, error) {
	s, ok := obj.(*corev1.Secret)
	if !ok {
		return obj, nil
	}
	return trimmedSecret(s), nil
}

func trimmedSecret(s *corev1.Secret) *corev1.Secret {
	var ours []metav1.ManagedFieldsEntry
	for _, f := range s.ManagedFields {
		if apply.Ours(f) {
			ours = append(ours, f)
		}
	}
	s.ManagedFields = ours
	dropAnnotation(s, lastApplied)
	return s
}

// trimMetadata keeps what tells one state of a foreign Secret from the next.
func trimMetadata(obj any) (any, error) {
	m, ok := obj.(*metav1.PartialObjectMetadata)
	if !ok {
		return obj, nil
	}
	return &metav1.PartialObjectMetadata{ObjectMeta: metav1.ObjectMeta{
		Namespace: m.Namespace, Name: m.Name, UID: m.UID, ResourceVersion: m.ResourceVersion,
	}}, nil
}

// trimSigningRequest keeps of a signing request that is not, or no more, our
// business only that it is there, without even its signer's name: kubelets
// make many. Of ours it leaves the annotations alone, because the API server
// takes them from a status update.
func trimSigningRequest(obj any) (any, error) {
	csr, ok := obj.(*certificatesv1.CertificateSigningRequest)
	if !ok {
		return obj, nil
	}
	if _, ours := api.ParseSigner(csr.Spec.SignerName); ours && !api.SigningRequestFinal(csr) {
		csr.SetManagedFields(nil)
		return csr, nil
	}
	return &certificatesv1.CertificateSigningRequest{ObjectMeta: metav1.ObjectMeta{
		Name: csr.Name, UID: csr.UID, ResourceVersion: csr.ResourceVersion,
	}}, nil
}

// dropAnnotation never edits the map in place: an object handed out by a fake
// clientset is the tracker's own.
func dropAnnotation(o metav1.Object, key string) {
	old := o.GetAnnotations()
	if _, ok := old[key]; !ok {
		return
	}
	kept := make(map[string]string, len(old)-1)
	for k, v := range old {
		if k != key {
			kept[k] = v
		}
	}
	o.SetAnnotations(kept)
}

// ownLabel marks the Secrets that are cached in full.
const ownLabel = cmapi.PartOfCertManagerControllerLabelKey
