package daemon

import (
	"testing"
	"time"

	"github.com/certwright/certwright/daemon/config"
	"github.com/certwright/certwright/internal/api"
	"github.com/certwright/certwright/internal/pki"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	cmmeta "github.com/cert-manager/cert-manager/pkg/apis/meta/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// With an approver of somebody else's, a request waits for him, and says so.
func TestAnExternalApprover(t *testing.T) {
	bubble(t, func(w *world) {
		w.start(withoutApprover)
		w.create(issuer("selfsigned", selfSigned()), root())
		w.wait(3 * time.Hour)
		w.expectCondition("root", cmapi.CertificateConditionIssuing, "True", "Waiting for an approver")
		w.expectCondition("root", cmapi.CertificateConditionReady, "False", "Secret does not exist")
		w.approve("root-1")
		w.rest()
		w.expectReady("root")
		w.expectTidy()
	})
}

// A denial ends the request; another is made after an hour, and after two.
func TestADenial(t *testing.T) {
	bubble(t, func(w *world) {
		r := w.start(withoutApprover)
		w.create(issuer("selfsigned", selfSigned()), root())
		w.rest()
		w.deny("root-1")
		w.rest()
		w.expectCondition("root", cmapi.CertificateConditionIssuing, "False", "will be retried: not allowed here")
		first := w.certificate("root").Status.LastFailureTime.Time
		r.take(work)
		w.wait(59*time.Minute - time.Since(first))
		w.expectWrites(r)
		w.wait(2 * time.Minute)
		w.deny("root-1")
		w.rest()
		if got := *w.certificate("root").Status.FailedIssuanceAttempts; got != 2 {
			t.Errorf("%d attempts", got)
		}
		second := w.certificate("root").Status.LastFailureTime.Time
		r.take(work)
		w.wait(119*time.Minute - time.Since(second))
		w.expectWrites(r)
		w.wait(2 * time.Minute)
		w.approve("root-1")
		w.rest()
		w.expectReady("root")
		if status := w.certificate("root").Status; status.FailedIssuanceAttempts != nil || status.LastFailureTime != nil {
			t.Errorf("the failures are not forgotten: %+v", status)
		}
		w.expectTidy()
	})
}

// deny does what `cmctl deny` does.
func (w *world) deny(request string) {
	w.Helper()
	w.setRequest(request, func(cr *cmapi.CertificateRequest) {
		cr.Status.Conditions = append(cr.Status.Conditions, cmapi.CertificateRequestCondition{
			Type: cmapi.CertificateRequestConditionDenied, Status: cmmeta.ConditionTrue, Reason: "test", Message: "not allowed here"})
	})
}

// Approval may be limited to some signers; the others wait.
func TestApprovalOfSomeSigners(t *testing.T) {
	bubble(t, func(w *world) {
		w.start(func(cfg *config.Config) {
			cfg.ApproveSignerNames = []string{"issuers.cert-manager.io/" + ns + ".selfsigned"}
		})
		w.create(issuer("selfsigned", selfSigned()), root(), issuer("ca", caOf("root-tls")), certificate("web", "ca"))
		w.rest()
		w.expectReady("root")
		w.expectCondition("web", cmapi.CertificateConditionIssuing, "True", "Waiting for an approver")
		w.approve("web-1")
		w.rest()
		w.expectReady("web")
		w.expectTidy()
	})
}

// A request for an issuer of another group is approved and then left to that
// group's controller; what it signs is stored.
func TestAnIssuerOfAnotherGroup(t *testing.T) {
	bubble(t, func(w *world) {
		r := w.start()
		w.withCA()
		w.create(certificate("web", "external", func(crt *cmapi.Certificate) {
			crt.Spec.IssuerRef.Group, crt.Spec.IssuerRef.Kind = "example.com", "Authority"
		}))
		w.wait(time.Hour)
		cr := w.request("web-1")
		if !api.RequestIs(cr, cmapi.CertificateRequestConditionApproved) || api.RequestCondition(cr, cmapi.CertificateRequestConditionReady) != nil {
			t.Errorf("the request is %+v, want it approved and left alone", cr.Status)
		}
		r.take(work)
		w.signWithRoot("web-1")
		w.rest()
		w.expectReady("web")
		w.expectTidy()
	})
}

// signWithRoot signs a request as an external issuer's controller does.
func (w *world) signWithRoot(name string) {
	w.Helper()
	secret := w.secret("root-tls")
	ca, err := pki.ParseCA(secret.Data["tls.crt"], secret.Data["tls.key"], time.Now())
	w.must(err)
	w.setRequest(name, func(cr *cmapi.CertificateRequest) {
		template, err := pki.Template(cr, time.Now())
		w.must(err)
		chain, err := ca.Sign(template, template.PublicKey)
		w.must(err)
		now := metav1.Now()
		api.SetRequestCondition(cr, cmapi.CertificateRequestCondition{
			Type: cmapi.CertificateRequestConditionReady, Status: cmmeta.ConditionTrue, Reason: "Issued", Message: "signed"}, now)
		cr.Status.Certificate, cr.Status.CA = chain.Certificates, chain.CA
	})
}

// A request made by somebody else is signed, and nothing is made of it.
func TestARequestMadeByHand(t *testing.T) {
	bubble(t, func(w *world) {
		r := w.start()
		w.withCA()
		r.take(work)
		w.create(requestByHand(w, "hand", "ca"))
		w.rest()
		if cr := w.request("hand"); !api.RequestIssued(cr) {
			t.Errorf("not issued: %+v", cr.Status)
		}
		w.expectWrites(r, "update certificaterequests/status shop/hand")
	})
}

// requestByHand is a request for a leaf, whose key nobody needs.
func requestByHand(w *world, name, issuerName string) *cmapi.CertificateRequest {
	w.Helper()
	crt := certificate(name, issuerName)
	spec, err := pki.KeySpecOf(crt)
	w.must(err)
	key, err := pki.GenerateKey(spec)
	w.must(err)
	csr, err := pki.NewRequest(crt, key)
	w.must(err)
	return &cmapi.CertificateRequest{
		ObjectMeta: metav1.ObjectMeta{Namespace: ns, Name: name},
		Spec:       cmapi.CertificateRequestSpec{Request: csr, IssuerRef: crt.Spec.IssuerRef}}
}
