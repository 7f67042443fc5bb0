package certificates_test

import (
	"strings"
	"testing"
	"time"

	"github.com/certwright/certwright/handlers/handlertest"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
)

// handle calls the handler of the fixture once, on the cache as it is.
func handle(t *testing.T, p *handlertest.Process) {
	t.Helper()
	if _, err := p.Handle(handlertest.CertificateKey("web")); err != nil {
		t.Fatal(err)
	}
}

// sign calls the handler of a request, on the cache as it is.
func sign(t *testing.T, p *handlertest.Process, request string) {
	t.Helper()
	if _, err := p.Handle(handlertest.RequestKey(request)); err != nil {
		t.Fatal(err)
	}
}

// The informer has not delivered the handler's own last write: it takes the
// same step again, and the API server's answer keeps it from doing harm.

func TestStaleAfterTheRequest(t *testing.T) {
	t.Parallel()
	w, _ := newCertificate(t)
	p := w.Start(handlertest.Defaults())
	handle(t, p)
	if result, err := p.Handle(handlertest.CertificateKey("web")); err != nil || result.After != time.Second {
		t.Errorf("got %v, %v; want another look at the cache in a second", result, err)
	}
	w.Wrote("create certificaterequests web-1", "create certificaterequests web-1: AlreadyExists")
	w.Told("Certificate/web Normal Issuing: ")
	p.Settle()
	isReady(t, w, 1, "ca-pair")
	if n := count(w, "create certificaterequests"); n != 2 {
		t.Errorf("requests tried: got %d, want no further one:\n%q", n, w.Writes)
	}
}

func TestStaleAfterTheSecret(t *testing.T) {
	t.Parallel()
	w, _ := newCertificate(t)
	p := w.Start(handlertest.Defaults())
	handle(t, p)
	w.Refresh()
	sign(t, p, "web-1")
	w.Refresh()
	handle(t, p)
	first := w.Secret("web-tls")
	handle(t, p)
	w.Wrote("create certificaterequests web-1", "update certificaterequests/status web-1", "apply secrets web-tls", "apply secrets web-tls")
	if again := w.Secret("web-tls"); again.ResourceVersion != first.ResourceVersion {
		t.Error("the second apply changed the Secret")
	}
	p.Settle()
	isReady(t, w, 1, "ca-pair")
}

func TestStaleAfterTheStatus(t *testing.T) {
	t.Parallel()
	w, _ := newCertificate(t)
	p := w.Start(handlertest.Defaults())
	handle(t, p)
	w.Refresh()
	sign(t, p, "web-1")
	w.Refresh()
	handle(t, p)
	w.Refresh()
	handle(t, p)
	w.Forget()
	for range 3 {
		w.RefreshOnly(&corev1.Secret{}, &cmapi.CertificateRequest{})
		if _, err := p.Handle(handlertest.CertificateKey("web")); !apierrors.IsConflict(err) {
			t.Errorf("error: got %v, want a conflict", err)
		}
	}
	w.Told()
	w.Forget()
	p.Settle()
	w.Wrote()
	isReady(t, w, 1, "ca-pair")
}

// A failure is counted once, and the failed request stays to be looked at.
func TestStaleAfterAFailure(t *testing.T) {
	t.Parallel()
	w := handlertest.New(t, handlertest.Web(external))
	p := w.Start(handlertest.Defaults())
	p.Settle()
	says(w, handlertest.Condition(cmapi.CertificateRequestConditionReady, "False", "Failed", "quota exceeded"))
	handle(t, p)
	w.Forget()
	for range 3 {
		w.RefreshOnly(&corev1.Secret{}, &cmapi.CertificateRequest{})
		if _, err := p.Handle(handlertest.CertificateKey("web")); !apierrors.IsConflict(err) {
			t.Errorf("error: got %v, want a conflict", err)
		}
	}
	w.Told()
	p.Settle()
	if n := w.Certificate("web").Status.FailedIssuanceAttempts; n == nil || *n != 1 {
		t.Errorf("failedIssuanceAttempts: got %v, want 1", n)
	}
	if w.Request("web-1") == nil {
		t.Error("the failed request is gone before the back-off has ended")
	}
}

