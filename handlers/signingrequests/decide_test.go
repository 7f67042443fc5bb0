package signingrequests

import (
	"testing"

	"github.com/certwright/certwright/internal/api"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	cmmeta "github.com/cert-manager/cert-manager/pkg/apis/meta/v1"
	"github.com/google/go-cmp/cmp"
	certificatesv1 "k8s.io/api/certificates/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// observed is an approved request for a ready Issuer, by who may reference it.
func observed(edits ...func(*Observed)) Observed {
	o := Observed{
		Request: &certificatesv1.CertificateSigningRequest{
			ObjectMeta: metav1.ObjectMeta{Name: name},
			Spec:       certificatesv1.CertificateSigningRequestSpec{SignerName: issuerSigner, Username: "alice"},
		},
		Signer: api.Signer{Kind: "Issuer", Namespace: "team", Name: "ca"}, Ours: true,
		Issuer:    &cmapi.Issuer{Status: ready(cmmeta.ConditionTrue, "")},
		Reference: Allowed,
		Asked:     &cmapi.CertificateRequest{},
	}
	condition("Approved")(o.Request)
	for _, e := range edits {
		e(&o)
	}
	return o
}

func ready(status cmmeta.ConditionStatus, message string) cmapi.IssuerStatus {
	return cmapi.IssuerStatus{Conditions: []cmapi.IssuerCondition{
		{Type: cmapi.IssuerConditionReady, Status: status, Message: message}}}
}

func with(e edit) func(*Observed) { return func(o *Observed) { e(o.Request) } }

func TestNext(t *testing.T) {
	t.Parallel()
	fault := &Fail{"InvalidDuration", "too short"}
	for name, row := range map[string]struct {
		edits []func(*Observed)
		want  Step
	}{
		"all is well":      {nil, Sign{}},
		"somebody else's":  {[]func(*Observed){func(o *Observed) { o.Ours = false }}, Rest{}},
		"signed":           {[]func(*Observed){with(func(r *certificatesv1.CertificateSigningRequest) { r.Status.Certificate = []byte("chain") })}, Rest{}},
		"failed":           {[]func(*Observed){with(condition("Failed"))}, Rest{}},
		"denied":           {[]func(*Observed){with(unapproved), with(condition("Denied"))}, Rest{}},
		"denied as well":   {[]func(*Observed){with(condition("Denied"))}, Rest{}},
		"about to be gone": {[]func(*Observed){with(func(r *certificatesv1.CertificateSigningRequest) { r.DeletionTimestamp = &metav1.Time{Time: now} })}, Rest{}},
		"not approved":     {[]func(*Observed){with(unapproved)}, Wait{"WaitingApproval", ""}},
		"approved: False": {[]func(*Observed){with(func(r *certificatesv1.CertificateSigningRequest) {
			r.Status.Conditions[0].Status = corev1.ConditionFalse
		})}, Wait{"WaitingApproval", ""}},
		"not approved, bad": {[]func(*Observed){with(unapproved), func(o *Observed) { o.Fault = fault }}, Wait{"WaitingApproval", ""}},
		"no issuer named":   {[]func(*Observed){func(o *Observed) { o.Signer.Name, o.Issuer = "", nil }}, Fail{"IssuerNotFound", ""}},
		"no issuer named, not approved": {[]func(*Observed){with(unapproved), func(o *Observed) { o.Signer.Name, o.Issuer = "", nil }},
			Wait{"WaitingApproval", ""}},
		"no issuer there":                {[]func(*Observed){func(o *Observed) { o.Issuer = nil }}, Wait{"IssuerNotFound", ""}},
		"no issuer there, bad":           {[]func(*Observed){func(o *Observed) { o.Issuer, o.Fault = nil, fault }}, Wait{"IssuerNotFound", ""}},
		"no issuer there, nobody asked":  {[]func(*Observed){func(o *Observed) { o.Issuer, o.Reference = nil, Unasked }}, Wait{"IssuerNotFound", ""}},
		"reference not asked for":        {[]func(*Observed){func(o *Observed) { o.Reference = Unasked }}, Ask{}},
		"reference not asked for, bad":   {[]func(*Observed){func(o *Observed) { o.Reference, o.Fault = Unasked, fault }}, Ask{}},
		"reference refused":              {[]func(*Observed){func(o *Observed) { o.Reference = Refused }}, Fail{"DeniedReference", ""}},
		"reference refused, bad":         {[]func(*Observed){func(o *Observed) { o.Reference, o.Fault = Refused, fault }}, Fail{"DeniedReference", ""}},
		"reference refused, not ready":   {[]func(*Observed){func(o *Observed) { o.Reference = Refused }, notReady}, Fail{"DeniedReference", ""}},
		"bad":                            {[]func(*Observed){func(o *Observed) { o.Fault = fault }}, *fault},
		"bad, not ready":                 {[]func(*Observed){func(o *Observed) { o.Fault = fault }, notReady}, *fault},
		"not ready":                      {[]func(*Observed){notReady}, Wait{"IssuerNotReady", ""}},
		"nobody has looked at it yet":    {[]func(*Observed){func(o *Observed) { o.Issuer = &cmapi.Issuer{} }}, Wait{"IssuerNotReady", ""}},
		"cluster issuer, needs no right": {[]func(*Observed){cluster}, Sign{}},
		"cluster issuer, not ready":      {[]func(*Observed){cluster, notReady}, Wait{"IssuerNotReady", ""}},
		"cluster issuer, bad":            {[]func(*Observed){cluster, func(o *Observed) { o.Fault = fault }}, *fault},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(row.want, wordless(Next(observed(row.edits...)), row.want)); diff != "" {
				t.Errorf("step (-want +got):\n%s", diff)
			}
		})
	}
}

