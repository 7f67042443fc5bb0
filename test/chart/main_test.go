package chart

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/certwright/certwright/test/cluster"
	"github.com/certwright/certwright/test/harness"
)

// world is a control plane with nothing in it.
var world struct {
	*harness.Clients
	kubeconfig string
}

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	if flag.Parse(); testing.Short() {
		fmt.Println("left to `make prove-chart`, which builds helm")
		return 0
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	c, err := cluster.Start(ctx, cluster.Options{Log: os.Stderr})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer c.Stop()
	world.kubeconfig = c.Kubeconfig()
	if world.Clients, err = harness.NewClients(c.Kubeconfig()); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return m.Run()
}

// tool runs a program of bin/, which make builds, and returns what it said.
func tool(t *testing.T, name string, args ...string) (out string, err error) {
	t.Helper()
	root, err := harness.Root()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(root, "bin", name)
	if _, err := os.Stat(path); err != nil {
		t.Fatalf("no %s: make bin/%s builds it: %v", name, name, err)
	}
	cmd := exec.CommandContext(t.Context(), path, args...)
	home := t.TempDir() // where helm keeps what it caches
	cmd.Dir, cmd.Env = root, append(os.Environ(), "KUBECONFIG="+world.kubeconfig, "HELM_CACHE_HOME="+home, "HELM_CONFIG_HOME="+home, "HELM_DATA_HOME="+home)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	said, err := cmd.Output()
	return string(said), withWords(err, stderr.String())
}

// withWords leaves out what helm says of the links to deploy.
func withWords(err error, said string) error {
	if err == nil {
		return nil
	}
	var words []string
	for line := range strings.Lines(said) {
		if !strings.Contains(line, "found symbolic link") {
			words = append(words, line)
		}
	}
	return fmt.Errorf("%w: %s", err, strings.Join(words, ""))
}

func must(t *testing.T, name string, args ...string) string {
	t.Helper()
	out, err := tool(t, name, args...)
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
	return out
}

// chart is its folder, from the checkout's root.
const chart = "deploy/chart"

// template renders the chart as for this control plane.
func template(t *testing.T, args ...string) []*unstructured.Unstructured {
	t.Helper()
	return parse(t, must(t, "helm", append([]string{"template", "certwright", chart, "--namespace", "cert-manager", "--validate"}, args...)...))
}

func parse(t *testing.T, text string) []*unstructured.Unstructured {
	t.Helper()
	objects, err := harness.ParseManifests([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return objects
}

// file writes a values file.
func file(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "values.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
