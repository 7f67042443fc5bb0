package operations

import (
	"fmt"
	"testing"
	"time"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"

	"github.com/certwright/certwright/test/e2e/suite"
	"github.com/certwright/certwright/test/harness"
)

// outage is how long the API server is away: longer than the first retries,
// shorter than the lease.
const outage = 5 * time.Second

// TestAPIServerGoesAwayWhileIssuing cuts the daemon off in the middle of its
// work. It must not end, and goes on when the API server is back.
func TestAPIServerGoesAwayWhileIssuing(t *testing.T) {
	s := world.Space(t)
	d := world.StartDaemon(t)
	s.CA("ca")
	const n = 30
	for i := range n {
		s.Create(fmt.Sprintf("web-%02d", i), suite.IssuerRef("ca"), func(crt *cmapi.Certificate) {
			// Slow keys, so that the outage falls among them.
			crt.Spec.PrivateKey = &cmapi.CertificatePrivateKey{Algorithm: cmapi.RSAKeyAlgorithm, Size: 2048}
		})
	}
	pid := d.PID()
	world.Cluster.StopAPIServer()
	select {
	case <-time.After(outage): // the outage itself, not a wait for anything
	case <-d.Exited():
	}
	ctx, cancel := s.Within()
	defer cancel()
	s.Must(world.Cluster.StartAPIServer(ctx))
	if !d.Running() || d.PID() != pid {
		t.Fatalf("the daemon did not survive. %s", d.Tail(40))
	}
	_, err := s.Certificates().UntilAll(ctx, s.Namespace, harness.AllReady(n))
	s.Must(err)
	s.NoLeftovers()
	if got := len(s.AllRequests()); got != n {
		t.Errorf("%d requests for %d Certificates", got, n)
	}
	// And it sees what is new.
	s.Issue("after", suite.IssuerRef("ca"))
}
