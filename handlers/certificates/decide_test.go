package certificates_test

import (
	"testing"
	"time"

	"github.com/certwright/certwright/handlers/certificates"
	"github.com/certwright/certwright/handlers/handlertest"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	cmmeta "github.com/cert-manager/cert-manager/pkg/apis/meta/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// How long it is from Now to the dates of the fixture.
var (
	toRenewal = handlertest.Renewal.Sub(handlertest.Now)
	toEnd     = handlertest.Ends.Sub(handlertest.Now)
)

// decision is a row of the truth table of Next.
type decision struct {
	name string
	o    func(t *testing.T, o *certificates.Observed)
	late time.Duration // after Now
	want string
}

func decide(t *testing.T, rows []decision) {
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			o := observed(t, func(o *certificates.Observed) { row.o(t, o) })
			wantStep(t, certificates.Next(o, handlertest.Now.Add(row.late)), row.want)
		})
	}
}

func TestNextForACertificateThatIsKept(t *testing.T) {
	t.Parallel()
	decide(t, []decision{
		{name: "all is well: it rests until its renewal", want: "Rest " + toRenewal.String(),
			o: func(*testing.T, *certificates.Observed) {}},
		{name: "it is being deleted: nothing, whatever is wrong", want: "Rest 0s",
			o: func(_ *testing.T, o *certificates.Observed) {
				o.Certificate.DeletionTimestamp, o.Secret = &metav1.Time{Time: handlertest.Now}, nil
				o.Invalid = "spec: no name"
			}},
		{name: "the Secret has lost a label", want: "Redress",
			o: func(_ *testing.T, o *certificates.Observed) { o.Secret.Labels = nil }},
		{name: "part of the dress cannot be made: the status says so", want: "Settle Ready=True/Ready",
			o: func(_ *testing.T, o *certificates.Observed) { o.DressFault = "no password" }},
		{name: "part of the dress cannot be made: the rest is put right", want: "Redress",
			o: func(_ *testing.T, o *certificates.Observed) { o.DressFault, o.Secret.Labels = "no password", nil }},
		{name: "the status does not say Ready yet", want: "Settle Ready=True/Ready",
			o: func(_ *testing.T, o *certificates.Observed) { o.Certificate.Status.Conditions = nil }},
		{name: "the spec was edited where that changes nothing", want: "Settle Ready=True/Ready",
			o: func(_ *testing.T, o *certificates.Observed) { o.Certificate.Generation++ }},
		{name: "a key Secret is left over", want: "Drop web-next",
			o: func(t *testing.T, o *certificates.Observed) { o.KeySecrets = keySecret(t, "web-next") }},
		{name: "a request of long ago is left over", want: "Discard web-0",
			o: func(_ *testing.T, o *certificates.Observed) { o.Old = []*cmapi.CertificateRequest{named("web-0")} }},
		{name: "what is written comes before what is cleaned", want: "Settle Ready=True/Ready",
			o: func(t *testing.T, o *certificates.Observed) {
				o.Certificate.Generation++
				o.KeySecrets, o.Old = keySecret(t, "web-next"), []*cmapi.CertificateRequest{named("web-0")}
			}},
		{name: "the next revision is stored: it is settled", want: "Settle Ready=True/Ready revision=2 | Normal Issuing: The certificate has been successfully issued",
			o: func(_ *testing.T, o *certificates.Observed) { o.Revision = 2 }},
		{name: "settled also after an issuance that took long", want: "Settle Ready=True/Ready revision=2 | Normal Issuing: The certificate has been successfully issued",
			o: func(_ *testing.T, o *certificates.Observed) {
				o.Revision = 2
				handlertest.ManuallyTriggered(o.Certificate)
			}},
		{name: "the next revision is stored, and the spec was edited since: first it is settled", want: "Settle Ready=False/RequestChanged revision=2 | Normal Issuing: ...",
			o: func(_ *testing.T, o *certificates.Observed) {
				o.Revision, o.Certificate.Spec.DNSNames = 2, []string{"new.example.com"}
			}},
	})
}

