package scenes

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/certwright/certwright/test/acme/site"
	"github.com/certwright/certwright/test/e2e/suite"
	"github.com/certwright/certwright/test/harness"
)

// TestSidecar has the example of deploy/sidecar write its files.
func TestSidecar(t *testing.T) {
	s, kubeconfig := beside(t, "beside", "sidecar")
	ca, err := harness.NewRoot("beside")
	s.Must(err)
	secret, err := ca.Secret(s.Namespace, "webhook-tls")
	s.Must(err)
	s.PutSecret(secret)
	for _, env := range []string{"KUBE_FEATURE_WatchListClient=false", "KUBE_FEATURE_WatchListClient=true"} {
		d, _ := sidecar(t, kubeconfig, env)
		ctx, cancel := s.Within()
		defer cancel()
		s.Must(d.Stop(ctx))
	}
	refused(t, harness.Account{Namespace: s.Namespace, Name: "webhook"})
}

// TestSidecarThatIssues has that of deploy/sidecar-issuing keep the certificate too.
func TestSidecarThatIssues(t *testing.T) {
	s, kubeconfig := beside(t, "beside-issuing", "sidecar-issuing")
	d, out := sidecar(t, kubeconfig, "KUBE_FEATURE_WatchListClient=false", "--leader-election-namespace="+s.Namespace,
		"--controllers=certificates,certificaterequests,certificaterequests-approver,issuers")
	all, err := s.CertManager.CertmanagerV1().Certificates(s.Namespace).List(t.Context(), metav1.ListOptions{})
	s.Must(err)
	for _, crt := range all.Items {
		s.Ready(crt.Name)
	}
	suite.WaitReady(t, d)
	if _, err := os.Stat(filepath.Join(out, "tls.crt")); err != nil {
		t.Errorf("no files: %v", err)
	}
	p := place{&site.Site{Space: s, Parts: shared, Gate: shared.Gate, Pebble: shared.Pebble}, "more"}
	byCA(p)
	p.prefix = "venafi"
	byVenafi(p)
	account := harness.Account{Namespace: s.Namespace, Name: "webhook"}
	refused(t, account)
	quiet(t, d, account)
}

// beside applies the folders of a sidecar in a namespace, and becomes its account.
func beside(t *testing.T, namespace, folder string) (s *suite.Space, kubeconfig string) {
	t.Helper()
	s = &suite.Space{TB: t, Clients: world.Clients, World: world, Namespace: namespace}
	s.Must(world.Clients.EnsureNamespace(t.Context(), namespace))
	for _, f := range slices.Compact([]string{"sidecar", folder}) {
		dir, err := harness.Folder("deploy", f)
		s.Must(err)
		applyMoved(t, dir, namespace, namespace)
	}
	kubeconfig = filepath.Join(t.TempDir(), "kubeconfig")
	s.Must(world.Clients.WriteKubeconfig(t.Context(), harness.Account{Namespace: namespace, Name: "webhook"}, kubeconfig))
	return s, kubeconfig
}

// sidecar starts one; it is ready when it has written the files.
func sidecar(t *testing.T, kubeconfig, env string, args ...string) (d *harness.Daemon, out string) {
	t.Helper()
	out = filepath.Join(t.TempDir(), "certs")
	d = world.PrepareDaemonWith(t, harness.DaemonOptions{Kubeconfig: kubeconfig, Env: []string{env}, Args: append([]string{
		"--mode=sidecar", "--output-directory=" + out, "--output-secret=webhook-tls", "--output-mode=0640"}, args...)})
	if err := d.Start(); err != nil {
		t.Fatal(err)
	}
	suite.WaitReady(t, d)
	return d, out
}
