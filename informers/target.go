package informers

import (
	"github.com/certwright/certwright/internal/api"
	"github.com/certwright/certwright/queue"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	certificatesv1 "k8s.io/api/certificates/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// target tells which keys a changed object wakes.
type target func(s *Set, obj metav1.Object) []queue.Key

// self wakes the object's own key.
func self(kind queue.Kind) target {
	return func(_ *Set, o metav1.Object) []queue.Key {
		return []queue.Key{{Kind: kind, Namespace: o.GetNamespace(), Name: o.GetName()}}
	}
}

// itsCertificate wakes the Certificate that controls a request or key Secret.
func itsCertificate(_ *Set, o metav1.Object) []queue.Key {
	owner := metav1.GetControllerOf(o)
	if owner == nil || owner.Kind != cmapi.CertificateKind {
		return nil
	}
	return []queue.Key{{Kind: queue.Certificate, Namespace: o.GetNamespace(), Name: owner.Name}}
}

// rivals wakes the other Certificates that name the same Secret: when one
// goes or looks elsewhere, another may have it.
func rivals(s *Set, o metav1.Object) []queue.Key {
	crt, ok := o.(*cmapi.Certificate)
	if !ok {
		return nil
	}
	var woken []queue.Key
	for _, other := range s.CertificatesBySecret(crt.Namespace, crt.Spec.SecretName) {
		if other.Name != crt.Name {
			woken = append(woken, key(queue.Certificate, other))
		}
	}
	return woken
}

// certificatesOfSecret wakes the Certificates whose target or keystore
// password a Secret is.
func certificatesOfSecret(s *Set, o metav1.Object) []queue.Key {
	return keys(queue.Certificate, s.certificates.by(bySecret, o.GetNamespace(), cacheKey(o.GetNamespace(), o.GetName())))
}

// issuersOfSecret wakes the issuers that read a Secret.
func issuersOfSecret(s *Set, o metav1.Object) []queue.Key {
	value := cacheKey(o.GetNamespace(), o.GetName())
	woken := keys(queue.Issuer, s.issuers.by(bySecret, o.GetNamespace(), value))
	if s.clusterIssuers != nil {
		woken = append(woken, keys(queue.ClusterIssuer, s.clusterIssuers.byAnywhere(bySecret, value))...)
	}
	return woken
}

// requestsOfIssuerSecret wakes the requests that wait for an issuer that reads
// a Secret. The issuer's own change does not do that when the Secret goes and
// comes back so fast that the issuer was ready all the while.
func requestsOfIssuerSecret(s *Set, o metav1.Object) []queue.Key {
	value := cacheKey(o.GetNamespace(), o.GetName())
	var woken []queue.Key
	for _, i := range s.issuers.by(bySecret, o.GetNamespace(), value) {
		woken = append(woken, waitingRequests(cmapi.IssuerKind)(s, i)...)
	}
	if s.clusterIssuers != nil {
		for _, i := range s.clusterIssuers.byAnywhere(bySecret, value) {
			woken = append(woken, waitingRequests(cmapi.ClusterIssuerKind)(s, i)...)
		}
	}
	return woken
}

// requestsOfKey wakes the requests of both kinds that wait for the key in a Secret.
func requestsOfKey(s *Set, o metav1.Object) []queue.Key {
	value := cacheKey(o.GetNamespace(), o.GetName())
	return append(keys(queue.CertificateRequest, s.requests.by(byWaitingKey, o.GetNamespace(), value)),
		keys(queue.SigningRequest, s.signingBy(byWaitingKey, value))...)
}

// waitingRequests wakes the requests of both kinds that wait for an issuer.
func waitingRequests(kind string) target {
	return func(s *Set, o metav1.Object) []queue.Key {
		value := kind + "/" + cacheKey(o.GetNamespace(), o.GetName())
		return append(keys(queue.CertificateRequest, s.requests.byAnywhere(byWaitingIssuer, value)),
			keys(queue.SigningRequest, s.signingBy(byWaitingIssuer, value))...)
	}
}

// signingRequest wakes the key of a signing request that is our business, as
// the cache has it: those of other signers cost nothing.
func signingRequest(_ *Set, o metav1.Object) []queue.Key {
	csr, ok := o.(*certificatesv1.CertificateSigningRequest)
	if !ok {
		return nil
	}
	if _, ours := api.ParseSigner(csr.Spec.SignerName); !ours {
		return nil
	}
	return []queue.Key{key(queue.SigningRequest, csr)}
}

func keys[T metav1.Object](kind queue.Kind, objs []T) []queue.Key {
	woken := make([]queue.Key, 0, len(objs))
	for _, o := range objs {
		woken = append(woken, key(kind, o))
	}
	return woken
}

func key(kind queue.Kind, o metav1.Object) queue.Key {
	return queue.Key{Kind: kind, Namespace: o.GetNamespace(), Name: o.GetName()}
}