func TestNextForACertificateThatCannotBeServed(t *testing.T) {
	t.Parallel()
	decide(t, []decision{
		{name: "its spec is wrong", want: "Settle Ready=False/InvalidSpec | Warning InvalidSpec: spec: no name",
			o: func(_ *testing.T, o *certificates.Observed) { o.Invalid = "spec: no name" }},
		{name: "its spec is wrong, and somebody asks for a renewal: that is taken back", want: "Settle Ready=False/InvalidSpec | Warning ...",
			o: func(_ *testing.T, o *certificates.Observed) {
				o.Invalid = "spec: no name"
				handlertest.ManuallyTriggered(o.Certificate)
			}},
		{name: "its spec is wrong, and that is written: it rests until what is stored ends", want: "Rest " + toEnd.String(),
			o: func(_ *testing.T, o *certificates.Observed) {
				o.Invalid = "spec: no name"
				unready(o, "InvalidSpec", "spec: no name")
				o.Certificate.Status.RenewalTime = nil
			}},
		{name: "its spec is wrong, and nothing is stored: it rests until it is mended", want: "Rest 0s",
			o: func(_ *testing.T, o *certificates.Observed) {
				o.Invalid, o.Secret, o.Stored = "spec: no name", nil, certificates.Stored{}
				unready(o, "InvalidSpec", "spec: no name")
				o.Certificate.Status.NotBefore, o.Certificate.Status.NotAfter, o.Certificate.Status.RenewalTime = nil, nil, nil
			}},
		{name: "its Secret is another's", want: `Settle Ready=False/IncorrectCertificate | Warning IncorrectCertificate: spec.secretName: Secret "web-tls" belongs to Certificate "elder": choose another name, or delete one of the two`,
			o: func(_ *testing.T, o *certificates.Observed) { o.Owner = "elder" }},
		{name: "its key must stay and cannot serve", want: "Settle Ready=False/SecretMismatch | Warning CannotRegenerateKey: ...",
			o: func(_ *testing.T, o *certificates.Observed) {
				o.Certificate.Spec.PrivateKey.RotationPolicy = cmapi.RotationPolicyNever
				o.Certificate.Spec.PrivateKey.Size = 384
			}},
		{name: "its key must stay and can serve", want: "Request 2 | Normal Issuing: ...",
			o: func(_ *testing.T, o *certificates.Observed) {
				o.Certificate.Spec.PrivateKey.RotationPolicy = cmapi.RotationPolicyNever
				o.Certificate.Spec.DNSNames = []string{"new.example.com"}
			}},
		{name: "its key must stay and cannot be read: there is nothing to keep", want: "Request 2 mends | Normal Issuing: ...",
			o: func(_ *testing.T, o *certificates.Observed) {
				o.Certificate.Spec.PrivateKey.RotationPolicy = cmapi.RotationPolicyNever
				o.Stored.Key, o.Stored.KeyErr = nil, errGarbage
			}},
	})
}

