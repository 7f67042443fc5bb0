package operations

import (
	"fmt"
	"testing"
	"time"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"

	"github.com/certwright/certwright/test/e2e/suite"
	"github.com/certwright/certwright/test/harness"
)

// TestNothingIsWrittenForWhatIsInOrder restarts the daemon, in order and by a
// kill, beside issued Certificates: it reads, finds all in order and writes
// nothing, not even an Event.
func TestNothingIsWrittenForWhatIsInOrder(t *testing.T) {
	// All are swept at the start, and at once.
	d := world.StartDaemon(t, alone, "--expiry-sweep-spread=0s")
	s := world.Space(t)
	s.CA("ca")
	s.SelfSigned("self")
	const n = 20
	for i := range n {
		s.Create(fmt.Sprintf("web-%02d", i), suite.IssuerRef([]string{"ca", "self"}[i%2]), func(crt *cmapi.Certificate) {
			crt.Spec.Keystores = nil
			crt.Spec.SecretTemplate = &cmapi.CertificateSecretTemplate{Labels: map[string]string{"app": "web"}}
		})
	}
	ctx, cancel := s.Within()
	defer cancel()
	_, err := s.Certificates().UntilAll(ctx, s.Namespace, harness.AllReady(n))
	s.Must(err)
	s.NoLeftovers()
	for i := range n {
		s.AwaitEvent(fmt.Sprintf("web-%02d", i), "Issuing", "successfully issued")
	}
	for _, stop := range []func(){func() { s.Must(d.Stop(ctx)) }, d.Kill} {
		stop()
		earlier := len(s.Asked(world.Account))
		s.Must(d.Start())
		suite.WaitReady(t, d)
		awaitHandled(t, d, n)
		elsewhere := world.Space(t)
		elsewhere.CA("ca")
		elsewhere.Issue("fence", suite.IssuerRef("ca")) // what was queued before is handled by then
		s.Writes(s.Asked(world.Account)[earlier:], 0)
	}
}

// awaitHandled waits until a daemon has worked on so many objects. A metric
// cannot be watched.
func awaitHandled(t *testing.T, d *harness.Daemon, n int) {
	t.Helper()
	deadline := time.After(suite.Patience)
	for handled(t, d) < float64(n) {
		select {
		case <-time.After(50 * time.Millisecond):
		case <-deadline:
			t.Fatalf("the daemon worked on %v objects, want %d", handled(t, d), n)
		}
	}
}
