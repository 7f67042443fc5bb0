package certificates_test

import (
	"context"
	"crypto/x509"
	"encoding/pem"
	"strings"
	"testing"
	"time"

	"github.com/certwright/certwright/handlers/handlertest"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	cmmeta "github.com/cert-manager/cert-manager/pkg/apis/meta/v1"
	"github.com/google/go-cmp/cmp"
)

// external has the fixture issued by another program's issuer.
func external(crt *cmapi.Certificate) {
	crt.Spec.IssuerRef = cmmeta.IssuerReference{Name: "pca", Kind: "AWSPCAIssuer", Group: "awspca.cert-manager.io"}
}

// signer is another program's controller, with a CA of its own.
type signer struct{ ca handlertest.Authority }

// signs answers the fixture's first request with a certificate for its key.
func (s signer) signs(t *testing.T, w *handlertest.World, edit ...func(*x509.Certificate)) {
	t.Helper()
	b, _ := pem.Decode(w.Request("web-1").Spec.Request)
	csr, err := x509.ParseCertificateRequest(b.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	s.answers(w, s.ca.Issue(t, csr.PublicKey, edit...))
}

// answers gives the first request any certificate.
func (s signer) answers(w *handlertest.World, chain []byte) {
	says(w, handlertest.Condition(cmapi.CertificateRequestConditionReady, "True", "Issued", "Signed by the PCA"))
	handlertest.EditStatus(w, "web-1", func(cr *cmapi.CertificateRequest) { cr.Status.Certificate, cr.Status.CA = chain, s.ca.PEM })
}

// says puts a condition on the first request, in place of the one before.
func says(w *handlertest.World, condition func(*cmapi.CertificateRequest)) {
	handlertest.EditStatus(w, "web-1", func(cr *cmapi.CertificateRequest) {
		add := &cmapi.CertificateRequest{}
		condition(add)
		var all []cmapi.CertificateRequestCondition
		for _, c := range cr.Status.Conditions {
			if c.Type != add.Status.Conditions[0].Type {
				all = append(all, c)
			}
		}
		cr.Status.Conditions = append(all, add.Status.Conditions...)
	})
}

func TestIssuanceByAnExternalIssuer(t *testing.T) {
	t.Parallel()
	pca := signer{handlertest.NewAuthority(t, "PCA")}
	w := handlertest.New(t, handlertest.Web(external))
	p := w.Start(handlertest.Defaults())
	p.Settle()
	w.Wrote(
		"update certificates/status web", // Issuing=True, so that users see that it takes long
		"create secrets "+nextKey,
		"create certificaterequests web-1",
		"update certificaterequests/status web-1", // Approved
	)
	w.Told("Certificate/web Normal Issuing: Issuing certificate as Secret does not exist")
	if c := issuing(w); c.Status != "True" || c.Reason != "DoesNotExist" || c.ObservedGeneration != 1 {
		t.Errorf("Issuing: got %+v", c)
	}
	if got := w.Certificate("web").Status.NextPrivateKeySecretName; got == nil || *got != nextKey {
		t.Errorf("nextPrivateKeySecretName: got %v, want %s", got, nextKey)
	}

	w.Forget()
	says(w, handlertest.Condition(cmapi.CertificateRequestConditionReady, "False", "Pending", "The PCA is at work"))
	p.Settle()
	w.Wrote("update certificates/status web")
	w.Told()
	if got, want := issuing(w).Message, `Issuing certificate as Secret does not exist. Waiting for CertificateRequest "web-1": The PCA is at work`; got != want {
		t.Errorf("Issuing: got %q, want %q", got, want)
	}

	w.Forget()
	pca.signs(t, w)
	p.Settle()
	w.Wrote("apply secrets web-tls", "update certificates/status web", "delete secrets "+nextKey)
	w.Told("Certificate/web Normal Issuing: The certificate has been successfully issued")
	isReady(t, w, 1)
	if leaf := served(t, w.Secret("web-tls")); leaf.Issuer.CommonName != "PCA" {
		t.Errorf("issued by %s, want PCA", leaf.Issuer)
	}
}

// A policy approver takes its time; the CA signs when it has.
func TestLateApproval(t *testing.T) {
	t.Parallel()
	w, _ := newCertificate(t)
	s := handlertest.Defaults()
	s.Approver.All = false
	p := w.Start(s)
	p.Settle()
	w.Wrote(
		"update certificates/status web",
		"create secrets "+nextKey,
		"create certificaterequests web-1",
		"update certificaterequests/status web-1", // Pending: waits for an approver
		"update certificates/status web",          // and the Certificate says so
	)
	if got := issuing(w).Message; got != `Issuing certificate as Secret does not exist. Waiting for CertificateRequest "web-1": `+
		"Waiting for an approver to approve or deny this request (for example: certwright approve NAME)" {
		t.Errorf("Issuing: got %q", got)
	}
	w.Forget()
	says(w, handlertest.Condition(cmapi.CertificateRequestConditionApproved, "True", "policy.cert-manager.io", "Approved by policy"))
	p.Settle()
	w.Wrote(
		"update certificaterequests/status web-1",
		"apply secrets web-tls",
		"update certificates/status web",
		"delete secrets "+nextKey,
	)
	isReady(t, w, 1, "ca-pair")
	for _, c := range w.Request("web-1").Status.Conditions {
		if c.Type == cmapi.CertificateRequestConditionApproved && c.Reason != "policy.cert-manager.io" {
			t.Errorf("the approval was changed: %+v", c)
		}
	}
}

// Whatever a signer answers, what cannot serve never takes the place of what
// does; the attempt counts as failed, and the next one is a new request.
func TestAnswersThatCannotServe(t *testing.T) {
	t.Parallel()
	pca := signer{handlertest.NewAuthority(t, "PCA")}
	const again = "The certificate request has failed to complete and will be retried: "
	for name, row := range map[string]struct {
		answer          func(t *testing.T, w *handlertest.World)
		reason, message string
	}{
		"a certificate for another key": {func(t *testing.T, w *handlertest.World) {
			pca.answers(w, pca.ca.Issue(t, handlertest.NewKey(t).Public()))
		}, "InvalidCertificate", again + "The issuer certified another key than the one requested"},
		"garbage": {func(_ *testing.T, w *handlertest.World) { pca.answers(w, []byte("garbage")) },
			"InvalidCertificate", again + "The issuer's answer cannot be read: certificate: no PEM block found"},
		"an expired certificate": {func(t *testing.T, w *handlertest.World) {
			pca.signs(t, w, func(c *x509.Certificate) { c.NotAfter = handlertest.Now.AddDate(0, 0, -1) })
		}, "InvalidCertificate", again + "The issuer's certificate expired on Sat, 28 Feb 2026 12:00:00 UTC, before it could be stored"},
		"Failed": {func(_ *testing.T, w *handlertest.World) {
			says(w, handlertest.Condition(cmapi.CertificateRequestConditionReady, "False", "Failed", "quota exceeded"))
		}, "Failed", again + "quota exceeded"},
		"Denied": {func(_ *testing.T, w *handlertest.World) {
			says(w, handlertest.Condition(cmapi.CertificateRequestConditionReady, "False", "Denied", "denied by policy"))
		}, "Denied", again + "denied by policy"},
		"Denied, of which the signer says nothing": {func(_ *testing.T, w *handlertest.World) {
			says(w, handlertest.Condition(cmapi.CertificateRequestConditionDenied, "True", "policy.cert-manager.io", "names not allowed"))
		}, "policy.cert-manager.io", again + "names not allowed"},
		"InvalidRequest": {func(_ *testing.T, w *handlertest.World) {
			says(w, handlertest.Condition(cmapi.CertificateRequestConditionInvalidRequest, "True", "BadName", "wildcards are not allowed"))
		}, "BadName", again + "wildcards are not allowed"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := handlertest.New(t, handlertest.Web(external))
			p := w.Start(handlertest.Defaults())
			p.Settle()
			w.Forget()
			row.answer(t, w)
			p.Settle()
			w.Wrote("update certificates/status web", "delete secrets "+nextKey)
			w.Told("Certificate/web Warning " + row.reason + ": " + row.message)
			if c := issuing(w); c.Status != "False" || c.Reason != row.reason || c.Message != row.message {
				t.Errorf("Issuing: got %+v, want False, %s: %s", c, row.reason, row.message)
			}
			if n := w.Certificate("web").Status.FailedIssuanceAttempts; n == nil || *n != 1 {
				t.Errorf("failedIssuanceAttempts: got %v, want 1", n)
			}
			retries(t, w, p)
		})
	}
}