func TestNextForAnIssuance(t *testing.T) {
	t.Parallel()
	spoilt := func(t *testing.T, o *certificates.Observed) { o.Secret, o.Stored = nil, certificates.Stored{} }
	with := func(all ...func(*testing.T, *certificates.Observed)) func(*testing.T, *certificates.Observed) {
		return func(t *testing.T, o *certificates.Observed) {
			for _, f := range all {
				f(t, o)
			}
		}
	}
	decide(t, []decision{
		{name: "immediate: request", want: "Request 2 mends | Normal Issuing: ...", o: spoilt},
		{name: "the first issuance mends nothing", want: "Request 1 | Normal Issuing: ...",
			o: with(spoilt, func(_ *testing.T, o *certificates.Observed) {
				o.Certificate.Status, o.Revision, o.Current = cmapi.CertificateStatus{}, 0, nil
			})},
		{name: "key in Secret: the key first", want: "KeepKey mends", o: with(spoilt, on(certificates.KeyInSecret))},
		{name: "key in Secret: then the request", want: "Request 2 mends | Normal Issuing: ...",
			o: with(spoilt, on(certificates.KeyInSecret), kept)},
		{name: "slow: the status first", want: "Settle Ready=False/DoesNotExist Issuing=True/DoesNotExist | Normal Issuing: ...",
			o: with(spoilt, on(certificates.Slow))},
		{name: "slow: then the key", want: "KeepKey mends", o: with(spoilt, on(certificates.Slow), begun)},
		{name: "slow: then the request, without a second event", want: "Request 2 mends", o: with(spoilt, on(certificates.Slow), begun, kept)},
		{name: "a key Secret that does not fit makes room", want: "Drop web-next",
			o: with(spoilt, on(certificates.KeyInSecret), func(t *testing.T, o *certificates.Observed) {
				o.KeySecrets = keySecret(t, "web-next")
				name := "web-next"
				o.Certificate.Status.NextPrivateKeySecretName = &name
			})},
		{name: "asked for by hand", want: "Request 2", o: func(_ *testing.T, o *certificates.Observed) {
			handlertest.ManuallyTriggered(o.Certificate)
		}},
		{name: "asked for by hand, slow: the asker's reason stays", want: "Settle Ready=True/Ready Issuing=True/ManuallyTriggered",
			o: with(on(certificates.Slow), func(_ *testing.T, o *certificates.Observed) { handlertest.ManuallyTriggered(o.Certificate) })},
		{name: "requested, immediate: wait for the event", want: "Rest 0s", o: with(spoilt, requested())},
		{name: "requested, slow: wait", want: "Rest 0s", o: with(spoilt, requested(), on(certificates.Slow), begun, kept)},
		{name: "requested, and the key is lost: anew", want: "Discard web-2",
			o: with(spoilt, requested(), func(_ *testing.T, o *certificates.Observed) { o.Key = nil })},
		{name: "requested, and the key is another: anew", want: "Discard web-2",
			o: with(spoilt, requested(), func(t *testing.T, o *certificates.Observed) { o.Key = handlertest.NewKey(t) })},
		{name: "requested, and the spec was edited: anew", want: "Discard web-2",
			o: with(spoilt, requested(), func(_ *testing.T, o *certificates.Observed) {
				o.Certificate.Spec.DNSNames = []string{"new.example.com"}
			})},
		{name: "the issuer is not ready after all: the key is kept", want: "KeepKey mends", o: with(spoilt, requested(pending("Waiting")))},
		{name: "and the status passes on the request's words", want: "Settle Ready=False/DoesNotExist Issuing=True/DoesNotExist | Normal Issuing: Issuing certificate as Secret does not exist. Waiting for CertificateRequest \"web-2\": not ready",
			o: with(spoilt, requested(pending("not ready")), kept)},
		{name: "signed: store", want: "Store web-2", o: with(spoilt, requested(signed))},
		{name: "failed: say so", want: "Settle Ready=False/DoesNotExist Issuing=False/Failed | Warning Failed: The certificate request has failed to complete and will be retried: refused",
			o: with(spoilt, requested(ready("Failed", "refused")))},
		{name: "denied: say so", want: "Settle Ready=False/DoesNotExist Issuing=False/Denied | Warning Denied: ...",
			o: with(spoilt, requested(ready("Denied", "no")))},
		{name: "denied, and its controller says nothing of it: say so", want: "Settle Ready=False/DoesNotExist Issuing=False/Policy | Warning Policy: The certificate request has failed to complete and will be retried: no",
			o: with(spoilt, on(certificates.Slow), begun, kept, requested(is(cmapi.CertificateRequestConditionDenied, "Policy", "no")))},
		{name: "denied, and signed all the same: denied", want: "Settle Ready=False/DoesNotExist Issuing=False/Policy | Warning ...",
			o: with(spoilt, requested(signed, is(cmapi.CertificateRequestConditionDenied, "Policy", "no")))},
		{name: "invalid: say so", want: "Settle Ready=False/DoesNotExist Issuing=False/BadRequest | Warning BadRequest: ...",
			o: with(spoilt, requested(is(cmapi.CertificateRequestConditionInvalidRequest, "BadRequest", "bad CSR")))},
		{name: "signed for another key", want: "Settle Ready=False/DoesNotExist Issuing=False/InvalidCertificate | Warning InvalidCertificate: The certificate request has failed to complete and will be retried: The issuer certified another key than the one requested",
			o: with(spoilt, requested(answer(func(t *testing.T, o *certificates.Observed) []byte {
				return handlertest.NewAuthority(t, "other").Issue(t, handlertest.NewKey(t).Public())
			})))},
		{name: "signed with garbage", want: "Settle Ready=False/DoesNotExist Issuing=False/InvalidCertificate | Warning InvalidCertificate: ...",
			o: with(spoilt, requested(answer(func(*testing.T, *certificates.Observed) []byte { return []byte("garbage") })))},
		{name: "signed for another key, and that is counted: anew", want: "Discard web-2", late: 48 * time.Hour,
			o: with(spoilt, requested(answer(func(t *testing.T, o *certificates.Observed) []byte {
				return handlertest.NewAuthority(t, "other").Issue(t, handlertest.NewKey(t).Public())
			})), func(_ *testing.T, o *certificates.Observed) {
				o.Certificate.Status.LastFailureTime = &metav1.Time{Time: handlertest.Now}
			})},
		{name: "signed, and expired since", want: "Settle Ready=False/DoesNotExist Issuing=False/InvalidCertificate | Warning InvalidCertificate: ...",
			late: toEnd + time.Second, o: with(spoilt, requested(signed))},
	})
}

