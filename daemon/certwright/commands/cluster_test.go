package commands

import (
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/client-go/tools/clientcmd"
)

const kubeconfig = `apiVersion: v1
kind: Config
current-context: prod
contexts:
- {name: prod, context: {cluster: c, user: u, namespace: shop}}
clusters:
- {name: c, cluster: {server: "https://192.0.2.1:6443"}}
users:
- {name: u, user: {token: t}}
`

// home keeps the kubeconfig and the pod of whoever runs the tests out of them.
func home(t *testing.T, text string) *genericclioptions.ConfigFlags {
	t.Helper()
	path := filepath.Join(t.TempDir(), "config")
	if text != "" {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("KUBECONFIG", path)
	t.Setenv("KUBERNETES_SERVICE_HOST", "")
	return genericclioptions.NewConfigFlags(true)
}

func TestConnect(t *testing.T) {
	flags := home(t, kubeconfig)
	c, err := connect(flags, io.Discard)
	if err != nil || c.namespace != "shop" || c.host != "https://192.0.2.1:6443" {
		t.Errorf("%+v, %v", c, err)
	}
	flags = home(t, kubeconfig)
	*flags.Namespace = "other"
	if c, err = connect(flags, io.Discard); err != nil || c.namespace != "other" {
		t.Errorf("%+v, %v", c, err)
	}
}

func TestConnectWithoutKubeconfig(t *testing.T) {
	if _, err := connect(home(t, ""), io.Discard); !errors.Is(err, errNoKubeconfig) {
		t.Error(err)
	}
	flags := home(t, "")
	*flags.APIServer = "https://192.0.2.1:6443"
	if _, err := connect(flags, io.Discard); err != nil {
		t.Error("a server alone is enough:", err)
	}
}

func TestConnectToAnUnknownContext(t *testing.T) {
	flags := home(t, kubeconfig)
	*flags.Context = "prdo"
	if _, err := connect(flags, io.Discard); err == nil || !strings.Contains(err.Error(), `did you mean "prod"?`) {
		t.Error(err)
	}
}

func TestConnectWithABrokenKubeconfig(t *testing.T) {
	if _, err := connect(home(t, "{"), io.Discard); err == nil {
		t.Error("no error")
	}
}

func TestRemedies(t *testing.T) {
	resource := schema.GroupResource{Resource: "certificates"}
	for name, c := range map[string]struct {
		err  error
		want string
	}{
		"unreachable":    {&url.Error{Op: "Get", URL: "https://x", Err: &net.OpError{Op: "dial", Err: errors.New("refused")}}, "cannot be reached"},
		"other CA":       {&url.Error{Op: "Get", URL: "https://x", Err: x509.UnknownAuthorityError{}}, "not signed by the certificate authority"},
		"not logged in":  {apierrors.NewUnauthorized("no"), "log in again"},
		"no right":       {forbidden("certificates"), "Ask for that right"},
		"no API":         {noSuchAPI("get"), "kubectl apply -k deploy/crds"},
		"no kind":        {&meta.NoKindMatchError{}, "kubectl apply -k deploy/crds"},
		"no config":      {clientcmd.ErrEmptyConfig, "Name a kubeconfig"},
		"no object":      {apierrors.NewNotFound(resource, "web"), ""},
		"a missing file": {&os.PathError{Op: "open", Path: "x", Err: os.ErrNotExist}, ""},
		"usage":          {usagef("x: %w", forbidden("certificates")), ""},
	} {
		if got := remedyFor(c.err); c.want == "" && got != "" || !strings.Contains(got, c.want) {
			t.Errorf("%s: %q", name, got)
		}
	}
}
