package cluster_test

import (
	"context"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/certwright/certwright/test/cluster"
	"github.com/certwright/certwright/test/cluster/clustertest"
)

func TestTwoAtOnce(t *testing.T) {
	first, second := clustertest.ForTest(t, cluster.Options{}), clustertest.ForTest(t, cluster.Options{})
	one, two := adminOf(t, first), adminOf(t, second)
	if got := one.must(t, 200, "GET", "/version", nil); !strings.Contains(got, `"gitVersion": "v1.36.`) {
		t.Errorf("want a server that calls itself v1.36, got %s", got)
	}
	one.must(t, 201, "POST", "/api/v1/namespaces", namespace("only-here"))
	two.must(t, 404, "GET", "/api/v1/namespaces/only-here", nil)
	eventually(t, "the namespace has its service account", func() bool {
		code, _ := one.call("GET", "/api/v1/namespaces/only-here/serviceaccounts/default", nil)
		return code == http.StatusOK
	})
	eventually(t, "the role admin is aggregated", func() bool {
		_, role := one.call("GET", "/apis/rbac.authorization.k8s.io/v1/clusterroles/admin", nil)
		return strings.Contains(role, "deployments")
	})
	code, _ := api{url: second.URL(), token: first.Token(), client: two.client}.call("GET", "/api/v1/namespaces", nil)
	if code != http.StatusUnauthorized {
		t.Errorf("the first cluster's token at the second: got %d, want 401", code)
	}
}

func TestStopRemovesAll(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "cluster")
	c, err := cluster.Start(t.Context(), cluster.Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	if got := len(processesOf(t, dir)); got < 3 {
		t.Errorf("a running cluster: found %d processes, want three components and more", got)
	}
	for range 2 {
		if err := c.Stop(); err != nil {
			t.Fatal(err)
		}
	}
	if left := processesOf(t, dir); len(left) > 0 || exists(dir) {
		t.Errorf("left after Stop: folder %t, processes %v", exists(dir), left)
	}
	if pid := c.PID(cluster.Etcd); pid != 0 {
		t.Errorf("PID of a stopped component: got %d, want 0", pid)
	}
}

func TestAPIServerOutage(t *testing.T) {
	c := clustertest.ForTest(t, cluster.Options{})
	admin, url, pid := adminOf(t, c), c.URL(), c.PID(cluster.APIServer)
	admin.must(t, 201, "POST", "/api/v1/namespaces", namespace("before"))
	c.StopAPIServer()
	if code, answer := admin.call("GET", "/healthz", nil); code != 0 || !strings.Contains(answer, "refused") {
		t.Errorf("while stopped: got %d %s, want a refused connection", code, answer)
	}
	if got := c.PID(cluster.APIServer); got != 0 {
		t.Errorf("while stopped: PID is %d, want 0", got)
	}
	if err := c.StartAPIServer(t.Context()); err != nil {
		t.Fatal(err)
	}
	if c.URL() != url || c.PID(cluster.APIServer) == pid {
		t.Errorf("after the start: URL %s, PID %d; want %s and another than %d", c.URL(), c.PID(cluster.APIServer), url, pid)
	}
	admin.must(t, 200, "GET", "/api/v1/namespaces/before", nil)
	admin.must(t, 201, "POST", "/api/v1/namespaces", namespace("after"))
	eventually(t, "kube-controller-manager works again", func() bool {
		code, _ := admin.call("GET", "/api/v1/namespaces/after/serviceaccounts/default", nil)
		return code == http.StatusOK
	})
}

func TestUsersAndAuditLog(t *testing.T) {
	c := clustertest.ForTest(t, cluster.Options{AuditLog: true,
		Users: []cluster.User{{Name: "system:jane", UID: "7", Groups: []string{"one", "two"}}}})
	path, err := c.KubeconfigFor("system:jane")
	if err != nil {
		t.Fatal(err)
	}
	jane := adminOf(t, c)
	jane.token = tokenIn(t, path)
	jane.must(t, 403, "GET", "/api/v1/namespaces/default/secrets", nil)
	if _, err := c.KubeconfigFor("joe"); err == nil {
		t.Error("a kubeconfig for an unknown user: want an error")
	}
	log, err := os.ReadFile(c.AuditLog())
	if err != nil {
		t.Fatal(err)
	}
	want := `"user":{"username":"system:jane","uid":"7","groups":["one","two","system:authenticated"]}`
	if !strings.Contains(string(log), want) {
		t.Errorf("the audit log lacks %s", want)
	}
}

func tokenIn(t *testing.T, kubeconfig string) string {
	content, err := os.ReadFile(kubeconfig)
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(content), "token: ")
	token, _, _ := strings.Cut(rest, "\n")
	return token
}

func TestFailedStartKeepsLogs(t *testing.T) {
	dir := t.TempDir()
	_, err := cluster.Start(t.Context(), cluster.Options{Dir: dir, ExtraAPIServerArgs: []string{"--no-such-flag"}})
	if err == nil || !strings.Contains(err.Error(), "unknown flag: --no-such-flag") {
		t.Errorf("want what kube-apiserver said last, got: %v", err)
	}
	log := filepath.Join(dir, "logs", "kube-apiserver.log")
	if err == nil || !strings.Contains(err.Error(), log) || !exists(log) {
		t.Errorf("want %s to be named and kept, got: %v", log, err)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "*")); len(left) != 1 {
		t.Errorf("left beside the logs: %v", left)
	}
	if left := processesOf(t, dir); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
}

func TestInterruptedStartLeavesNothing(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "cluster")
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(500*time.Millisecond, cancel)
	if _, err := cluster.Start(ctx, cluster.Options{Dir: dir}); err == nil {
		t.Error("want an error")
	}
	if left := processesOf(t, dir); len(left) > 0 || exists(dir) {
		t.Errorf("left: folder %t, processes %v", exists(dir), left)
	}
}

func TestBadOptions(t *testing.T) {
	full := t.TempDir()
	if err := os.WriteFile(filepath.Join(full, "precious"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, row := range map[string]struct {
		options cluster.Options
		want    string
	}{
		"folder":  {cluster.Options{Dir: full}, "is not empty"},
		"name":    {cluster.Options{Address: "localhost"}, "no IPv4 address"},
		"address": {cluster.Options{Address: "192.0.2.1"}, "is it an address of this machine?"},
		"user":    {cluster.Options{Users: []cluster.User{{Name: "admin"}}}, "a name of its own"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := cluster.Start(t.Context(), row.options); err == nil || !strings.Contains(err.Error(), row.want) {
				t.Errorf("got %v, want an error with %q", err, row.want)
			}
		})
	}
	if !exists(filepath.Join(full, "precious")) {
		t.Error("a file that is not the cluster's was removed")
	}
}
