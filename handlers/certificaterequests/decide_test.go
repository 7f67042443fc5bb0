package certificaterequests_test

import (
	"errors"
	"testing"

	"github.com/certwright/certwright/handlers/certificaterequests"
	"github.com/certwright/certwright/handlers/handlertest"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	cmmeta "github.com/cert-manager/cert-manager/pkg/apis/meta/v1"
	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

type observed = certificaterequests.Observed

func TestNext(t *testing.T) {
	t.Parallel()
	approved := func(o *observed) { handlertest.Approved(o.Request) }
	denied := func(o *observed) {
		handlertest.Condition(cmapi.CertificateRequestConditionDenied, cmmeta.ConditionTrue, "Policy", "no")(o.Request)
	}
	ended := func(reason string) func(*observed) {
		return func(o *observed) {
			handlertest.Condition(cmapi.CertificateRequestConditionReady, cmmeta.ConditionFalse, reason, "")(o.Request)
		}
	}
	external := func(o *observed) {
		o.Issuer = nil
		o.Request.Spec.IssuerRef = cmmeta.IssuerReference{Name: "pca", Kind: "AWSPCAIssuer", Group: "awspca.cert-manager.io"}
	}
	byOthers := func(o *observed) { o.Approves = false }
	invalid := func(o *observed) { o.Invalid = errors.New("spec.request: it is bad: make a good one") }
	noIssuer := func(o *observed) { o.Issuer = nil }
	unready := func(message string) func(*observed) {
		return func(o *observed) {
			issuer := handlertest.CAIssuer("ca", "ca-pair")
			issuer.Status.Conditions = nil
			if message != "" {
				issuer.Status.Conditions = []cmapi.IssuerCondition{{Type: "Ready", Status: "False", Message: message}}
			}
			o.Issuer = issuer
		}
	}
	kind := func(k string) func(*observed) { return func(o *observed) { o.Request.Spec.IssuerRef.Kind = k } }
	confined := func(o *observed) { o.Confined = true }
	rest := certificaterequests.Rest{}
	refusal := certificaterequests.Refuse{Reason: "Failed", Invalid: true, Message: "spec.request: it is bad: make a good one"}

	for name, row := range map[string]struct {
		edits []func(*observed)
		want  certificaterequests.Step
	}{
		"ours to approve: signed at once":             {nil, certificaterequests.Sign{}},
		"approved by others":                          {[]func(*observed){byOthers, approved}, certificaterequests.Sign{}},
		"others approve, and have not yet":            {[]func(*observed){byOthers}, certificaterequests.Hold{Reason: "WaitingForApproval", Message: "Waiting for an approver to approve or deny this request (for example: certwright approve NAME)"}},
		"denied":                                      {[]func(*observed){denied}, certificaterequests.Refuse{Reason: "Denied", Message: "The CertificateRequest was denied by an approval controller"}},
		"denied, and bad":                             {[]func(*observed){denied, invalid}, certificaterequests.Refuse{Reason: "Denied", Message: "The CertificateRequest was denied by an approval controller"}},
		"bad":                                         {[]func(*observed){invalid}, refusal},
		"bad, though approved":                        {[]func(*observed){invalid, approved}, refusal},
		"bad, though others approve":                  {[]func(*observed){invalid, byOthers}, refusal},
		"bad, though the issuer is missing":           {[]func(*observed){invalid, noIssuer}, refusal},
		"being deleted":                               {[]func(*observed){func(o *observed) { o.Request.DeletionTimestamp = &metav1.Time{} }}, rest},
		"ended: issued":                               {[]func(*observed){func(o *observed) { handlertest.IssuedAs([]byte("x"), nil)(o.Request) }}, rest},
		"ended: failed":                               {[]func(*observed){ended("Failed"), invalid}, rest},
		"ended: denied":                               {[]func(*observed){ended("Denied"), denied}, rest},
		"ended: invalid":                              {[]func(*observed){func(o *observed) { handlertest.Condition("InvalidRequest", "True", "", "")(o.Request) }}, rest},
		"pending is no end":                           {[]func(*observed){ended("Pending")}, certificaterequests.Sign{}},
		"external: approve and no more":               {[]func(*observed){external}, certificaterequests.Approve{}},
		"external: approved":                          {[]func(*observed){external, approved}, rest},
		"external: others approve":                    {[]func(*observed){external, byOthers}, rest},
		"external: denied is its controller's to say": {[]func(*observed){external, denied}, rest},
		"external: bad is not approved":               {[]func(*observed){external, invalid}, refusal},
		"external: bad, but approved by somebody":     {[]func(*observed){external, invalid, approved}, rest},
		"no issuer":                                   {[]func(*observed){noIssuer}, certificaterequests.Hold{Reason: "IssuerNotFound", Message: `spec.issuerRef: Issuer.cert-manager.io/ca does not exist in namespace "team": create it, or make a request that names another`}},
		"no cluster issuer":                           {[]func(*observed){noIssuer, kind("ClusterIssuer")}, certificaterequests.Hold{Reason: "IssuerNotFound", Message: `spec.issuerRef: ClusterIssuer.cert-manager.io/ca does not exist: create it, or make a request that names another`}},
		"a cluster issuer out of reach":               {[]func(*observed){noIssuer, kind("ClusterIssuer"), confined}, certificaterequests.Hold{Reason: "IssuerNotFound", Message: `spec.issuerRef: ClusterIssuer.cert-manager.io/ca is out of reach, because certwright serves a list of namespaces only (--namespace): use an Issuer`}},
		"out of reach, and not ours to approve":       {[]func(*observed){noIssuer, kind("ClusterIssuer"), confined, byOthers}, certificaterequests.Hold{Reason: "IssuerNotFound", Message: `spec.issuerRef: ClusterIssuer.cert-manager.io/ca is out of reach, because certwright serves a list of namespaces only (--namespace): use an Issuer`}},
		"an unknown kind":                             {[]func(*observed){noIssuer, kind("Isuer")}, certificaterequests.Refuse{Reason: "Failed", Message: `spec.issuerRef.kind: "Isuer" is not a kind of group cert-manager.io: use Issuer or ClusterIssuer`}},
		"the issuer is new":                           {[]func(*observed){unready("")}, certificaterequests.Hold{Reason: "IssuerNotReady", Message: `spec.issuerRef: Issuer.cert-manager.io/ca is not ready yet`}},
		"the issuer is not ready":                     {[]func(*observed){unready("the Secret is missing")}, certificaterequests.Hold{Reason: "IssuerNotReady", Message: `spec.issuerRef: Issuer.cert-manager.io/ca is not ready: the Secret is missing`}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := observed{
				Request:  handlertest.RequestOf(handlertest.Web(), 1, nil),
				Approves: true, Issuer: handlertest.CAIssuer("ca", "ca-pair"),
			}
			for _, e := range row.edits {
				e(&o)
			}
			if diff := cmp.Diff(row.want, certificaterequests.Next(o)); diff != "" {
				t.Errorf("step (-want +got):\n%s", diff)
			}
		})
	}
}
