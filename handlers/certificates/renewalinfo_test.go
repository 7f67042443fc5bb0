package certificates_test

import (
	"context"
	"crypto/x509"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/certwright/certwright/handlers/certificates"
	"github.com/certwright/certwright/handlers/handlertest"
	"github.com/certwright/certwright/internal/acme"
	"github.com/certwright/certwright/queue"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
)

// advisor plays the ACME server that says when to renew.
type advisor struct {
	mu    sync.Mutex
	info  acme.RenewalInfo
	err   error
	asked int
	woken chan queue.Key
}

func (a *advisor) ask(_ context.Context, d acme.Directory, leaf []byte) (acme.RenewalInfo, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.asked++
	if _, err := x509.ParseCertificate(leaf); err != nil || d.URL != "https://acme.example/directory" {
		return acme.RenewalInfo{}, errors.New("asked wrongly")
	}
	return a.info, a.err
}

func (a *advisor) says(info acme.RenewalInfo, err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.info, a.err = info, err
}

// advised is a world with the fixture at rest, issued by an ACME server.
type advised struct {
	*handlertest.World
	t       *testing.T
	advisor *advisor
	p       *handlertest.Process
	f       *handlertest.Fixture
}

func newAdvised(t *testing.T, edit ...func(*cmapi.Certificate)) *advised {
	t.Helper()
	f := handlertest.AtRest(t)
	publicly(f.Certificate)
	f.Request.Spec.IssuerRef = f.Certificate.Spec.IssuerRef
	f.Secret.Annotations["cert-manager.io/issuer-name"] = "le"
	for _, e := range edit {
		e(f.Certificate)
	}
	a := &advised{World: handlertest.New(t, append(f.Objects(), acmeIssuer())...), t: t, f: f, advisor: &advisor{woken: make(chan queue.Key, 10)}}
	a.restart()
	return a
}

func (a *advised) restart() {
	s := handlertest.Defaults()
	s.More = func(w *handlertest.World) map[queue.Kind]queue.Handler {
		return map[queue.Kind]queue.Handler{queue.Certificate: certificates.New(certificates.Handler{
			Cache: w.Cache, Client: w.CertManager.CertmanagerV1(), Secrets: w.Core.CoreV1(), Settings: s.Certificates,
			Approves: s.Approver.Approves, Events: w.Recorder(), Clock: w.Clock,
			AskRenewal: a.advisor.ask, Wake: func(k queue.Key) { a.advisor.woken <- k },
		})}
	}
	a.p = a.Start(s)
	a.p.Handlers = map[queue.Kind]queue.Handler{queue.Certificate: a.p.Handlers[queue.Certificate]}
}

func (a *advised) handle() queue.Result {
	a.t.Helper()
	a.Refresh()
	result, err := a.p.Handle(handlertest.CertificateKey("web"))
	if err != nil {
		a.t.Fatal(err)
	}
	return result
}

// answered waits until the server has answered and the key is woken.
func (a *advised) answered() {
	a.t.Helper()
	select {
	case k := <-a.advisor.woken:
		if k != handlertest.CertificateKey("web") {
			a.t.Errorf("woken: %s", k)
		}
	case <-time.After(time.Minute):
		a.t.Fatal("nobody was woken")
	}
}

func (a *advised) ari() *cmapi.CertificateACMEARIStatus {
	if s := a.Certificate("web").Status.ACME; s != nil {
		return s.ARI
	}
	return nil
}

func window(from, to time.Duration) acme.RenewalInfo {
	return acme.RenewalInfo{Start: handlertest.Now.Add(from).Truncate(time.Second), End: handlertest.Now.Add(to).Truncate(time.Second), ExplanationURL: "https://acme.example/why"}
}

