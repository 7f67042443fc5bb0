package verdict

import (
	"strings"
	"testing"
	"time"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	cmmeta "github.com/cert-manager/cert-manager/pkg/apis/meta/v1"

	"github.com/google/go-cmp/cmp"
)

func observe(crt *cmapi.Certificate, i cmapi.GenericIssuer, cr *cmapi.CertificateRequest) Observed {
	return Observed{Certificate: crt, Issuer: NewIssuer(crt, i), Request: cr}
}

func TestExplain(t *testing.T) {
	const checkAPI = "If that lasts longer than some seconds: `certwright check api` tells whether a daemon is at work."
	for name, c := range map[string]struct {
		o    Observed
		want Verdict
	}{
		"in order": {observe(certificate(ready), goodIssuer(), request("1", approved())), Verdict{}},
		"in order, but its issuer is gone": {observe(certificate(ready), nil, nil), Verdict{
			Because: `The certificate is valid, but cannot be renewed as things stand. There is no Issuer "ca" in namespace ns (an Issuer serves only its own).`,
			Remedy:  "Create it, or correct spec.issuerRef (name and kind).",
		}},
		"in order, but its issuer is not": {observe(certificate(ready), issuer("False", "ErrGetKeyPair", "secret not found"), nil), Verdict{
			Because: "The certificate is valid, but cannot be renewed as things stand. The issuer says: ErrGetKeyPair: secret not found.",
			Remedy:  "Mend the issuer; the certificate follows by itself.",
		}},
		"deleted": {observe(certificate(func(c *cmapi.Certificate) { c.DeletionTimestamp = at(-time.Hour) }), nil, nil), Verdict{
			Waiting: "its deletion",
			Because: "It was deleted 60m ago and its finalizers are not done.",
			Remedy:  "Find who set metadata.finalizers, and why he does not remove his.",
		}},
		"no ClusterIssuer": {observe(certificate(func(c *cmapi.Certificate) { c.Spec.IssuerRef.Kind = "ClusterIssuer" }), nil, nil), Verdict{
			Waiting: "ClusterIssuer/ca to exist",
			Because: `There is no ClusterIssuer "ca" in the cluster.`,
			Remedy:  "Create it, or correct spec.issuerRef (name and kind).",
		}},
		"no such kind": {observe(certificate(func(c *cmapi.Certificate) { c.Spec.IssuerRef.Kind = "CA" }), nil, nil), Verdict{
			Waiting: "a correct spec.issuerRef",
			Because: `"CA" is no kind of issuer in group cert-manager.io.`,
			Remedy:  "Write kind Issuer or ClusterIssuer, or the group of the external issuer that has that kind.",
		}},
		"issuer without conditions": {observe(certificate(issuing), issuer("", "", ""), nil), Verdict{
			Waiting: "Issuer/ca to be ready",
			Because: "The issuer has no Ready condition yet.", Remedy: checkAPI,
		}},
		"unseen": {observe(certificate(), goodIssuer(), nil), Verdict{
			Waiting: "the daemon to see it", Because: "It is 5m old and has no conditions.", Remedy: checkAPI,
		}},
		"denied just now": {observe(certificate(issuing), goodIssuer(), request("1",
			cmapi.CertificateRequestCondition{Type: "Denied", Status: "True", Reason: "policy.cert-manager.io", Message: "No policy approved this request"},
			readyRequest("False", "Denied", "The CertificateRequest was denied by an approval controller"))), Verdict{
			Waiting: "another attempt",
			Because: "Request web-1 was denied: policy.cert-manager.io: No policy approved this request.",
			Remedy:  "Change the Certificate so that the policy admits it, or ask who decides; then: certwright renew web -n ns",
		}},
		"denied before": {observe(certificate(failedOnce), goodIssuer(), request("1",
			cmapi.CertificateRequestCondition{Type: "Denied", Status: "True", Reason: "Policy", Message: "not ours."},
			readyRequest("False", "Denied", "The CertificateRequest was denied by an approval controller"))), Verdict{
			Waiting: "another attempt, in 50m",
			Because: "Request web-1 was denied: Policy: not ours.",
			Remedy:  "Change the Certificate so that the policy admits it, or ask who decides; then: certwright renew web -n ns",
		}},
		"failed": {observe(certificate(failedOnce), goodIssuer(), request("1", approved(), readyRequest("False", "Failed", "no such role"))), Verdict{
			Waiting: "another attempt, in 50m",
			Because: "The last attempt failed 10m ago. Request web-1 says: Failed: no such role.",
			Remedy:  "Mend the cause; to try again at once: certwright renew web -n ns",
		}},
		"failed and its request is gone": {observe(certificate(failedOnce), goodIssuer(), nil), Verdict{
			Waiting: "another attempt, in 50m",
			Because: "The last attempt failed 10m ago. The Issuing condition says: Failed: The certificate request has failed to complete and will be retried: no such role.",
			Remedy:  "Mend the cause; to try again at once: certwright renew web -n ns",
		}},
		"failed long ago": {observe(certificate(failedOnce, func(c *cmapi.Certificate) {
			c.Status.LastFailureTime, c.Status.Conditions[1].Message = at(-2*time.Hour), ""
		}), goodIssuer(), nil), Verdict{
			Waiting: "another attempt, due now",
			Because: "The last attempt failed 120m ago.",
			Remedy:  "Mend the cause; to try again at once: certwright renew web -n ns",
		}},
		"tried again after a failure": {observe(certificate(failedOnce, func(c *cmapi.Certificate) {
			c.Status.Conditions = nil
			issuing(c)
			c.Status.Conditions[1].LastTransitionTime = at(-time.Second)
		}), goodIssuer(), request("1", approved(), readyRequest("False", "Failed", "no such role"))), Verdict{
			Waiting: "the daemon to make a request",
			Because: "Issuance was begun: DoesNotExist: Issuing certificate as Secret does not exist.",
			Remedy:  checkAPI,
		}},
		"not yet requested": {observe(certificate(with("Ready", "False", "DoesNotExist", "there is no Secret")), goodIssuer(), nil), Verdict{
			Waiting: "the daemon to make a request",
			Because: "The Ready condition says: DoesNotExist: there is no Secret.",
			Remedy:  checkAPI,
		}},
		"request not readable": {func() Observed {
			o := observe(certificate(issuing), goodIssuer(), nil)
			o.RequestUnread = true
			return o
		}(), Verdict{
			Waiting: "what its request would tell",
			Because: "You may not read its CertificateRequests.",
			Remedy:  "Ask for the right to list certificaterequests in namespace ns.",
		}},
		"renewal due": {observe(certificate(ready, func(c *cmapi.Certificate) { c.Status.RenewalTime = at(-time.Hour) }), goodIssuer(), request("1", approved())), Verdict{
			Waiting: "the daemon to make a request", Because: "Its renewal was due 60m ago.", Remedy: checkAPI,
		}},
		"expired": {observe(certificate(ready, func(c *cmapi.Certificate) { c.Status.NotAfter, c.Status.RenewalTime = at(-day), nil }), goodIssuer(), nil), Verdict{
			Waiting: "the daemon to make a request", Because: "The certificate expired 24h ago.", Remedy: checkAPI,
		}},
		"not approved": {observe(certificate(issuing), goodIssuer(), request("1")), Verdict{
			Waiting: "approval of web-1",
			Because: "Nobody has approved or denied it: neither the daemon's approver (--controllers, --approve-signer-names) nor a policy program.",
			Remedy:  "If the decision is yours: certwright approve web-1 -n ns",
		}},
		"renewal not approved": {observe(certificate(ready, func(c *cmapi.Certificate) { c.Status.RenewalTime = at(-time.Hour) }), goodIssuer(), request("2")), Verdict{
			Waiting: "approval of web-2",
			Because: "Nobody has approved or denied it: neither the daemon's approver (--controllers, --approve-signer-names) nor a policy program.",
			Remedy:  "If the decision is yours: certwright approve web-2 -n ns",
		}},
		"not signed": {observe(certificate(issuing), goodIssuer(), request("1", approved(), readyRequest("False", "Pending", "Vault does not answer"))), Verdict{
			Waiting: "Issuer/ca to sign web-1",
			Because: "The request says: Pending: Vault does not answer.",
			Remedy:  "If that lasts, look at the events below and at the daemon's log.",
		}},
		"not signed by another program": {observe(certificate(issuing, func(c *cmapi.Certificate) {
			c.Spec.IssuerRef = cmmeta.IssuerReference{Name: "pca", Kind: "AWSPCAIssuer", Group: "awspca.cert-manager.io"}
		}), nil, request("1", approved())), Verdict{
			Waiting: "AWSPCAIssuer.awspca.cert-manager.io/pca to sign web-1",
			Because: "The request has no Ready condition yet.",
			Remedy:  "Look at the log of the controller that serves group awspca.cert-manager.io.",
		}},
		"not stored": {observe(certificate(issuing), goodIssuer(), func() *cmapi.CertificateRequest {
			cr := request("1", approved(), readyRequest("True", "Issued", "Certificate fetched from issuer successfully"))
			cr.Status.Certificate = []byte("x")
			return cr
		}()), Verdict{
			Waiting: "the daemon to store the result",
			Because: "The Ready condition says: DoesNotExist: Issuing certificate as Secret does not exist.",
			Remedy:  "If that lasts longer than some seconds: `certwright check api` tells whether a daemon is at work. Its log tells why it does not.",
		}},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(c.want, Explain(c.o, now)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// Whoever waits for something is told what to do about it.
func TestEveryWaitHasARemedy(t *testing.T) {
	for _, crt := range []*cmapi.Certificate{certificate(), certificate(ready), certificate(issuing), certificate(failedOnce)} {
		for _, i := range []cmapi.GenericIssuer{nil, goodIssuer(), issuer("", "", "")} {
			for _, cr := range []*cmapi.CertificateRequest{nil, request("1"), request("2"), request("2", approved()), request("x", approved(), readyRequest("False", "Failed", ""))} {
				v := Explain(observe(crt, i, cr), now)
				if v.Waiting != "" && (v.Remedy == "" || strings.HasSuffix(v.Waiting, ".")) {
					t.Errorf("%+v", v)
				}
			}
		}
	}
}

func TestNextAttempt(t *testing.T) {
	for attempts, want := range map[int]time.Duration{
		0: time.Hour, 1: time.Hour, 2: 2 * time.Hour, 5: 16 * time.Hour, 6: 32 * time.Hour, 7: 32 * time.Hour, 1000: 32 * time.Hour,
	} {
		crt := certificate(failedOnce)
		crt.Status.LastFailureTime, crt.Status.FailedIssuanceAttempts = at(0), ptr(attempts)
		if got := NextAttempt(crt).Sub(now); got != want {
			t.Errorf("after %d: %s, want %s", attempts, got, want)
		}
	}
}

func TestNewest(t *testing.T) {
	foreign := request("9")
	foreign.OwnerReferences[0].UID = "an earlier Certificate of that name"
	other := request("8")
	other.Annotations["cert-manager.io/certificate-name"] = "other"
	elsewhere := request("7")
	elsewhere.Namespace = "elsewhere"
	young := request("")
	young.CreationTimestamp = *at(time.Hour)
	all := []*cmapi.CertificateRequest{foreign, other, elsewhere, request("1"), request("3"), request("2"), young}
	if got := Newest(certificate(), all); got != all[4] {
		t.Errorf("got %s", got.Name)
	}
	if got := Newest(certificate(), []*cmapi.CertificateRequest{request(""), young}); got != young {
		t.Error("without revisions the youngest counts")
	}
	if got := Newest(certificate(), all[:3]); got != nil {
		t.Errorf("got %s", got.Name)
	}
}
