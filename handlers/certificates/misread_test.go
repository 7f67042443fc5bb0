package certificates_test

import (
	"crypto/x509"
	"slices"
	"testing"

	"github.com/certwright/certwright/handlers/certificates"
	"github.com/certwright/certwright/handlers/handlertest"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
)

const (
	inOrder     = "Certificate is up to date and has not expired"
	unknownWord = `metadata.annotations[certwright.dev/revoke]: unknown word "on-delete": use on-deletion, on-key-change or both with a comma between, or remove the annotation`
)

// misread is a Certificate by an ACME issuer whose annotation has a typo.
func misread(o *certificates.Observed) {
	o.Certificate.Annotations = map[string]string{"certwright.dev/revoke": "on-delete"}
	o.Revokes = true
}

func told(o *certificates.Observed) {
	o.Certificate.Status.Conditions[0].Message += "; but " + unknownWord
}

func TestNextForAWishThatIsMisread(t *testing.T) {
	t.Parallel()
	decide(t, []decision{
		{name: "it is told", want: "Settle Ready=True/Ready | Warning BadConfig: " + unknownWord,
			o: func(_ *testing.T, o *certificates.Observed) { misread(o) }},
		{name: "once", want: "Rest " + toRenewal.String(),
			o: func(_ *testing.T, o *certificates.Observed) { misread(o); told(o) }},
		{name: "mended", want: "Settle Ready=True/Ready",
			o: func(_ *testing.T, o *certificates.Observed) { told(o) }},
		{name: "with another fault", want: `Settle Ready=True/Ready | Warning BadConfig: metadata.annotations[certwright.dev/revoke]: it is empty: ...`,
			o: func(_ *testing.T, o *certificates.Observed) {
				misread(o)
				told(o)
				o.Certificate.Annotations["certwright.dev/revoke"] = ""
			}},
		{name: "the word that is known holds", want: "certificates.Guard",
			o: func(_ *testing.T, o *certificates.Observed) {
				misread(o)
				told(o)
				o.Certificate.Annotations["certwright.dev/revoke"] = "on-deletion, on-delete"
			}},
		{name: "after what was issued is told", want: "Settle Ready=True/Ready revision=2 | Normal Issuing: The certificate has been successfully issued",
			o: func(_ *testing.T, o *certificates.Observed) { misread(o); o.Revision = 2 }},
		{name: "not while something worse is", want: "Settle Ready=False/Expired...", late: toEnd,
			o: func(_ *testing.T, o *certificates.Observed) {
				misread(o)
				o.Certificate.Spec.Renewal = &cmapi.CertificateRenewal{Policy: "Disabled"}
			}},
	})
	for name, row := range map[string]struct{ dress, was, want string }{
		"alone":                       {"", inOrder, inOrder + "; but " + unknownWord},
		"after another remark":        {"no password", inOrder, inOrder + "; but the Secret is incomplete: no password; and " + unknownWord},
		"told, before another remark": {"no password", inOrder + "; but " + unknownWord, inOrder + "; but the Secret is incomplete: no password; and " + unknownWord},
	} {
		o := observed(t, misread, func(o *certificates.Observed) {
			o.DressFault, o.Certificate.Status.Conditions[0].Message = row.dress, row.was
		})
		step, _ := certificates.Next(o, handlertest.Now).(certificates.Settle)
		if step.Certificate == nil || step.Certificate.Status.Conditions[0].Message != row.want {
			t.Errorf("%s: %+v", name, step.Certificate)
		}
	}
}

// A typo is told by one write and one event, whatever restarts and is renewed,
// and no more is said once it is mended.
func TestMisreadWish(t *testing.T) {
	t.Parallel()
	f := handlertest.AtRest(t)
	f.Certificate.Annotations = map[string]string{"certwright.dev/revoke": "on-deletion"}
	w := handlertest.New(t, f.Objects()...)
	said := "metadata.annotations[certwright.dev/revoke]: Issuer.cert-manager.io/ca cannot revoke, only issuers of type acme can: use one of those, or remove the annotation"
	w.Start(handlertest.Defaults()).Settle()
	w.Wrote("update certificates/status web")
	w.Told("Certificate/web Warning BadConfig: " + said)
	if c := readiness(w); c.Status != "True" || c.Message != inOrder+"; but "+said {
		t.Errorf("Ready: %+v", c)
	}
	w.Forget()
	p := w.Start(handlertest.Defaults())
	p.Settle()
	w.Wrote()
	w.Told()

	handlertest.EditStatus(w, "web", handlertest.ManuallyTriggered)
	p.Settle()
	if *w.Certificate("web").Status.Revision != 2 || readiness(w).Message != inOrder+"; but "+said {
		t.Errorf("after a renewal: %+v", w.Certificate("web").Status)
	}
	if slices.ContainsFunc(w.Events, func(e string) bool { return e == "Certificate/web Warning BadConfig: "+said }) {
		t.Errorf("told at a renewal: %q", w.Events)
	}
	w.Forget()
	handlertest.Edit(w, "web", func(crt *cmapi.Certificate) { crt.Annotations = nil })
	p.Settle()
	w.Wrote("update certificates/status web")
	w.Told()
	if c := readiness(w); c.Message != inOrder {
		t.Errorf("mended: %q", c.Message)
	}
}

// What is understood of an annotation is done beside what is not.
func TestRevocationBesideATypo(t *testing.T) {
	t.Parallel()
	w, f, r, run := revocable(t, " on-key-change,on-delete ")
	if err := run(); err != nil {
		t.Fatal(err)
	}
	w.Wrote("update certificates/status web")
	w.Told("Certificate/web Warning BadConfig: " + unknownWord)
	handlertest.EditStatus(w, "web", handlertest.ManuallyTriggered)
	if err := run(); err != nil {
		t.Fatal(err)
	}
	chain := f.CA.Issue(t, csrOf(t, w.Request("web-2")).PublicKey, func(c *x509.Certificate) { c.NotAfter = handlertest.Now.AddDate(0, 3, 0) })
	handlertest.EditStatus(w, "web-2", handlertest.IssuedAs(chain, nil))
	if err := run(); err != nil {
		t.Fatal(err)
	}
	if reason, ok := r.revoked[f.Leaf.SerialNumber.String()]; !ok || reason != 4 {
		t.Errorf("revoked %v, want the one before, as superseded", r.revoked)
	}
	handlertest.Delete[*cmapi.Certificate](w, "web")
	if w.Certificate("web") != nil {
		t.Error("it is kept for a word that nobody knows")
	}
}
