package secrets

import (
	"crypto"
	"crypto/x509"
	"fmt"
	"maps"
	"slices"
	"time"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	cmmeta "github.com/cert-manager/cert-manager/pkg/apis/meta/v1"
	corev1 "k8s.io/api/core/v1"

	"github.com/certwright/certwright/internal/api"
	"github.com/certwright/certwright/internal/pki"
)

// caKey is the entry in which a Secret that holds a CA beside no leaf (as
// those for webhooks) keeps the CA's private key.
const caKey = "ca.key"

// Describe reads a Secret as a TLS Secret. Whatever it holds, there is a
// report; what cannot be read is a bad check.
func Describe(secret *corev1.Secret, now time.Time) Report {
	r := Report{
		Namespace: secret.Namespace, Name: secret.Name, Type: string(secret.Type),
		Keys:  slices.Sorted(maps.Keys(secret.Data)),
		Owner: secret.Annotations[cmapi.CertificateNameKey],
	}
	if name := secret.Annotations[cmapi.IssuerNameAnnotationKey]; name != "" {
		r.Issuer = api.DescribeIssuer(cmmeta.IssuerReference{
			Name: name, Kind: secret.Annotations[cmapi.IssuerKindAnnotationKey], Group: secret.Annotations[cmapi.IssuerGroupAnnotationKey],
		})
	}
	certEntry, keyEntry := entries(secret)
	chain := r.readChain(secret, certEntry)
	key := r.readKey(secret, keyEntry)
	ca := r.readCA(secret, certEntry)
	r.matchKey(chain, key)
	r.checkChain(chain, ca, now)
	return r
}

// entries returns where the certificate and its private key are.
func entries(secret *corev1.Secret) (cert, key string) {
	_, hasCAKey := secret.Data[caKey]
	if _, hasLeaf := secret.Data[corev1.TLSCertKey]; !hasLeaf && hasCAKey {
		return cmmeta.TLSCAKey, caKey
	}
	return corev1.TLSCertKey, corev1.TLSPrivateKeyKey
}

func (r *Report) readChain(secret *corev1.Secret, entry string) []*x509.Certificate {
	data := secret.Data[entry]
	if len(data) == 0 {
		r.add(Bad, entry+" is missing: nothing was issued into this Secret yet, or it is no TLS Secret")
		return nil
	}
	chain, err := pki.ParseCertificates(data)
	if err != nil {
		r.add(Bad, fmt.Sprintf("%s cannot be read: %v", entry, err))
		return nil
	}
	r.Chain = describeAll(chain)
	return chain
}

func (r *Report) readKey(secret *corev1.Secret, entry string) crypto.Signer {
	data := secret.Data[entry]
	if len(data) == 0 {
		r.add(Bad, entry+" is missing: no server can use this Secret")
		return nil
	}
	key, err := pki.ParseKey(data)
	if err != nil {
		r.add(Bad, fmt.Sprintf("%s cannot be read: %v", entry, err))
		return nil
	}
	r.PrivateKey = describeKey(key.Public())
	return key
}

// readCA reads ca.crt, unless it is the certificate entry itself.
func (r *Report) readCA(secret *corev1.Secret, certEntry string) []*x509.Certificate {
	data := secret.Data[cmmeta.TLSCAKey]
	if certEntry == cmmeta.TLSCAKey {
		return nil
	}
	if len(data) == 0 {
		r.add(Note, cmmeta.TLSCAKey+" is absent: clients must know the CA from elsewhere (ACME issuers give none)")
		return nil
	}
	ca, err := pki.ParseBundle(data)
	if err != nil {
		r.add(Bad, fmt.Sprintf("%s cannot be read: %v", cmmeta.TLSCAKey, err))
		return nil
	}
	r.CA = describeAll(ca)
	return ca
}

func (r *Report) matchKey(chain []*x509.Certificate, key crypto.Signer) {
	if len(chain) == 0 || key == nil {
		return
	}
	same := pki.SamePublicKey(chain[0].PublicKey, key.Public())
	r.KeyMatches = &same
	if same {
		r.add(OK, "the private key belongs to the certificate")
		return
	}
	r.add(Bad, "the private key does not belong to the certificate: a server with this Secret fails; have it issued anew (certwright renew)")
}
