package certificates

import (
	"bytes"
	"context"
	"crypto"
	"crypto/x509"
	"encoding/pem"
	"maps"

	"github.com/certwright/certwright/internal/api"
	"github.com/certwright/certwright/internal/apply"
	"github.com/certwright/certwright/internal/pki"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	cmmeta "github.com/cert-manager/cert-manager/pkg/apis/meta/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// material is what an issuance yields.
type material struct {
	key   crypto.Signer
	keyed []byte // PEM; the key as it is stored, where it is already
	chain []byte // PEM, leaf first
	ca    []byte // PEM, empty when unknown
	leaf  *x509.Certificate
}

// observeDress works out how the Secret should look around what it holds.
func (h *Handler) observeDress(ctx context.Context, o Observed) (Observed, error) {
	if o.Secret == nil || o.Stored.Certificate == nil || o.Stored.Key == nil {
		return o, nil
	}
	m := material{
		key: o.Stored.Key, leaf: o.Stored.Certificate, keyed: o.Secret.Data[corev1.TLSPrivateKeyKey],
		chain: o.Secret.Data[corev1.TLSCertKey], ca: o.Secret.Data[cmmeta.TLSCAKey],
	}
	if o.holds(o.Current) { // what the issuer gave, should somebody have edited around the leaf
		m.chain, m.ca = o.Current.Status.Certificate, o.Current.Status.CA
	}
	var err error
	o.Wanted, o.DressFault, err = h.dress(ctx, o.Certificate, o.Secret, m)
	return o, err
}

// dress makes the content of a target Secret. The fault is what the user has
// to mend for it to be complete.
func (h *Handler) dress(ctx context.Context, crt *cmapi.Certificate, existing *corev1.Secret, m material) (apply.Content, string, error) {
	d := apply.Content{
		Namespace: crt.Namespace, Name: crt.Spec.SecretName, Type: corev1.SecretTypeTLS,
		Labels: map[string]string{}, Annotations: pki.SecretAnnotations(m.leaf), Data: map[string][]byte{},
	}
	if existing != nil && existing.Type != "" {
		d.Type = existing.Type // immutable
	}
	if h.Settings.OwnerRef {
		d.Owner = metav1.NewControllerRef(crt, cmapi.SchemeGroupVersion.WithKind(cmapi.CertificateKind))
	}
	mark(&d, crt, existing)
	keyPEM, err := storedKey(crt, m)
	if err != nil {
		return d, "", err
	}
	d.Data[corev1.TLSPrivateKeyKey], d.Data[corev1.TLSCertKey] = keyPEM, m.chain
	if len(m.ca) > 0 {
		d.Data[cmmeta.TLSCAKey] = m.ca
	}
	addFormats(&d, crt, m, keyPEM)
	fault, err := h.addKeystores(ctx, &d, crt, existing)
	return d, fault, err
}

// mark puts on the labels and annotations of the contract, and the template's.
// An issuer that the Secret names in other words for the same stays as it is: a
// Secret of cert-manager's has an empty kind where the spec has none, and to write
// it anew would wake all who watch it.
func mark(d *apply.Content, crt *cmapi.Certificate, existing *corev1.Secret) {
	if t := crt.Spec.SecretTemplate; t != nil {
		maps.Copy(d.Labels, t.Labels)
		maps.Copy(d.Annotations, t.Annotations)
	}
	d.Labels[cmapi.PartOfCertManagerControllerLabelKey] = "true"
	ref := crt.Spec.IssuerRef
	d.Annotations[cmapi.CertificateNameKey] = crt.Name
	d.Annotations[cmapi.IssuerNameAnnotationKey] = ref.Name
	d.Annotations[cmapi.IssuerKindAnnotationKey] = api.IssuerRef(ref).Kind
	d.Annotations[cmapi.IssuerGroupAnnotationKey] = ref.Group
	if existing == nil || api.IssuerRef(issuerOf(existing)) != api.IssuerRef(ref) {
		return
	}
	for _, key := range issuerAnnotations {
		if said, ok := existing.Annotations[key]; ok {
			d.Annotations[key] = said
		}
	}
}

// storedKey leaves a stored key as it is unless the spec asks for another encoding.
func storedKey(crt *cmapi.Certificate, m material) ([]byte, error) {
	want := pki.KeyEncodingOf(crt)
	if len(m.keyed) > 0 && pki.KeyEncoding(m.keyed) == want {
		return m.keyed, nil
	}
	return pki.EncodeKey(m.key, want)
}

// addFormats adds the additional output formats (contract 1.1).
func addFormats(d *apply.Content, crt *cmapi.Certificate, m material, keyPEM []byte) {
	for _, f := range crt.Spec.AdditionalOutputFormats {
		switch f.Type {
		case cmapi.CertificateOutputFormatDER:
			block, _ := pem.Decode(keyPEM)
			d.Data[cmapi.CertificateOutputFormatDERKey] = block.Bytes
		case cmapi.CertificateOutputFormatCombinedPEM:
			d.Data[cmapi.CertificateOutputFormatCombinedPEMKey] = bytes.Join([][]byte{keyPEM, m.chain}, []byte("\n"))
		}
	}
}