func on(p certificates.Path) func(*testing.T, *certificates.Observed) {
	return func(_ *testing.T, o *certificates.Observed) { o.Path = p }
}

// begun is the status that the slow path writes first.
func begun(_ *testing.T, o *certificates.Observed) {
	name := "web-next"
	s := &o.Certificate.Status
	s.NextPrivateKeySecretName = &name
	s.NotBefore, s.NotAfter, s.RenewalTime = nil, nil, nil
	unready(o, "DoesNotExist", "Issuing certificate as Secret does not exist")
	s.Conditions = append(s.Conditions, cmapi.CertificateCondition{
		Type: cmapi.CertificateConditionIssuing, Status: cmmeta.ConditionTrue, Reason: "DoesNotExist",
		Message: "Issuing certificate as Secret does not exist", ObservedGeneration: 1,
		LastTransitionTime: &metav1.Time{Time: handlertest.Issued},
	})
}

func unready(o *certificates.Observed, reason, message string) {
	c := &o.Certificate.Status.Conditions[0]
	c.Status, c.Reason, c.Message = cmmeta.ConditionFalse, reason, message
}

// kept has the next key in its Secret.
func kept(t *testing.T, o *certificates.Observed) {
	if o.Key == nil {
		o.Key = handlertest.NewKey(t)
	}
	o.KeyKept = true
}

// requested has the request of the next revision, with its key.
func requested(edits ...func(*testing.T, *certificates.Observed)) func(*testing.T, *certificates.Observed) {
	return func(t *testing.T, o *certificates.Observed) {
		key := handlertest.NewKey(t)
		o.Key = key
		o.Next = handlertest.RequestOf(o.Certificate, 2, handlertest.CSR(t, key), handlertest.Approved)
		for _, e := range edits {
			e(t, o)
		}
	}
}

func signed(t *testing.T, o *certificates.Observed) {
	answer(func(t *testing.T, o *certificates.Observed) []byte {
		return handlertest.NewAuthority(t, "Test CA").Issue(t, o.Key.Public())
	})(t, o)
}

func answer(chain func(*testing.T, *certificates.Observed) []byte) func(*testing.T, *certificates.Observed) {
	return func(t *testing.T, o *certificates.Observed) {
		handlertest.IssuedAs(chain(t, o), nil)(o.Next)
	}
}

func pending(message string) func(*testing.T, *certificates.Observed) {
	return ready("Pending", message)
}

func ready(reason, message string) func(*testing.T, *certificates.Observed) {
	return func(_ *testing.T, o *certificates.Observed) {
		handlertest.Condition(cmapi.CertificateRequestConditionReady, cmmeta.ConditionFalse, reason, message)(o.Next)
	}
}

func is(kind cmapi.CertificateRequestConditionType, reason, message string) func(*testing.T, *certificates.Observed) {
	return func(_ *testing.T, o *certificates.Observed) {
		handlertest.Condition(kind, cmmeta.ConditionTrue, reason, message)(o.Next)
	}
}

func keySecret(t *testing.T, name string) []*corev1.Secret {
	t.Helper()
	return []*corev1.Secret{{
		ObjectMeta: metav1.ObjectMeta{Namespace: handlertest.Namespace, Name: name},
		Data:       map[string][]byte{"tls.key": handlertest.PKCS8(t, handlertest.NewKey(t))},
	}}
}

func named(name string) *cmapi.CertificateRequest {
	return &cmapi.CertificateRequest{ObjectMeta: metav1.ObjectMeta{Name: name}}
}
