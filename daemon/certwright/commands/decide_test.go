package commands

import (
	"testing"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
)

func (b *bench) decided(t *testing.T, name string) []cmapi.CertificateRequestCondition {
	t.Helper()
	cr, err := b.certs.CertmanagerV1().CertificateRequests("ns").Get(t.Context(), name, metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return cr.Status.Conditions
}

func TestDecide(t *testing.T) {
	at := metav1.NewTime(now)
	for line, c := range map[string]struct {
		out  string
		want cmapi.CertificateRequestCondition
	}{
		"approve web-1": {"certificaterequest.cert-manager.io/web-1 approved\n", cmapi.CertificateRequestCondition{
			Type: "Approved", Status: "True", Reason: "CertwrightCLI", Message: `manually approved by "certwright approve"`, LastTransitionTime: &at,
		}},
		"deny web-1": {"certificaterequest.cert-manager.io/web-1 denied\n", cmapi.CertificateRequestCondition{
			Type: "Denied", Status: "True", Reason: "CertwrightCLI", Message: `manually denied by "certwright deny"`, LastTransitionTime: &at,
		}},
		"deny web-1 --reason Policy --message no": {"certificaterequest.cert-manager.io/web-1 denied\n", cmapi.CertificateRequestCondition{
			Type: "Denied", Status: "True", Reason: "Policy", Message: "no", LastTransitionTime: &at,
		}},
	} {
		b := newBench([]runtime.Object{request("web-1")})
		b.expect(t, line, exitOK, c.out, "")
		if diff := cmp.Diff([]cmapi.CertificateRequestCondition{c.want}, b.decided(t, "web-1")); diff != "" {
			t.Errorf("%s: %s", line, diff)
		}
	}
}

func TestDecisionStands(t *testing.T) {
	approved := cmapi.CertificateRequestCondition{Type: "Approved", Status: "True", Reason: "cert-manager.io", Message: "fine"}
	denied := cmapi.CertificateRequestCondition{Type: "Denied", Status: "True", Reason: "Policy", Message: "no"}
	failed := cmapi.CertificateRequestCondition{Type: "Ready", Status: "False", Reason: "Failed", Message: "no such role"}
	issued := request("web-1", cmapi.CertificateRequestCondition{Type: "Ready", Status: "True", Reason: "Issued"})
	issued.Status.Certificate = []byte("x")
	nobodys := request("web-1", denied)
	nobodys.Annotations = nil
	for _, c := range []struct {
		line     string
		cr       *cmapi.CertificateRequest
		code     int
		out, err string
	}{
		{"approve web-1", request("web-1", approved), exitOK, "certificaterequest.cert-manager.io/web-1 was approved already (cert-manager.io: fine)\n", ""},
		{"deny web-1", request("web-1", denied), exitOK, "certificaterequest.cert-manager.io/web-1 was denied already (Policy: no)\n", ""},
		{"deny web-1", request("web-1", approved), exitFailure, "", "Error: CertificateRequest web-1 cannot be denied: the opposite was decided (cert-manager.io: fine), and a decision stands; for a new request: certwright renew web -n ns\n"},
		{"approve web-1", nobodys, exitFailure, "", "Error: CertificateRequest web-1 cannot be approved: the opposite was decided (Policy: no), and a decision stands; make a new request\n"},
		{"approve web-1", request("web-1", failed), exitFailure, "", "Error: CertificateRequest web-1 cannot be approved: it has failed for good (Failed: no such role); for a new request: certwright renew web -n ns\n"},
		{"deny web-1", issued, exitFailure, "", "Error: CertificateRequest web-1 cannot be denied: it is signed already\n"},
	} {
		b := newBench([]runtime.Object{c.cr})
		b.expect(t, c.line, c.code, c.out, c.err)
		if n := b.writes(); n != 0 {
			t.Errorf("%s: %d writes", c.line, n)
		}
	}
}

func TestDecideOnMissing(t *testing.T) {
	b := newBench([]runtime.Object{request("web-1"), request("api-1")})
	b.expect(t, "approve wbe-1 api-1", exitFailure, "certificaterequest.cert-manager.io/api-1 approved\n",
		"Error: certificaterequests.cert-manager.io \"wbe-1\" not found in namespace ns; did you mean \"web-1\"?\n")
}