// The server is asked beside the work, and what it says comes with one write.
func TestRenewalInfo(t *testing.T) {
	t.Parallel()
	a := newAdvised(t)
	a.advisor.says(window(5*day, 7*day), nil)
	if result := a.handle(); result.After <= 0 {
		t.Errorf("rests %s", result.After)
	}
	a.Wrote()
	a.answered()
	a.handle()
	a.Wrote("update certificates/status web")
	got := a.ari()
	if got == nil || !got.SuggestedWindow.Start.Time.Equal(a.advisor.info.Start) || !got.SuggestedWindow.End.Time.Equal(a.advisor.info.End) ||
		got.ExplanationURL != "https://acme.example/why" || got.LastError != "" || !got.LastChecked.Time.Equal(handlertest.Now.Truncate(time.Second)) {
		t.Fatalf("status: %+v", got)
	}
	if wait := got.NextCheck.Sub(handlertest.Now); wait < 6*time.Hour*9/10-time.Second || wait > 6*time.Hour*11/10 {
		t.Errorf("asks again in %s, want six hours and a tenth", wait)
	}
	renewal := a.Certificate("web").Status.RenewalTime.Time
	if renewal.Before(a.advisor.info.Start) || renewal.After(a.advisor.info.End) {
		t.Errorf("renewal at %s, want within %s and %s", renewal, a.advisor.info.Start, a.advisor.info.End)
	}
	a.restart()
	if result := a.handle(); result.After != got.NextCheck.Sub(a.Clock.Now()) {
		t.Errorf("after a restart: rests %s, want until %s", result.After, got.NextCheck)
	}
	a.Wrote("update certificates/status web")
	if a.advisor.asked != 1 {
		t.Errorf("asked %d times", a.advisor.asked)
	}
	a.Clock.SetTime(got.NextCheck.Time)
	a.handle()
	a.answered()
	if a.advisor.asked != 2 {
		t.Errorf("asked %d times when it was time", a.advisor.asked)
	}
}

// A window that has passed is now; the request names what it replaces.
func TestWindowThatHasPassed(t *testing.T) {
	t.Parallel()
	a := newAdvised(t)
	a.advisor.says(window(-2*day, -day), nil)
	a.handle()
	a.answered()
	a.handle()
	a.handle()
	a.handle()
	cr := a.Request("web-2")
	if cr == nil {
		t.Fatalf("no request was made: %v", a.Writes)
	}
	want, err := acme.CertID(a.f.Leaf)
	if err != nil {
		t.Fatal(err)
	}
	if got := cr.Annotations["certwright.dev/replaces"]; got != want {
		t.Errorf("replaces %q, want %q", got, want)
	}
}

// The spec's own time counts when it comes sooner.
func TestOwnTimeComesSooner(t *testing.T) {
	t.Parallel()
	a := newAdvised(t)
	a.advisor.says(window(50*day, 52*day), nil)
	a.handle()
	a.answered()
	a.handle()
	if got := a.Certificate("web").Status.RenewalTime.Time; !got.Equal(handlertest.Renewal) {
		t.Errorf("renewal at %s, want %s", got, handlertest.Renewal)
	}
}

// How often is asked keeps within the contract's bounds.
func TestHowOftenIsAsked(t *testing.T) {
	t.Parallel()
	for told, want := range map[time.Duration]time.Duration{0: 6 * time.Hour, time.Minute: time.Hour, 12 * time.Hour: 12 * time.Hour, 90 * day: 7 * day} {
		a := newAdvised(t)
		info := window(5*day, 7*day)
		info.RetryAfter = told
		a.advisor.says(info, nil)
		a.handle()
		a.answered()
		a.handle()
		if wait := a.ari().NextCheck.Sub(handlertest.Now); wait < want*9/10-time.Second || wait > want*11/10 {
			t.Errorf("told %s: asks again in %s, want about %s", told, wait, want)
		}
	}
}

// A failing server is told of, and stops nothing; the window it gave before holds.
func TestFailingServer(t *testing.T) {
	t.Parallel()
	a := newAdvised(t)
	a.advisor.says(window(5*day, 7*day), nil)
	a.handle()
	a.answered()
	a.handle()
	before := a.ari()
	a.Forget()
	a.Clock.SetTime(before.NextCheck.Time)
	a.advisor.says(acme.RenewalInfo{}, &acme.Error{Class: acme.Transient, Detail: "maintenance"})
	for range 2 {
		a.handle()
		a.answered()
		a.handle()
		a.Clock.SetTime(a.ari().NextCheck.Time)
	}
	a.Wrote("update certificates/status web", "update certificates/status web")
	a.Told("Certificate/web Warning ARIError: The ACME server did not say when to renew; the spec's own time holds: maintenance")
	got := a.ari()
	if got.LastError != "maintenance" || !got.SuggestedWindow.Start.Equal(before.SuggestedWindow.Start) {
		t.Errorf("status: %+v", got)
	}
	if c := readiness(a.World); c.Status != "True" {
		t.Errorf("Ready: %+v", c)
	}
}

