package api

import (
	"testing"
	"time"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	cmmeta "github.com/cert-manager/cert-manager/pkg/apis/meta/v1"
	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

var (
	earlier = metav1.NewTime(time.Date(2026, time.March, 1, 12, 0, 0, 0, time.UTC))
	now     = metav1.NewTime(earlier.Add(time.Hour))
)

// The time of a condition is when its status changed, not its words.
func TestSetCertificateCondition(t *testing.T) {
	t.Parallel()
	old := cmapi.CertificateCondition{Type: "Ready", Status: "True", Reason: "Ready", LastTransitionTime: &earlier, ObservedGeneration: 1}
	other := cmapi.CertificateCondition{Type: "Issuing", Status: "False", LastTransitionTime: &earlier}
	for name, row := range map[string]struct {
		before []cmapi.CertificateCondition
		set    cmapi.CertificateCondition
		want   []cmapi.CertificateCondition
	}{
		"the first one": {nil, cmapi.CertificateCondition{Type: "Ready", Status: "True", Reason: "Ready"},
			[]cmapi.CertificateCondition{{Type: "Ready", Status: "True", Reason: "Ready", LastTransitionTime: &now, ObservedGeneration: 2}}},
		"another status": {[]cmapi.CertificateCondition{old, other}, cmapi.CertificateCondition{Type: "Ready", Status: "False", Reason: "Expired"},
			[]cmapi.CertificateCondition{{Type: "Ready", Status: "False", Reason: "Expired", LastTransitionTime: &now, ObservedGeneration: 2}, other}},
		"other words": {[]cmapi.CertificateCondition{other, old}, cmapi.CertificateCondition{Type: "Ready", Status: "True", Reason: "Ready", Message: "new"},
			[]cmapi.CertificateCondition{other, {Type: "Ready", Status: "True", Reason: "Ready", Message: "new", LastTransitionTime: &earlier, ObservedGeneration: 2}}},
		"one without a time gets one": {[]cmapi.CertificateCondition{{Type: "Ready", Status: "True"}}, cmapi.CertificateCondition{Type: "Ready", Status: "True"},
			[]cmapi.CertificateCondition{{Type: "Ready", Status: "True", LastTransitionTime: &now, ObservedGeneration: 2}}},
	} {
		crt := &cmapi.Certificate{ObjectMeta: metav1.ObjectMeta{Generation: 2}}
		crt.Status.Conditions = row.before
		SetCertificateCondition(crt, row.set, now)
		if diff := cmp.Diff(row.want, crt.Status.Conditions); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
		again := crt.DeepCopy()
		SetCertificateCondition(again, row.set, metav1.NewTime(now.Add(time.Hour)))
		if diff := cmp.Diff(crt, again); diff != "" {
			t.Errorf("%s: set twice, it changed (-once +twice):\n%s", name, diff)
		}
	}
}

func TestRemoveCertificateCondition(t *testing.T) {
	t.Parallel()
	crt := &cmapi.Certificate{}
	RemoveCertificateCondition(crt, "Issuing")
	crt.Status.Conditions = []cmapi.CertificateCondition{{Type: "Issuing"}, {Type: "Ready"}}
	shared := crt.Status.Conditions
	RemoveCertificateCondition(crt, "Issuing")
	if diff := cmp.Diff([]cmapi.CertificateCondition{{Type: "Ready"}}, crt.Status.Conditions); diff != "" {
		t.Errorf("conditions (-want +got):\n%s", diff)
	}
	if shared[0].Type != "Issuing" {
		t.Error("the list before was changed")
	}
	if CertificateCondition(crt, "Issuing") != nil || CertificateIs(crt, "Ready") {
		t.Error("Issuing is gone, and Ready has no status")
	}
}

func TestSetRequestCondition(t *testing.T) {
	t.Parallel()
	cr := &cmapi.CertificateRequest{}
	SetRequestCondition(cr, cmapi.CertificateRequestCondition{Type: "Ready", Status: "False", Reason: "Pending"}, earlier)
	SetRequestCondition(cr, cmapi.CertificateRequestCondition{Type: "Approved", Status: "True"}, now)
	SetRequestCondition(cr, cmapi.CertificateRequestCondition{Type: "Ready", Status: "False", Reason: "Failed"}, now)
	want := []cmapi.CertificateRequestCondition{
		{Type: "Ready", Status: "False", Reason: "Failed", LastTransitionTime: &earlier},
		{Type: "Approved", Status: "True", LastTransitionTime: &now},
	}
	if diff := cmp.Diff(want, cr.Status.Conditions); diff != "" {
		t.Errorf("conditions (-want +got):\n%s", diff)
	}
}

func TestSetIssuerReady(t *testing.T) {
	t.Parallel()
	var status cmapi.IssuerStatus
	SetIssuerReady(&status, cmapi.IssuerCondition{Status: "False", Reason: "ErrGetKeyPair"}, 1, earlier)
	SetIssuerReady(&status, cmapi.IssuerCondition{Status: "False", Reason: "ErrInvalidKeyPair"}, 2, now)
	want := []cmapi.IssuerCondition{{Type: "Ready", Status: "False", Reason: "ErrInvalidKeyPair", ObservedGeneration: 2, LastTransitionTime: &earlier}}
	if diff := cmp.Diff(want, status.Conditions); diff != "" {
		t.Errorf("conditions (-want +got):\n%s", diff)
	}
	SetIssuerReady(&status, cmapi.IssuerCondition{Status: "True"}, 2, now)
	if c := IssuerCondition(&status); !c.LastTransitionTime.Equal(&now) {
		t.Errorf("after a change: got %+v", c)
	}
	if !IssuerReady(&cmapi.Issuer{Status: status}) || IssuerReady(&cmapi.ClusterIssuer{}) {
		t.Error("an issuer is ready when its condition says so, and only then")
	}
}

// How a request stands: at an end, and at which.
func TestEndsOfRequests(t *testing.T) {
	t.Parallel()
	type conditions = []cmapi.CertificateRequestCondition
	ready := func(status cmmeta.ConditionStatus, reason string) cmapi.CertificateRequestCondition {
		return cmapi.CertificateRequestCondition{Type: "Ready", Status: status, Reason: reason}
	}
	invalid := cmapi.CertificateRequestCondition{Type: "InvalidRequest", Status: "True", Reason: "BadRequest"}
	for name, row := range map[string]struct {
		conditions  conditions
		certificate string
		issued      bool
		failed      string // its reason
		reason      string // of Ready
	}{
		"new":                     {nil, "", false, "", ""},
		"approved":                {conditions{{Type: "Approved", Status: "True"}}, "", false, "", ""},
		"pending":                 {conditions{ready("False", "Pending")}, "", false, "", "Pending"},
		"of a reason unknown":     {conditions{ready("False", "Working")}, "", false, "", "Working"},
		"unknown":                 {conditions{ready("Unknown", "Failed")}, "", false, "", "Failed"},
		"issued":                  {conditions{ready("True", "Issued")}, "pem", true, "", "Issued"},
		"issued without anything": {conditions{ready("True", "Issued")}, "", false, "", "Issued"},
		"a certificate, unready":  {conditions{ready("False", "Pending")}, "pem", false, "", "Pending"},
		"failed":                  {conditions{ready("False", "Failed")}, "", false, "Failed", "Failed"},
		"denied":                  {conditions{ready("False", "Denied")}, "", false, "Denied", "Denied"},
		"invalid":                 {conditions{invalid}, "", false, "BadRequest", ""},
		"invalid and failed":      {conditions{ready("False", "Failed"), invalid}, "", false, "BadRequest", "Failed"},
		"not invalid":             {conditions{{Type: "InvalidRequest", Status: "False"}}, "", false, "", ""},
	} {
		cr := &cmapi.CertificateRequest{Status: cmapi.CertificateRequestStatus{Conditions: row.conditions, Certificate: []byte(row.certificate)}}
		failed := ""
		if c := RequestFailed(cr); c != nil {
			failed = c.Reason
		}
		if RequestIssued(cr) != row.issued || failed != row.failed || RequestReason(cr) != row.reason {
			t.Errorf("%s: got issued %t, failed %q, reason %q", name, RequestIssued(cr), failed, RequestReason(cr))
		}
		if final := row.issued || row.failed != ""; RequestFinal(cr) != final {
			t.Errorf("%s: final: got %t, want %t", name, !final, final)
		}
	}
}
