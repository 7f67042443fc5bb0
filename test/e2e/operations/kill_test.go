package operations

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
	"time"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"

	"github.com/certwright/certwright/test/e2e/suite"
	"github.com/certwright/certwright/test/harness"
)

const (
	// flock is how many Certificates are under way, kills how often the daemon
	// is killed meanwhile.
	flock = 40
	kills = 12
)

// TestKilledAtAnyMoment kills the daemon again and again while it issues, and
// while it renews. In the end everything is issued once, and nothing is left.
func TestKilledAtAnyMoment(t *testing.T) {
	seed := seed(t)
	random := rand.New(rand.NewPCG(seed, 0))
	s := world.Space(t)
	d := world.StartDaemon(t, alone)
	s.CA("ca")
	s.SelfSigned("self")
	for i := range flock {
		s.Create(fmt.Sprintf("web-%02d", i), suite.IssuerRef([]string{"ca", "self"}[i%2]))
		if i == flock/2 {
			d.Kill() // with half of them made, and some of those issued
		}
	}
	killAndRestart(s, d, random)
	settled(s, 1)

	for i := range flock {
		s.Renew(fmt.Sprintf("web-%02d", i))
		if i == flock/2 {
			d.Kill()
		}
	}
	killAndRestart(s, d, random)
	settled(s, 2)
}

// seed makes a failure repeatable as far as time can be.
func seed(t *testing.T) uint64 {
	seed := rand.Uint64()
	if given := os.Getenv("CERTWRIGHT_TEST_SEED"); given != "" {
		var err error
		if seed, err = strconv.ParseUint(given, 10, 64); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("CERTWRIGHT_TEST_SEED=%d", seed)
	return seed
}

// killAndRestart leaves the daemon running.
func killAndRestart(s *suite.Space, d *harness.Daemon, random *rand.Rand) {
	s.Helper()
	for range kills {
		if !d.Running() {
			s.Must(d.Start())
		}
		// This is the moment of the kill, not a wait for anything.
		moment := time.Duration(random.Int64N(int64(400 * time.Millisecond)))
		select {
		case <-time.After(moment):
		case <-d.Exited():
			s.Fatalf("the daemon ended by itself. %s", d.Tail(40))
		}
		d.Kill()
	}
	s.Must(d.Start())
}

// settled waits until all are Ready at a revision, and judges what is there.
func settled(s *suite.Space, revision int) {
	s.Helper()
	ctx, cancel := s.Within()
	defer cancel()
	all, err := s.Certificates().UntilAll(ctx, s.Namespace, func(all []*cmapi.Certificate) bool {
		for _, crt := range all {
			if !harness.ReadyAt(revision)(crt) {
				return false
			}
		}
		return len(all) == flock
	})
	s.Must(err)
	s.NoLeftovers()
	requests, err := s.Requests().UntilAll(ctx, s.Namespace, func(all []*cmapi.CertificateRequest) bool { return len(all) == flock })
	s.Must(err)
	for _, cr := range requests {
		if got := cr.Annotations["cert-manager.io/certificate-revision"]; got != strconv.Itoa(revision) {
			s.Errorf("request %s is of revision %s, want %d", cr.Name, got, revision)
		}
	}
	for _, crt := range all {
		if harness.Revision(crt) != revision {
			s.Errorf("%s is at revision %d, want %d: it was issued more often than asked", crt.Name, harness.Revision(crt), revision)
		}
		s.Bundle(crt.Spec.SecretName)
	}
}