// retries waits for the end of the back-off of one failure: the failed request
// is there to be looked at until then, and a new one takes its place, also
// when the daemon was restarted meanwhile.
func retries(t *testing.T, w *handlertest.World, p *handlertest.Process) {
	t.Helper()
	failed := w.Request("web-1").UID
	w.Forget()
	w.Wait(59 * 60e9)
	p.Settle()
	w.Wrote()
	w.Wait(60e9)
	w.Start(handlertest.Defaults()).Settle()
	w.Wrote(
		"delete certificaterequests web-1",
		"update certificates/status web",
		"create secrets "+nextKey,
		"create certificaterequests web-1",
		"update certificaterequests/status web-1",
	)
	if diff := cmp.Diff([]string{"web-1"}, w.Requests()); diff != "" || w.Request("web-1").UID == failed {
		t.Errorf("the failed request is still there (-want +got):\n%s", diff)
	}
	if c := issuing(w); c.Status != "True" {
		t.Errorf("Issuing: got %+v, want True", c)
	}
	signer{handlertest.NewAuthority(t, "PCA")}.signs(t, w)
	p.Settle()
	isReady(t, w, 1)
}

// Where the issuer itself says what it lacks, that is told instead, and looked
// at again, since nothing tells of its change.
func TestAnExternalIssuerThatIsNotReady(t *testing.T) {
	t.Parallel()
	lacks, asked := "spec.issuerRef: pca is not ready: no such CA", 0
	s := handlertest.Defaults()
	s.External = func(context.Context, string, cmmeta.IssuerReference) string { asked++; return lacks }
	w := handlertest.New(t, handlertest.Web(external))
	p := w.Start(s)
	p.Settle()
	if asked > 0 {
		t.Error("it was asked although its controller has had no time to answer")
	}
	w.Wait(10 * time.Second)
	p.Settle()
	if got := issuing(w).Message; !strings.HasSuffix(got, `"web-1": `+lacks) {
		t.Errorf("got %q", got)
	}
	w.Forget()
	if result, err := p.Handle(handlertest.CertificateKey("web")); err != nil || result.After != time.Minute {
		t.Errorf("looked at again after %s, %v, want a minute", result.After, err)
	}
	w.Wrote()
	lacks = ""
	p.Settle()
	if got := issuing(w).Message; !strings.Contains(got, "no controller of group") {
		t.Errorf("ready: got %q", got)
	}
}

