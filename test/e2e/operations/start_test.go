package operations

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/certwright/certwright/test/e2e/suite"
	"github.com/certwright/certwright/test/harness"
)

// TestAPIThatComesLater starts the daemon in a cluster without the CRDs: it
// says so and how to mend it, and works as soon as they are there.
func TestAPIThatComesLater(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), suite.Patience)
	defer cancel()
	stage, err := harness.Open(ctx, harness.StageOptions{Bare: true, Binary: world.Binary})
	if err != nil {
		t.Fatal(err)
	}
	bare := &suite.World{Stage: stage}
	t.Cleanup(func() {
		if err := stage.Close(); err != nil {
			t.Error(err)
		}
	})
	d := bare.PrepareDaemon(t, alone)
	if err := d.Start(); err != nil {
		t.Fatal(err)
	}
	awaitLog(t, d, "kubectl apply -k deploy/crds")
	if err := d.Healthy(ctx); err != nil {
		t.Errorf("it would be restarted for what a restart does not mend: %v", err)
	}
	if err := stage.ApplyCRDs(ctx); err != nil {
		t.Fatal(err)
	}
	suite.WaitReady(t, d)
	s := bare.Space(t)
	s.CA("ca")
	s.Issue("web", suite.IssuerRef("ca"))
}

// awaitLog waits until the daemon has logged a text. A log cannot be watched.
func awaitLog(t *testing.T, d *harness.Daemon, text string) {
	t.Helper()
	deadline := time.After(suite.Patience)
	for !strings.Contains(d.Log(), text) {
		select {
		case <-time.After(50 * time.Millisecond):
		case <-d.Exited():
			t.Fatalf("the daemon ended. %s", d.Tail(20))
		case <-deadline:
			t.Fatalf("the daemon never said %q. %s", text, d.Tail(20))
		}
	}
}

// TestRightsThatAreMissing: without them the daemon says which, and how to
// grant them.
func TestRightsThatAreMissing(t *testing.T) {
	s := world.Space(t)
	poor := harness.Account{Namespace: s.Namespace, Name: "poor"}
	s.Must(s.CreateAccount(t.Context(), poor))
	kubeconfig := t.TempDir() + "/kubeconfig"
	s.Must(s.WriteKubeconfig(t.Context(), poor, kubeconfig))
	d := world.PrepareDaemonWith(t, harness.DaemonOptions{Kubeconfig: kubeconfig, Args: []string{alone}})
	s.Must(d.Start())
	awaitLog(t, d, "kubectl apply -k deploy/rbac")
	if err := d.Ready(t.Context()); err == nil {
		t.Error("it calls itself ready")
	}
}

func TestSignalEndsItInOrder(t *testing.T) {
	d := world.StartDaemon(t)
	ctx, cancel := context.WithTimeout(t.Context(), suite.Patience)
	defer cancel()
	for _, ask := range []func(context.Context) error{d.Healthy, d.Ready} {
		if err := ask(ctx); err != nil {
			t.Error(err)
		}
	}
	start := time.Now()
	if err := d.Stop(ctx); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(start); took > 10*time.Second {
		t.Errorf("with nothing to do it took %s to end", took)
	}
	lease, err := world.Clients.Leases().UntilAll(ctx, "kube-system", anyLease)
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range lease {
		if l.Name == leaseName && l.Spec.HolderIdentity != nil && *l.Spec.HolderIdentity != "" {
			t.Errorf("it kept the lease: the next daemon would wait for it to end")
		}
	}
}

func TestOptionsThatCannotBe(t *testing.T) {
	s := world.Space(t)
	for _, row := range [][]string{
		{"--concurrent-workers=none", "concurrent-workers"},
		{"--expiry-sweep-schedule=0 0 30 2 *", "expiry-sweep-schedule"},
		{"--leader-election-renew-deadline=2m", "leader-election-renew-deadline"},
		{"--controllers=*,-issuer", "issuers"},
		{"--concurrent-worker=3", "--concurrent-workers"},
	} {
		said := s.Certwright("run", row[0])
		if said.Code != 2 {
			t.Errorf("certwright run %s ended with %d", row[0], said.Code)
		}
		s.Mentions(said.Err, row[1])
	}
}
