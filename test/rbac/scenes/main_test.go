package scenes

import (
	"context"
	"flag"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/certwright/certwright/test/acme/parts"
	"github.com/certwright/certwright/test/acme/site"
	"github.com/certwright/certwright/test/e2e/suite"
	"github.com/certwright/certwright/test/harness"
)

// world has no daemon: each install starts its own.
var (
	world  *suite.World
	shared *parts.Set
)

func TestMain(m *testing.M) {
	flag.Parse()
	if testing.Short() && os.Getenv(harness.RightsEnv) == "" {
		fmt.Println("nothing: make prove-rbac plays these scenes, and says what they were for")
		return
	}
	suite.Main(m, suite.Options{Stage: harness.StageOptions{AuditLog: true}, Prepare: prepare}, func(w *suite.World) { world = w })
}

// prepare brings all that a cluster may have into this one: policies, the Gateway
// API, OpenShift's questions, the resource that triggers a set of webhook
// certificates; and servers for issuers.
func prepare(ctx context.Context, stage *harness.Stage) (args, env []string, end func() error, err error) {
	dir, err := harness.Folder("deploy", "policies")
	if err != nil {
		return nil, nil, nil, err
	}
	if _, err := stage.Clients.ApplyDir(ctx, dir); err != nil {
		return nil, nil, nil, err
	}
	if err := applyGatewayAPI(ctx, stage.Clients); err != nil {
		return nil, nil, nil, err
	}
	for _, text := range []string{openShift, btpOperator} {
		if err := apply(ctx, stage.Clients, text, ""); err != nil {
			return nil, nil, nil, err
		}
	}
	if err := startVenafi(ctx, stage.Dir); err != nil {
		return nil, nil, nil, err
	}
	// Every name leads to another machine, so that what the daemon makes for
	// HTTP-01 stays to be looked at.
	shared, err = parts.Start(ctx, stage, parts.Options{Log: os.Stderr, Lost: func(string) bool { return true }})
	if err != nil {
		return nil, nil, nil, err
	}
	return nil, nil, func() error { venafi.process.Stop(); return shared.Close() }, nil
}

func applyGatewayAPI(ctx context.Context, c *harness.Clients) error {
	out, err := exec.CommandContext(ctx, "go", "list", "-m", "-f", "{{.Dir}}", "sigs.k8s.io/gateway-api").Output()
	if err != nil {
		return fmt.Errorf("find the Gateway API's definitions: %w", err)
	}
	_, err = c.ApplyDir(ctx, filepath.Join(strings.TrimSpace(string(out)), "config", "crd", "standard"))
	return err
}

// apply applies manifests in which NAMESPACE stands for a namespace.
func apply(ctx context.Context, c *harness.Clients, text, namespace string) error {
	objects, err := harness.ParseManifests([]byte(strings.ReplaceAll(text, "NAMESPACE", namespace)))
	if err != nil {
		return err
	}
	for _, o := range objects {
		if err := c.Apply(ctx, o); err != nil {
			return err
		}
	}
	return nil
}

// flags are those of every daemon here. The address is one of no machine; nothing
// is ever sent there, because every name leads elsewhere.
func flags() []string {
	return append(shared.Args(), "--enable-gateway-api", "--enable-gateway-api-listenerset", "--expiry-sweep-spread=0s",
		"--acme-http01-solver-address=192.0.2.10", "--acme-http01-solver-image=example.com/certwright:1", "--dns01-check-retry-period=1s")
}

// start starts a daemon as an API server without WatchList has it: with lists.
func start(t *testing.T, kubeconfig string, args ...string) *harness.Daemon {
	t.Helper()
	d := world.PrepareDaemonWith(t, harness.DaemonOptions{
		Kubeconfig: kubeconfig, Args: append(flags(), args...),
		Env: append(shared.Env(), "KUBE_FEATURE_WatchListClient=false"),
	})
	if err := d.Start(); err != nil {
		t.Fatal(err)
	}
	suite.WaitReady(t, d)
	return d
}

// place is where one scene is played.
type place struct {
	*site.Site
	// prefix tells what this scene makes from what others make in the namespace.
	prefix string
}

// until asks again and again, for what cannot be watched here.
func (p place) until(what string, holds func() (bool, error)) {
	p.Helper()
	p.Eventually(what, func() error {
		ok, err := holds()
		if err == nil && !ok {
			return fmt.Errorf("not yet")
		}
		return err
	})
}

// get reads an object of any kind, in the place's namespace.
func (p place) get(kind, name string) (*unstructured.Unstructured, error) {
	p.Helper()
	resource, known := resources[kind]
	if !known {
		p.Fatalf("scenes know no kind %s", kind)
	}
	return p.Dynamic.Resource(resource).Namespace(p.Namespace).Get(p.Context(), name, metav1.GetOptions{})
}

// refused are the requests of an account that were refused, but for those for
// which nothing of ours can be the reason.
func refused(t *testing.T, account harness.Account) {
	t.Helper()
	all, err := world.Audit(account.Username())
	if err != nil {
		t.Fatal(err)
	}
	if len(all) == 0 {
		t.Errorf("%s did nothing", account.Username())
	}
	for _, entry := range all {
		if entry.Code == http.StatusForbidden {
			t.Errorf("%s may not: %s", account.Username(), entry)
		}
	}
}

// spell is long enough for what a daemon that lacks something repeats.
const spell = 5 * time.Second