// A discard taken twice is one discard.
func TestStaleAfterADiscard(t *testing.T) {
	t.Parallel()
	w, _ := newCertificate(t)
	handle(t, w.Start(handlertest.Defaults()))
	p := w.Start(handlertest.Defaults()) // the key is lost
	w.Refresh()
	handle(t, p)
	handle(t, p)
	w.Wrote("create certificaterequests web-1", "delete certificaterequests web-1", "delete certificaterequests web-1: NotFound")
	p.Settle()
	isReady(t, w, 1, "ca-pair")
}

// A request that was discarded and made anew is not deleted for its namesake,
// which the cache still shows.
func TestStaleBeforeANamesake(t *testing.T) {
	t.Parallel()
	w, _ := newCertificate(t)
	lost := handlertest.RequestOf(handlertest.Web(), 1, handlertest.CSR(t, handlertest.NewKey(t)))
	w.Create(lost)
	w.Unseen(func() {
		handlertest.Delete[*cmapi.CertificateRequest](w, "web-1")
		anew := lost.DeepCopy()
		anew.UID = ""
		w.Create(anew)
	})
	p := w.Start(handlertest.Defaults())
	if _, err := p.Handle(handlertest.CertificateKey("web")); !apierrors.IsConflict(err) {
		t.Errorf("error: got %v, want a conflict", err)
	}
	w.Wrote("delete certificaterequests web-1: Conflict")
	if w.Request("web-1") == nil {
		t.Error("the request made since was deleted for the one that the cache showed")
	}
}

// The Secret and the status of a renewal are shown, its request is not yet.
func TestStaleRequestsAfterARenewal(t *testing.T) {
	t.Parallel()
	w, p, _ := settled(t)
	handlertest.Delete[*cmapi.CertificateRequest](w, "web-1")
	p.Settle()
	w.Clock.SetTime(handlertest.Renewal)
	handle(t, p)
	w.Refresh()
	sign(t, p, "web-2")
	w.Refresh()
	handle(t, p)
	w.Refresh()
	handle(t, p)
	w.Forget()
	w.RefreshOnly(&cmapi.Certificate{}, &corev1.Secret{})
	handle(t, p)
	w.Wrote()
	isReady(t, w, 2, "ca-pair")
}

// A Secret that we have issued is not believed to be gone because the cache
// does not show it: its label may just have been taken off.
func TestASecretThatTheCacheDoesNotShow(t *testing.T) {
	t.Parallel()
	w, p, f := settled(t)
	handlertest.Delete[*corev1.Secret](w, "web-tls")
	w.Unseen(func() { w.Create(f.Secret) })
	handle(t, p)
	w.Wrote()
	if n := len(w.Reads); w.Reads[n-1] != "get secrets web-tls" {
		t.Errorf("reads: got %q, want the Secret", w.Reads)
	}
	w.Unseen(func() { handlertest.Delete[*corev1.Secret](w, "web-tls") })
	p.Settle()
	w.Wrote(reissue...)
	isReady(t, w, 2, "ca-pair")
}

// The spec is edited at the worst moments: what was made for the old spec is
// replaced, and no revision is used twice.
func TestEditedInTheMiddle(t *testing.T) {
	t.Parallel()
	const steps = 4 // request, signature, Secret, status
	for step := range steps {
		t.Run([]string{"before the request", "before the signature", "before the Secret", "before the status"}[step], func(t *testing.T) {
			t.Parallel()
			w, _ := newCertificate(t)
			p := w.Start(handlertest.Defaults())
			for i := range step {
				if i == 1 {
					sign(t, p, "web-1")
				} else {
					handle(t, p)
				}
				w.Refresh()
			}
			handlertest.Edit(w, "web", func(crt *cmapi.Certificate) { crt.Spec.DNSNames = []string{"new.example.com"} })
			p.Settle()
			revision := 1
			if step == 3 {
				revision = 2 // the first one was stored already
			}
			isReady(t, w, revision, "ca-pair")
			if leaf := served(t, w.Secret("web-tls")); leaf.DNSNames[0] != "new.example.com" {
				t.Errorf("names: got %v, want the new one", leaf.DNSNames)
			}
			w.Forget()
			p.Settle()
			w.Wrote()
		})
	}
}

// count tells how many writes begin so.
func count(w *handlertest.World, beginning string) (n int) {
	for _, line := range w.Writes {
		if strings.HasPrefix(line, beginning) {
			n++
		}
	}
	return n
}
