package api

import (
	"testing"

	certificatesv1 "k8s.io/api/certificates/v1"
	corev1 "k8s.io/api/core/v1"
)

func TestParseSigner(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		want Signer
		ours bool
	}{
		"issuers.cert-manager.io/team.ca":               {Signer{"Issuer", "team", "ca"}, true},
		"issuers.cert-manager.io/team.ca.example.com":   {Signer{"Issuer", "team", "ca.example.com"}, true},
		"clusterissuers.cert-manager.io/ca":             {Signer{"ClusterIssuer", "", "ca"}, true},
		"clusterissuers.cert-manager.io/ca.example.com": {Signer{"ClusterIssuer", "", "ca.example.com"}, true},
		"issuers.cert-manager.io/ca":                    {Signer{Kind: "Issuer"}, true},
		"issuers.cert-manager.io/.ca":                   {Signer{Kind: "Issuer"}, true},
		"issuers.cert-manager.io/team.":                 {Signer{Kind: "Issuer"}, true},
		"issuers.cert-manager.io/":                      {Signer{Kind: "Issuer"}, true},
		"clusterissuers.cert-manager.io/":               {Signer{Kind: "ClusterIssuer"}, true},
		"issuers.cert-manager.io":                       {},
		"issuers.cert-manager.io.evil.com/team.ca":      {},
		"xissuers.cert-manager.io/team.ca":              {},
		"awspcaissuers.awspca.cert-manager.io/team.ca":  {},
		"kubernetes.io/kubelet-serving":                 {},
		"":                                              {},
	} {
		if got, ours := ParseSigner(name); got != row.want || ours != row.ours {
			t.Errorf("%q: got %+v, %t; want %+v, %t", name, got, ours, row.want, row.ours)
		}
	}
}

func TestSigningRequestFinal(t *testing.T) {
	t.Parallel()
	type conditions = []certificatesv1.CertificateSigningRequestCondition
	for name, row := range map[string]struct {
		status certificatesv1.CertificateSigningRequestStatus
		want   bool
	}{
		"new":      {},
		"approved": {certificatesv1.CertificateSigningRequestStatus{Conditions: conditions{{Type: "Approved", Status: corev1.ConditionTrue}}}, false},
		"denied":   {certificatesv1.CertificateSigningRequestStatus{Conditions: conditions{{Type: "Denied", Status: corev1.ConditionTrue}}}, true},
		"failed":   {certificatesv1.CertificateSigningRequestStatus{Conditions: conditions{{Type: "Failed", Status: corev1.ConditionTrue}}}, true},
		"signed":   {certificatesv1.CertificateSigningRequestStatus{Certificate: []byte("chain")}, true},
	} {
		if got := SigningRequestFinal(&certificatesv1.CertificateSigningRequest{Status: row.status}); got != row.want {
			t.Errorf("%s: got %t", name, got)
		}
	}
}