func notReady(o *Observed) {
	*o.Issuer.GetStatus() = ready(cmmeta.ConditionFalse, "Secret team/pair does not exist")
}

func cluster(o *Observed) {
	o.Signer, o.Reference = api.Signer{Kind: "ClusterIssuer", Name: "ca"}, Unasked
	o.Issuer = &cmapi.ClusterIssuer{Status: ready(cmmeta.ConditionTrue, "")}
}

// wordless drops the message of a step where none is wanted.
func wordless(got, want Step) Step {
	switch got := got.(type) {
	case Wait:
		if w, ok := want.(Wait); ok && w.Message == "" {
			return Wait{Reason: got.Reason}
		}
	case Fail:
		if w, ok := want.(Fail); ok && w.Message == "" {
			return Fail{Reason: got.Reason}
		}
	}
	return got
}

// Field, fault and remedy.
func TestMessages(t *testing.T) {
	t.Parallel()
	for want, o := range map[string]Observed{
		"Waiting for somebody to approve or deny this request: kubectl certificate approve web": observed(with(unapproved)),
		`spec.signerName: "issuers.cert-manager.io/ca" names no issuer: make a new request, for issuers.cert-manager.io/NAMESPACE.NAME or clusterissuers.cert-manager.io/NAME`: observed(func(o *Observed) {
			o.Signer.Name, o.Issuer, o.Request.Spec.SignerName = "", nil, "issuers.cert-manager.io/ca"
		}),
		"spec.signerName: Issuer team/ca does not exist: create it, or make a new request that names another": observed(func(o *Observed) { o.Issuer = nil }),
		`spec.signerName: user "alice" may not reference Issuer team/ca: grant the verb reference on resource signers of group cert-manager.io, name ca, in namespace team, and make a new request`: observed(func(o *Observed) {
			o.Reference = Refused
		}),
		"spec.signerName: Issuer team/ca is not ready: Secret team/pair does not exist":   observed(notReady),
		"spec.signerName: Issuer team/ca is not ready yet":                                observed(func(o *Observed) { o.Issuer = &cmapi.Issuer{} }),
		"spec.signerName: ClusterIssuer ca is not ready: Secret team/pair does not exist": observed(cluster, notReady),
	} {
		var got string
		switch s := Next(o).(type) {
		case Wait:
			got = s.Message
		case Fail:
			got = s.Message
		}
		if got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
}
