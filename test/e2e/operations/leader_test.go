package operations

import (
	"context"
	"testing"

	coordinationv1 "k8s.io/api/coordination/v1"

	"github.com/certwright/certwright/test/e2e/suite"
	"github.com/certwright/certwright/test/harness"
)

// leaseName is the contract's; leaseNamespace its default place.
const (
	leaseName      = "cert-manager-controller"
	leaseNamespace = "kube-system"
)

func anyLease([]*coordinationv1.Lease) bool { return true }

// awaitHolder waits until somebody else than before holds the lease.
func awaitHolder(t *testing.T, before string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), suite.Patience)
	defer cancel()
	lease, err := world.Clients.Leases().Until(ctx, leaseNamespace, leaseName, func(l *coordinationv1.Lease) bool {
		holder := l.Spec.HolderIdentity
		return holder != nil && *holder != "" && *holder != before
	})
	if err != nil {
		t.Fatal(err)
	}
	return *lease.Spec.HolderIdentity
}

// handled is how many objects a daemon has worked on since it started.
func handled(t *testing.T, d *harness.Daemon) float64 {
	t.Helper()
	metrics, err := d.Metrics(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return metrics.Sum("certmanager_controller_sync_call_count", nil)
}

func TestOneOfTwoWorksAndTheOtherTakesOver(t *testing.T) {
	short := []string{
		"--leader-election-lease-duration=6s", "--leader-election-renew-deadline=4s", "--leader-election-retry-period=1s",
	}
	first := world.StartDaemon(t, short...)
	holder := awaitHolder(t, "")
	second := world.StartDaemon(t, short...) // it is ready: a standby has its caches filled
	s := world.Space(t)
	s.CA("ca")
	s.Issue("one", suite.IssuerRef("ca"))
	if handled(t, first) == 0 {
		t.Error("the holder of the lease did nothing")
	}
	if n := handled(t, second); n != 0 {
		t.Errorf("the standby worked on %v objects", n)
	}

	s.Create("two", suite.IssuerRef("ca"))
	first.Kill()
	holder = awaitHolder(t, holder)
	s.Ready("two")
	s.Issue("three", suite.IssuerRef("ca"))
	if handled(t, second) == 0 {
		t.Error("the new holder did nothing")
	}

	// One that ends in order hands over at once.
	s.Must(first.Start())
	suite.WaitReady(t, first)
	ctx, cancel := s.Within()
	defer cancel()
	s.Must(second.Stop(ctx))
	awaitHolder(t, holder)
	s.Issue("four", suite.IssuerRef("ca"))
	s.NoLeftovers()
}
