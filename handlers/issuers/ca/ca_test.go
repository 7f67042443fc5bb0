package ca_test

import (
	"crypto/x509"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/certwright/certwright/handlers/handlertest"
	"github.com/certwright/certwright/handlers/issuers"
	"github.com/certwright/certwright/handlers/issuers/ca"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	cmmeta "github.com/cert-manager/cert-manager/pkg/apis/meta/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
)

// faults of a CA's Secret, of which each has its reason and says what to do.
func faults(t *testing.T) map[string]struct {
	secret  *corev1.Secret // nil: it is missing
	reason  string
	message []string
	after   time.Duration
} {
	t.Helper()
	good, other := handlertest.NewAuthority(t, "Test CA"), handlertest.NewAuthority(t, "Other CA")
	dated := func(from, to time.Time) handlertest.Authority {
		return handlertest.NewAuthority(t, "Test CA", func(c *x509.Certificate) { c.NotBefore, c.NotAfter = from, to })
	}
	now := handlertest.Now
	expired, early := dated(now.AddDate(-2, 0, 0), now.Add(-time.Hour)), dated(now.Add(time.Hour), now.AddDate(1, 0, 0))
	leafOnly := handlertest.NewAuthority(t, "Leaf", func(c *x509.Certificate) { c.IsCA, c.KeyUsage = false, x509.KeyUsageDigitalSignature })
	noSign := handlertest.NewAuthority(t, "No sign", func(c *x509.Certificate) { c.KeyUsage = x509.KeyUsageDigitalSignature })
	pair := func(cert, key []byte) *corev1.Secret {
		s := handlertest.PairSecret(t, "ca-pair", good)
		s.Type, s.Data = corev1.SecretTypeOpaque, map[string][]byte{}
		if cert != nil {
			s.Data["tls.crt"] = cert
		}
		if key != nil {
			s.Data["tls.key"] = key
		}
		return s
	}
	key := handlertest.KeyPEM(t, good.Key)
	return map[string]struct {
		secret  *corev1.Secret
		reason  string
		message []string
		after   time.Duration
	}{
		"missing":             {nil, "ErrGetKeyPair", []string{"Secret team/ca-pair does not exist: create it with the CA in tls.crt and its key in tls.key"}, 0},
		"empty":               {pair(nil, nil), "ErrInvalidKeyPair", []string{"the CA certificate cannot be used", "store the PEM certificate"}, 0},
		"no certificate":      {pair(nil, key), "ErrInvalidKeyPair", []string{"the CA certificate cannot be used", "no PEM block found"}, 0},
		"no key":              {pair(good.PEM, nil), "ErrInvalidKeyPair", []string{"the CA private key cannot be used", "store the PEM private key"}, 0},
		"half a certificate":  {pair(good.PEM[:len(good.PEM)/2], key), "ErrInvalidKeyPair", []string{"PEM block 1 is damaged"}, 0},
		"half a key":          {pair(good.PEM, key[:len(key)/2]), "ErrInvalidKeyPair", []string{"PEM block 1 is damaged"}, 0},
		"another's key":       {pair(good.PEM, handlertest.KeyPEM(t, other.Key)), "ErrInvalidKeyPair", []string{`"CN=Test CA" was made for another key`}, 0},
		"a leaf only":         {pair(leafOnly.PEM, handlertest.KeyPEM(t, leafOnly.Key)), "ErrInvalidKeyPair", []string{"not that of a CA", "isCA: true"}, 0},
		"without cert sign":   {pair(noSign.PEM, handlertest.KeyPEM(t, noSign.Key)), "ErrInvalidKeyPair", []string{`lacks "cert sign"`}, 0},
		"expired":             {pair(expired.PEM, handlertest.KeyPEM(t, expired.Key)), "ErrInvalidKeyPair", []string{"expired", "it ended at 2026-03-01T11:00:00Z: renew it"}, 0},
		"not yet valid":       {pair(early.PEM, handlertest.KeyPEM(t, early.Key)), "ErrInvalidKeyPair", []string{"not valid yet", "it begins at 2026-03-01T13:00:00Z"}, time.Hour - 400*time.Millisecond},
		"a stranger in chain": {pair(append(append([]byte{}, good.PEM...), other.PEM...), key), "ErrInvalidKeyPair", []string{`"CN=Other CA" does not belong to the chain`}, 0},
		"a megabyte":          {pair(good.PEM, []byte(strings.Repeat("x", 1<<20))), "ErrInvalidKeyPair", []string{"too large"}, 0},
	}
}

// issuer is an Issuer that nobody has looked at.
func issuer() *cmapi.Issuer {
	i := handlertest.CAIssuer("ca", "ca-pair")
	i.Status = cmapi.IssuerStatus{}
	return i
}

