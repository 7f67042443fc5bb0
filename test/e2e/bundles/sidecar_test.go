package bundles

import (
	"crypto/tls"
	"os"
	"path/filepath"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/certwright/certwright/test/e2e/suite"
	"github.com/certwright/certwright/test/harness"
)

// A sidecar with a right to one Secret and to nothing else writes its files,
// and the next ones when the Secret changes, while another replica holds the
// lease.
func TestSidecar(t *testing.T) {
	t.Parallel()
	s := world.Space(t)
	s.SelfSigned("self")
	s.Issue("web", suite.IssuerRef("self"))
	dir := filepath.Join(t.TempDir(), "certs")
	d := world.PrepareDaemonWith(t, harness.DaemonOptions{Kubeconfig: readerOf(s, "web"), Args: []string{
		"--mode=sidecar", "--output-directory=" + dir, "--output-secret=web", "--output-mode=0640",
	}})
	s.Must(d.Start())
	suite.WaitReady(t, d) // which takes the files
	first := served(t, dir)
	if want := s.Bundle("web").Leaf.Raw; string(first) != string(want) {
		t.Error("the files are not the Secret's")
	}
	if info, err := os.Stat(filepath.Join(dir, "tls.key")); err != nil || info.Mode().Perm() != 0o640 {
		t.Errorf("mode of the key: %v, %v", info, err)
	}
	before := s.Get("web")
	s.Renew("web")
	s.Reissued(before)
	ctx, cancel := s.Within()
	defer cancel()
	for string(served(t, dir)) == string(first) {
		select {
		case <-ctx.Done():
			t.Fatal("the files are still the old ones")
		case <-time.After(20 * time.Millisecond):
		}
	}
	s.Must(s.Kube.CoreV1().Secrets(s.Namespace).Delete(t.Context(), "web", metav1.DeleteOptions{}))
	s.AwaitSecret("web", func(secret *corev1.Secret) bool { return len(secret.Data["tls.crt"]) > 0 })
	served(t, dir) // there was never a moment without
}

// served loads the pair that stands, as who resolves ..data does.
func served(t *testing.T, dir string) []byte {
	t.Helper()
	version, err := filepath.EvalSymlinks(filepath.Join(dir, "..data"))
	if err != nil {
		t.Fatal(err)
	}
	pair, err := tls.LoadX509KeyPair(filepath.Join(version, "tls.crt"), filepath.Join(version, "tls.key"))
	if err != nil {
		t.Fatal(err)
	}
	return pair.Certificate[0]
}

// readerOf makes the kubeconfig of an account that may read one Secret.
func readerOf(s *suite.Space, secret string) string {
	s.Helper()
	account := harness.Account{Namespace: s.Namespace, Name: "sidecar"}
	s.Must(s.CreateAccount(s.Context(), account))
	meta := metav1.ObjectMeta{Namespace: s.Namespace, Name: "sidecar"}
	_, err := s.Kube.RbacV1().Roles(s.Namespace).Create(s.Context(), &rbacv1.Role{ObjectMeta: meta, Rules: []rbacv1.PolicyRule{
		{APIGroups: []string{""}, Resources: []string{"secrets"}, ResourceNames: []string{secret}, Verbs: []string{"get", "list", "watch"}},
	}}, metav1.CreateOptions{})
	s.Must(err)
	_, err = s.Kube.RbacV1().RoleBindings(s.Namespace).Create(s.Context(), &rbacv1.RoleBinding{ObjectMeta: meta,
		RoleRef:  rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "Role", Name: "sidecar"},
		Subjects: []rbacv1.Subject{{Kind: rbacv1.ServiceAccountKind, Namespace: s.Namespace, Name: "sidecar"}}}, metav1.CreateOptions{})
	s.Must(err)
	path := filepath.Join(s.TempDir(), "kubeconfig")
	s.Must(s.WriteKubeconfig(s.Context(), account, path))
	return path
}
