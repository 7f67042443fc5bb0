package operations

import (
	"context"
	"os"
	"os/exec"
	"testing"

	"github.com/certwright/certwright/test/e2e/suite"
	"github.com/certwright/certwright/test/harness"
)

// TestKubectlAppliesWhatWeShip is the first command of the manual.
func TestKubectlAppliesWhatWeShip(t *testing.T) {
	kubectl, err := exec.LookPath("kubectl")
	if err != nil {
		t.Skip("there is no kubectl on this machine")
	}
	world.StartDaemon(t, alone) // so that the examples do not stay half done
	ctx, cancel := context.WithTimeout(t.Context(), suite.Patience)
	defer cancel()
	for _, parts := range [][]string{{"deploy"}, {"deploy", "crds"}, {"deploy", "rbac"}, {"deploy", "examples"}} {
		dir, err := harness.Folder(parts...)
		if err != nil {
			t.Fatal(err)
		}
		cmd := exec.CommandContext(ctx, kubectl, "apply", "-k", dir)
		cmd.Env = append(os.Environ(), "KUBECONFIG="+world.Cluster.Kubeconfig())
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("kubectl apply -k %v: %v\n%s", parts, err, out)
		}
	}
}
