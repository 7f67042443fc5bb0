package certificates_test

import (
	"strings"
	"testing"
	"time"

	"github.com/certwright/certwright/handlers/certificates"
	"github.com/certwright/certwright/handlers/handlertest"
	"github.com/certwright/certwright/internal/api"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	cmmeta "github.com/cert-manager/cert-manager/pkg/apis/meta/v1"
)

// trigger is a reason to issue anew.
type trigger struct {
	name    string
	spoil   func(t *testing.T, o *certificates.Observed)
	reason  string
	message string // what it has to say, at least
	late    bool   // it is the calendar
}

// triggers is the trigger chain of the API contract, section 1.2, in its order.
var triggers = []trigger{
	{name: "the Secret does not exist", reason: "DoesNotExist", message: "Secret does not exist",
		spoil: func(_ *testing.T, o *certificates.Observed) { o.Secret, o.Stored = nil, certificates.Stored{} }},
	{name: "the Secret is empty", reason: "MissingData", message: "does not contain any data",
		spoil: func(_ *testing.T, o *certificates.Observed) { o.Secret.Data, o.Stored = nil, certificates.Stored{} }},
	{name: "the Secret has no key", reason: "MissingData", message: "private key (tls.key)",
		spoil: func(_ *testing.T, o *certificates.Observed) { delete(o.Secret.Data, "tls.key"); o.Stored.Key = nil }},
	{name: "the Secret has no certificate", reason: "MissingData", message: "certificate (tls.crt)",
		spoil: func(_ *testing.T, o *certificates.Observed) {
			delete(o.Secret.Data, "tls.crt")
			o.Stored.Certificate = nil
		}},
	{name: "the key cannot be read", reason: "InvalidKeyPair", message: "invalid private key: no PEM block",
		spoil: func(_ *testing.T, o *certificates.Observed) {
			o.Stored.Key, o.Stored.KeyErr = nil, errGarbage
		}},
	{name: "the certificate cannot be read", reason: "InvalidCertificate", message: "invalid certificate: no PEM block",
		spoil: func(_ *testing.T, o *certificates.Observed) {
			o.Stored.Certificate, o.Stored.CertErr = nil, errGarbage
		}},
	{name: "key and certificate are no pair", reason: "InvalidKeyPair", message: "does not belong to its certificate",
		spoil: func(t *testing.T, o *certificates.Observed) { o.Stored.Key = handlertest.NewKey(t) }},
	{name: "the certificate is a temporary one", reason: "TemporaryCertificate", message: "contains a temporary certificate",
		spoil: func(_ *testing.T, o *certificates.Observed) {
			if o.Stored.Certificate != nil {
				leaf := *o.Stored.Certificate
				leaf.Subject.SerialNumber = "1234567890"
				o.Stored.Certificate = &leaf
			}
		}},
	{name: "the Secret is of another issuer", reason: "IncorrectIssuer", message: `"Issuer.cert-manager.io/old"`,
		spoil: func(_ *testing.T, o *certificates.Observed) {
			o.Secret.Annotations["cert-manager.io/issuer-name"] = "old"
		}},
	{name: "the Secret is of another Certificate", reason: "IncorrectCertificate", message: `Certificate "gone"`,
		spoil: func(_ *testing.T, o *certificates.Observed) {
			o.Secret.Annotations["cert-manager.io/certificate-name"] = "gone"
		}},
	{name: "the key is not as the spec says", reason: "SecretMismatch", message: "spec.privateKey.algorithm",
		spoil: func(_ *testing.T, o *certificates.Observed) {
			o.Certificate.Spec.PrivateKey.Algorithm = cmapi.RSAKeyAlgorithm
		}},
	{name: "the request cannot be read", reason: "InvalidCertificateRequest", message: `"web-1" cannot be read`,
		spoil: func(_ *testing.T, o *certificates.Observed) { o.Current.Spec.Request = []byte("garbage") }},
	{name: "the key is not the request's", reason: "SecretMismatch", message: `does not match CertificateRequest "web-1"`,
		spoil: func(t *testing.T, o *certificates.Observed) {
			o.Current.Spec.Request = handlertest.CSR(t, handlertest.NewKey(t))
		}},
	{name: "the request is not as the spec says", reason: "RequestChanged", message: "spec.dnsNames",
		spoil: func(_ *testing.T, o *certificates.Observed) {
			o.Certificate.Spec.DNSNames = append(o.Certificate.Spec.DNSNames, "www.example.com")
		}},
	{name: "the request is gone, and the certificate is not as the spec says", reason: "SecretMismatch", message: "spec.dnsNames",
		spoil: func(_ *testing.T, o *certificates.Observed) {
			o.Current, o.Certificate.Spec.DNSNames = nil, []string{"www.example.com", "web.example.com"}
		}},
	{name: "the certificate nears its end", reason: "Renewing", message: "Tue, 31 Mar 2026 12:00:00 UTC", late: true,
		spoil: func(*testing.T, *certificates.Observed) {}},
}

