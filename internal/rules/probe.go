package rules

import (
	"github.com/cert-manager/cert-manager/pkg/apis/certmanager"
	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	cmmeta "github.com/cert-manager/cert-manager/pkg/apis/meta/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Probes are two CertificateRequests for a dry run, by which a daemon learns
// whether the policies are at work with no more rights than it has anyway: the
// first is accepted only where certwright-requests is missing, the second comes
// back without a username only where RequesterPolicy is.
func Probes(namespace string) (refused, stamped *cmapi.CertificateRequest) {
	return probe(namespace, "no request"), probe(namespace, "-----BEGIN CERTIFICATE REQUEST-----\n")
}

func probe(namespace, request string) *cmapi.CertificateRequest {
	return &cmapi.CertificateRequest{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, GenerateName: "certwright-probe-"},
		Spec: cmapi.CertificateRequestSpec{
			Request:   []byte(request),
			IssuerRef: cmmeta.IssuerReference{Group: certmanager.GroupName, Kind: cmapi.IssuerKind, Name: "probe"},
		},
	}
}
