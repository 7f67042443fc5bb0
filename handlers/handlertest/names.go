package handlertest

import (
	"github.com/certwright/certwright/queue"

	cmacme "github.com/cert-manager/cert-manager/pkg/apis/acme/v1"
	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	corev1 "k8s.io/api/core/v1"
)

// Where the objects of tests are.
const (
	Namespace        = "team"
	ClusterNamespace = "kube-system"
)

// CertificateKey is the queue's key of a Certificate in [Namespace].
func CertificateKey(name string) queue.Key {
	return queue.Key{Kind: queue.Certificate, Namespace: Namespace, Name: name}
}

// RequestKey is the queue's key of a CertificateRequest in [Namespace].
func RequestKey(name string) queue.Key {
	return queue.Key{Kind: queue.CertificateRequest, Namespace: Namespace, Name: name}
}

// IssuerKey is the queue's key of an Issuer in [Namespace].
func IssuerKey(name string) queue.Key {
	return queue.Key{Kind: queue.Issuer, Namespace: Namespace, Name: name}
}

// ClusterIssuerKey is the queue's key of a ClusterIssuer.
func ClusterIssuerKey(name string) queue.Key {
	return queue.Key{Kind: queue.ClusterIssuer, Name: name}
}

// OrderKey is the queue's key of an Order in [Namespace].
func OrderKey(name string) queue.Key {
	return queue.Key{Kind: queue.Order, Namespace: Namespace, Name: name}
}

// ChallengeKey is the queue's key of a Challenge in [Namespace].
func ChallengeKey(name string) queue.Key {
	return queue.Key{Kind: queue.Challenge, Namespace: Namespace, Name: name}
}

func kindOf(o object) string {
	switch o.(type) {
	case *corev1.Secret:
		return "Secret"
	case *cmapi.Certificate:
		return cmapi.CertificateKind
	case *cmapi.CertificateRequest:
		return cmapi.CertificateRequestKind
	case *cmapi.Issuer:
		return cmapi.IssuerKind
	case *cmapi.ClusterIssuer:
		return cmapi.ClusterIssuerKind
	case *cmacme.Order:
		return cmacme.OrderKind
	case *cmacme.Challenge:
		return cmacme.ChallengeKind
	}
	return ""
}