// A controller that says nothing is told of, once, after ten seconds; and what
// it says then takes the place of that.
func TestASilentExternalIssuer(t *testing.T) {
	t.Parallel()
	w := handlertest.New(t, handlertest.Web(external))
	p := w.Start(handlertest.Defaults())
	p.Settle()
	w.Forget()
	result, err := p.Handle(handlertest.CertificateKey("web"))
	if err != nil || result.After <= 0 || result.After > 10*time.Second {
		t.Errorf("at first: looked at again after %s, %v, want ten seconds at most", result.After, err)
	}
	w.Wrote()
	w.Wait(10 * time.Second)
	p.Settle()
	w.Wrote("update certificates/status web")
	const want = `Issuing certificate as Secret does not exist. Waiting for CertificateRequest "web-1": no controller of group awspca.cert-manager.io has said anything about it: ` +
		"check that the one that serves AWSPCAIssuer.awspca.cert-manager.io/pca runs, and that this is there and ready"
	if got := issuing(w).Message; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	says(w, handlertest.Condition(cmapi.CertificateRequestConditionReady, "False", "Pending", "The PCA is at work"))
	p.Settle()
	if got := issuing(w).Message; !strings.HasSuffix(got, `"web-1": The PCA is at work`) {
		t.Errorf("got %q", got)
	}
}
