package parts

import (
	cmacme "github.com/cert-manager/cert-manager/pkg/apis/acme/v1"
	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	cmmeta "github.com/cert-manager/cert-manager/pkg/apis/meta/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"github.com/certwright/certwright/test/acme/gate"
	"github.com/certwright/certwright/test/acme/nameserver"
)

// ClusterNamespace is where the daemon looks for the Secrets of ClusterIssuers
// when nobody tells it otherwise.
const ClusterNamespace = "kube-system"

// Issuer is an ACME issuer of the server behind a gate, with its account key
// in the Secret of the given name.
func (s *Set) Issuer(at *gate.Gate, account string, solvers ...cmacme.ACMEChallengeSolver) cmapi.IssuerConfig {
	return cmapi.IssuerConfig{ACME: &cmacme.ACMEIssuer{
		Email: "who@example.com", Server: at.Directory(), CABundle: s.TLS.PEM(),
		PrivateKey: cmmeta.SecretKeySelector{LocalObjectReference: cmmeta.LocalObjectReference{Name: account}},
		Solvers:    solvers,
	}}
}

// HTTP01 proves by an Ingress.
func HTTP01() cmacme.ACMEChallengeSolver {
	return cmacme.ACMEChallengeSolver{HTTP01: &cmacme.ACMEChallengeSolverHTTP01{
		Ingress: &cmacme.ACMEChallengeSolverHTTP01Ingress{IngressClassName: ptr.To("test"), ServiceType: corev1.ServiceTypeClusterIP},
	}}
}

// tsigSecretName is the Secret that TSIG makes and DNS01 refers to.
const tsigSecretName = "tsig"

// DNS01 proves by TXT records on the DNS server, in the zones given or in all.
func (s *Set) DNS01(zones ...string) cmacme.ACMEChallengeSolver {
	solver := RFC2136(s.DNS)
	if len(zones) > 0 {
		solver.Selector = &cmacme.CertificateDNSNameSelector{DNSZones: zones}
	}
	return solver
}

// RFC2136 proves by TXT records on a DNS server, with the key in the Secret that
// TSIG makes.
func RFC2136(at *nameserver.Server) cmacme.ACMEChallengeSolver {
	return cmacme.ACMEChallengeSolver{DNS01: &cmacme.ACMEChallengeSolverDNS01{
		RFC2136: &cmacme.ACMEIssuerDNS01ProviderRFC2136{
			Nameserver: at.Address, TSIGKeyName: at.Key.Name, TSIGAlgorithm: "HMACSHA256",
			TSIGSecret: cmmeta.SecretKeySelector{LocalObjectReference: cmmeta.LocalObjectReference{Name: tsigSecretName}, Key: "key"},
		},
	}}
}

// TSIG is the Secret with a key of the DNS server that DNS01 refers to.
func TSIG(namespace string, key nameserver.Key) *corev1.Secret {
	return &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: tsigSecretName},
		Data:       map[string][]byte{"key": []byte(key.Secret)},
	}
}