// A server without renewal information is not written about, and asked once a day.
func TestServerWithoutRenewalInfo(t *testing.T) {
	t.Parallel()
	a := newAdvised(t)
	a.advisor.says(acme.RenewalInfo{}, &acme.Error{Class: acme.Gone, Detail: "none"})
	a.handle()
	a.answered()
	if result := a.handle(); result.After != day {
		t.Errorf("rests %s, want a day", result.After)
	}
	a.Wrote()
	a.Wait(day)
	a.handle()
	a.answered()
	if a.advisor.asked != 2 {
		t.Errorf("asked %d times", a.advisor.asked)
	}
}

// What is issued anew is asked about before its status is written, once. The
// window of the one before counts no more.
func TestIssuedAnew(t *testing.T) {
	t.Parallel()
	for name, waits := range map[string]bool{"answered at once": false, "not answered within a second": true} {
		a := newAdvised(t, func(crt *cmapi.Certificate) {
			crt.Status.ACME = &cmapi.CertificateACMEStatus{ARI: &cmapi.CertificateACMEARIStatus{LastError: "of the one before"}}
		})
		a.advisor.says(window(-2*day, -day), nil)
		a.handle()
		a.answered()
		for range 4 {
			a.handle()
		}
		issue(t, a)
		a.Forget()
		a.advisor.says(window(5*day, 7*day), nil)
		a.handle() // the Secret
		if waits {
			a.advisor.mu.Lock()
		}
		if result := a.handle(); result.After != time.Second {
			t.Errorf("%s: waits %s for the answer", name, result.After)
		}
		if waits {
			a.Wait(time.Second)
			a.handle()
			if got := a.ari(); got != nil {
				t.Errorf("%s: status %+v", name, got)
			}
			a.Wrote("apply secrets web-tls", "update certificates/status web")
			a.advisor.mu.Unlock()
		}
		a.answered()
		a.handle()
		if got := a.ari(); got == nil || !got.SuggestedWindow.Start.Time.Equal(a.advisor.info.Start) {
			t.Errorf("%s: status %+v", name, got)
		}
		if !waits {
			a.Wrote("apply secrets web-tls", "update certificates/status web")
		}
	}
}

// issue answers the second request.
func issue(t *testing.T, a *advised) {
	t.Helper()
	a.Refresh()
	cr := a.Request("web-2")
	if cr == nil {
		t.Fatalf("there is no request: %v", a.Writes)
	}
	csr := csrOf(t, cr)
	chain := a.f.CA.Issue(t, csr.PublicKey, func(c *x509.Certificate) {
		c.NotBefore, c.NotAfter = handlertest.Now.Add(-time.Hour), handlertest.Now.Add(89*day)
	})
	handlertest.EditStatus(a.World, "web-2", handlertest.IssuedAs(chain, nil))
}

// A server whose window has always passed does not have certificates issued
// without end.
func TestServerThatAlwaysHurries(t *testing.T) {
	t.Parallel()
	wish := window(-2*day, -day)
	wantAt := func(hurried int) certificates.Step {
		return certificates.Next(observed(t, func(o *certificates.Observed) {
			o.Path = certificates.Remote
			o.Renewal = certificates.RenewalInfo{Served: true, Hurried: hurried, Answer: &certificates.Answer{Info: wish, At: handlertest.Now}}
			o.Current.Status.Conditions[1].LastTransitionTime.Time = handlertest.Now.Add(-time.Minute)
		}), handlertest.Now)
	}
	wantStep(t, wantAt(0), "KeepKey")
	wantStep(t, wantAt(1), "KeepKey")
	wantStep(t, wantAt(2), "Settle Ready=True/Ready") // and in an hour
}

// Renewals switched off stay off, and another issuer's certificate is nobody's
// business.
func TestWhereTheServerIsNotHeard(t *testing.T) {
	t.Parallel()
	a := newAdvised(t, func(crt *cmapi.Certificate) {
		crt.Spec.Renewal = &cmapi.CertificateRenewal{Policy: cmapi.CertificateRenewalPolicyDisabled}
		crt.Status.RenewalTime = nil
	})
	a.advisor.says(window(-2*day, -day), nil)
	a.handle()
	a.answered()
	a.handle()
	a.handle()
	if a.Request("web-2") != nil || a.Certificate("web").Status.RenewalTime != nil {
		t.Error("renewed although that is switched off")
	}
	b := newAdvised(t)
	handlertest.Edit(b.World, "le", func(i *cmapi.Issuer) {
		i.Spec.ACME, i.Spec.SelfSigned = nil, &cmapi.SelfSignedIssuer{}
	})
	b.handle()
	if b.advisor.asked != 0 {
		t.Error("asked about another issuer's certificate")
	}
}
