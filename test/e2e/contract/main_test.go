package contract

import (
	"context"
	"fmt"
	"os"
	"sync"
	"testing"
	"time"

	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/certwright/certwright/test/e2e/suite"
	"github.com/certwright/certwright/test/harness"
)

// world is shared by all tests of this package.
var world *suite.World

func TestMain(m *testing.M) {
	suite.Main(m, suite.Options{}, func(w *suite.World) { world = w })
}

// alone is for a daemon of one test: it need not wait for the lease of another.
const alone = "--leader-elect=false"

// space is how a test begins that the shared daemon serves.
func space(t *testing.T) *suite.Space {
	t.Helper()
	t.Parallel()
	if err := shareDaemon(); err != nil {
		t.Fatal(err)
	}
	return world.Space(t)
}

var sharing sync.Mutex

// shareDaemon starts the shared daemon unless it runs.
func shareDaemon() error {
	sharing.Lock()
	defer sharing.Unlock()
	ctx, cancel := context.WithTimeout(context.Background(), suite.Patience)
	defer cancel()
	if err := policies(); err != nil {
		return err
	}
	if world.Daemon == nil {
		options := harness.DaemonOptions{Name: "shared", Args: []string{alone, "--v=4", "--expiry-sweep-spread=0s"}}
		d, err := world.NewDaemon(suite.Watched(options))
		if err != nil {
			return err
		}
		world.Daemon = d
	}
	if world.Daemon.Running() {
		return nil
	}
	if err := world.Daemon.Start(); err != nil {
		return err
	}
	return world.Daemon.WaitReady(ctx)
}

// ownDaemon starts a daemon for one test, which is not parallel, so nobody else
// needs the shared one meanwhile.
func ownDaemon(t *testing.T, args ...string) *harness.Daemon {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), suite.Patience)
	defer cancel()
	if err := policies(); err != nil {
		t.Fatal(err)
	}
	if world.Daemon != nil {
		if err := world.Daemon.Stop(ctx); err != nil {
			t.Fatal(err)
		}
	}
	return world.StartDaemon(t, append([]string{alone}, args...)...)
}

// policies brings deploy/policies into force. They ask who approves, so the
// daemon gets the right to approve for the external issuer of these tests, as
// its users give it.
var policies = sync.OnceValue(func() error {
	ctx, cancel := context.WithTimeout(context.Background(), suite.Patience)
	defer cancel()
	dir, err := harness.Folder("deploy", "policies")
	if err != nil {
		return err
	}
	if _, err = world.Clients.ApplyDir(ctx, dir); err != nil {
		return err
	}
	return mayApprove(ctx, "theirissuers.issuers.example.com/*")
})

// mayApprove gives the daemon the right to approve for a signer.
func mayApprove(ctx context.Context, signer string) error {
	meta := metav1.ObjectMeta{GenerateName: "approve-"}
	role, err := world.Clients.Kube.RbacV1().ClusterRoles().Create(ctx, &rbacv1.ClusterRole{ObjectMeta: meta, Rules: []rbacv1.PolicyRule{
		{APIGroups: []string{"cert-manager.io"}, Resources: []string{"signers"}, ResourceNames: []string{signer}, Verbs: []string{"approve"}},
	}}, metav1.CreateOptions{})
	if err != nil {
		return err
	}
	_, err = world.Clients.Kube.RbacV1().ClusterRoleBindings().Create(ctx, &rbacv1.ClusterRoleBinding{
		ObjectMeta: meta,
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: role.Name},
		Subjects:   []rbacv1.Subject{{Kind: rbacv1.ServiceAccountKind, Namespace: world.Account.Namespace, Name: world.Account.Name}},
	}, metav1.CreateOptions{})
	return err
}

// cmctl is the path of cert-manager's command line, built when the cache lacks it.
var cmctl = sync.OnceValues(func() (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 15*time.Minute)
	defer cancel()
	path, err := harness.Cmctl(ctx, os.Stderr)
	if err != nil {
		return "", fmt.Errorf("build cmctl: %w", err)
	}
	return path, nil
})