func condition(w *handlertest.World) cmapi.IssuerCondition {
	if c := handlertest.Get[*cmapi.Issuer](w, "ca").Status.Conditions; len(c) == 1 {
		return c[0]
	}
	return cmapi.IssuerCondition{}
}

func TestFaultsOfTheSecret(t *testing.T) {
	t.Parallel()
	for name, row := range faults(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			objects := []runtime.Object{issuer()}
			if row.secret != nil {
				objects = append(objects, row.secret)
			}
			handlertest.Row{
				Objects: objects, Key: handlertest.IssuerKey("ca"), After: row.after,
				Writes: []string{"update issuers/status ca"},
				Events: []string{"Issuer/ca Warning " + row.reason + ": spec.ca.secretName: Secret team/ca-pair"},
				Check: func(t *testing.T, w *handlertest.World) {
					c := condition(w)
					if c.Status != cmmeta.ConditionFalse || c.Reason != row.reason {
						t.Errorf("got %+v, want False, %s", c, row.reason)
					}
					for _, part := range row.message {
						if !strings.Contains(c.Message, part) {
							t.Errorf("message: got %q, want %q in it", c.Message, part)
						}
					}
				},
			}.Run(t)
		})
	}
}

// A pair that is mended, or comes at last, makes the issuer ready.
func TestAMendedSecret(t *testing.T) {
	t.Parallel()
	good := handlertest.NewAuthority(t, "Test CA")
	for name, row := range faults(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := handlertest.New(t, issuer())
			if row.secret != nil {
				w.Create(row.secret)
			}
			p := w.Start(handlertest.Defaults())
			p.Settle()
			if row.secret != nil {
				handlertest.Delete[*corev1.Secret](w, "ca-pair")
			}
			w.Create(handlertest.PairSecret(t, "ca-pair", good))
			p.Settle()
			if c := condition(w); c.Status != cmmeta.ConditionTrue || c.Reason != "KeyPairVerified" || c.Message != "Signing CA verified" {
				t.Errorf("got %+v, want True", c)
			}
			handlertest.Delete[*corev1.Secret](w, "ca-pair")
			p.Settle()
			if c := condition(w); c.Status != cmmeta.ConditionFalse || c.Reason != "ErrGetKeyPair" {
				t.Errorf("without its Secret: got %+v, want False", c)
			}
		})
	}
}

// No event tells of the end of a CA, nor of its beginning: the clock does.
func TestACAEndsAndBegins(t *testing.T) {
	t.Parallel()
	a := handlertest.NewAuthority(t, "Test CA", func(c *x509.Certificate) {
		c.NotBefore, c.NotAfter = handlertest.Now.Add(time.Hour), handlertest.Now.Add(2*time.Hour)
	})
	w := handlertest.New(t, issuer(), handlertest.PairSecret(t, "ca-pair", a))
	p := w.Start(handlertest.Defaults())
	for _, want := range []cmmeta.ConditionStatus{"False", "True", "False"} {
		p.Settle()
		if got := condition(w).Status; got != want {
			t.Fatalf("at %s: got %s, want %s", w.Clock.Now(), got, want)
		}
		result, err := p.Handle(handlertest.IssuerKey("ca"))
		if err != nil {
			t.Fatal(err)
		}
		if result.After == 0 && w.Clock.Now().Before(a.Certificate.NotAfter) {
			t.Fatalf("at %s: it is not looked at again", w.Clock.Now())
		}
		w.Wait(result.After)
	}
}

// A pair is read past the cache once for each state of its Secret, however
// many requests need it.
func TestTheSecretIsReadOnce(t *testing.T) {
	t.Parallel()
	w := handlertest.New(t, issuer(), handlertest.PairSecret(t, "ca-pair", handlertest.NewAuthority(t, "Test CA")))
	p := w.Start(handlertest.Defaults())
	for range 5 {
		p.Settle()
	}
	if len(w.Reads) != 1 {
		t.Errorf("reads: got %q, want one", w.Reads)
	}
}

// What the API server does not answer is no fault of the Secret: it is tried
// again, and the condition stays.
func TestTheSecretCannotBeRead(t *testing.T) {
	t.Parallel()
	b := ca.New(broken{}, handlertest.New(t).Clock)
	i := issuers.Issuer{Name: "ca", Namespace: "team", Spec: &issuer().Spec}
	if r, err := b.Check(t.Context(), i); !errors.Is(err, errBroken) || r.Reason != "" {
		t.Errorf("check: got %+v, %v, want the error", r, err)
	}
	if o, err := b.Sign(t.Context(), issuers.Request{Issuer: i}); !errors.Is(err, errBroken) || o.Pending != "" {
		t.Errorf("sign: got %+v, %v, want the error", o, err)
	}
}