func (tr trigger) now() time.Time {
	if tr.late {
		return handlertest.Renewal
	}
	return handlertest.Now
}

// On the slow path the reason is written down as Issuing=True and Ready=False.
func TestEveryTriggerIssuesWithItsReason(t *testing.T) {
	t.Parallel()
	for _, tr := range triggers {
		t.Run(tr.name, func(t *testing.T) {
			t.Parallel()
			o := observed(t, func(o *certificates.Observed) { o.Path = certificates.Slow; tr.spoil(t, o) })
			step := certificates.Next(o, tr.now())
			ready := "Ready=False/" + tr.reason
			if tr.late {
				ready = "Ready=True/Ready" // a certificate due for renewal is in order until it expires
			}
			wantStep(t, step, "Settle "+ready+" Issuing=True/"+tr.reason+" | Normal Issuing: ...")
			settled, ok := step.(certificates.Settle)
			if !ok {
				return
			}
			c := api.CertificateCondition(settled.Certificate, cmapi.CertificateConditionIssuing)
			if !strings.Contains(c.Message, tr.message) {
				t.Errorf("message: got %q, want %q in it", c.Message, tr.message)
			}
			if settled.Event != nil && settled.Event.Message != c.Message {
				t.Errorf("event: got %q, want the condition's message %q", settled.Event.Message, c.Message)
			}
		})
	}
}

// On the fast path nothing is written before the request.
func TestEveryTriggerRequestsAtOnceWhereTheIssuerSignsAtOnce(t *testing.T) {
	t.Parallel()
	mends := map[string]bool{"RequestChanged": false, "Renewing": false}
	for _, tr := range triggers {
		t.Run(tr.name, func(t *testing.T) {
			t.Parallel()
			want := "Request 2 mends | Normal Issuing: ..."
			if _, follows := mends[tr.reason]; follows {
				want = "Request 2 | Normal Issuing: ..."
			}
			o := observed(t, func(o *certificates.Observed) { tr.spoil(t, o) })
			wantStep(t, certificates.Next(o, tr.now()), want)
		})
	}
}

// A Secret with several faults is issued anew for the first of the chain.
func TestTheFirstTriggerOfTheChainCounts(t *testing.T) {
	t.Parallel()
	for i, first := range triggers {
		for _, second := range triggers[i+1:] {
			if excludes(first, second) {
				continue
			}
			t.Run(first.name+", and "+second.name, func(t *testing.T) {
				t.Parallel()
				o := observed(t, func(o *certificates.Observed) {
					o.Path = certificates.Slow
					second.spoil(t, o)
					first.spoil(t, o)
				})
				step, ok := certificates.Next(o, handlertest.Renewal).(certificates.Settle)
				if !ok {
					t.Fatalf("got %T, want Settle", step)
				}
				c := api.CertificateCondition(step.Certificate, cmapi.CertificateConditionIssuing)
				if c == nil || c.Reason != first.reason || !strings.Contains(c.Message, first.message) {
					t.Errorf("got %v, want reason %s with %q", c, first.reason, first.message)
				}
			})
		}
	}
}

// excludes reports whether the spoiling of one undoes that of the other: they
// are two forms of one line of the chain, or one needs the request that the
// other takes away.
func excludes(first, second trigger) bool {
	if strings.Contains(second.name, "the request is gone") {
		return strings.Contains(first.name, "request")
	}
	return first.name == "the request is not as the spec says" && second.name == "the key is not the request's"
}

func TestASecretOfTheDefaultedIssuerIsOurs(t *testing.T) {
	t.Parallel()
	for name, ref := range map[string]cmmeta.IssuerReference{
		"as stored":           {Name: "ca"},
		"with its kind":       {Name: "ca", Kind: "Issuer"},
		"with kind and group": {Name: "ca", Kind: "Issuer", Group: "cert-manager.io"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := observed(t, func(o *certificates.Observed) {
				o.Certificate.Spec.IssuerRef = ref
			})
			wantStep(t, certificates.Next(o, handlertest.Now), "Rest ...")
		})
	}
}

// The request is gone, as after a clean-up by hand: what the issuer may have
// changed is not held against the certificate.
func TestWithoutItsRequestACertificateIsComparedLoosely(t *testing.T) {
	t.Parallel()
	o := observed(t, func(o *certificates.Observed) {
		o.Current = nil
		o.Certificate.Spec.Usages = []cmapi.KeyUsage{cmapi.UsageClientAuth}
	})
	wantStep(t, certificates.Next(o, handlertest.Now), "Rest ...")
}
