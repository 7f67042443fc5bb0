package dnswebhook

import (
	"bytes"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"text/template"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/certwright/certwright/test/acme/binaries"
	"github.com/certwright/certwright/test/harness"
)

// Name is what the program calls its solver: it is the resource that it serves.
const Name = "rfc2136"

// ChartCaller is whom the charts of solvers let call them when nobody says
// otherwise.
var ChartCaller = harness.Account{Namespace: "cert-manager", Name: "cert-manager"}

// Options say how a solver is installed.
type Options struct {
	// Dir is an empty folder for its files and its log.
	Dir string
	// Log receives a line at a time about a first build.
	Log io.Writer
	// Namespace is the solver's own, and names what it has for the whole cluster.
	Namespace string
	// Group is its API group, the groupName of issuers.
	Group string
	// Caller may call it.
	Caller harness.Account
}

// Solver is one that is installed, and runs unless it was stopped.
type Solver struct {
	// Group is its API group.
	Group string

	options Options
	clients *harness.Clients
	process *harness.Process
	itself  func(context.Context) error // tells when the program itself is ready
}

// Install installs a solver, starts it, and waits until the API server serves
// what it serves. A daemon must run, for the solver's own certificate.
func Install(ctx context.Context, clients *harness.Clients, o Options) (*Solver, error) {
	s := &Solver{Group: o.Group, options: o, clients: clients}
	if err := s.install(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("install a DNS01 webhook solver: %w", err), s.Close(context.WithoutCancel(ctx)))
	}
	return s, nil
}

func (s *Solver) install(ctx context.Context) error {
	path, err := binaries.DNSWebhook(ctx, s.options.Log)
	if err != nil {
		return err
	}
	ports, err := harness.FreePorts(1)
	if err != nil {
		return err
	}
	if err := s.apply(ctx, ports[0]); err != nil {
		return err
	}
	if err := s.mount(ctx, ports[0]); err != nil {
		return err
	}
	kubeconfig := s.file("kubeconfig")
	if err := s.clients.WriteKubeconfig(ctx, harness.Account{Namespace: s.options.Namespace, Name: "solver"}, kubeconfig); err != nil {
		return err
	}
	s.process, err = harness.StartProcess(harness.ProcessOptions{
		Name: "solver", Path: path, Dir: s.options.Dir, Env: []string{"GROUP_NAME=" + s.Group},
		Args: []string{
			"--kubeconfig=" + kubeconfig, "--authentication-kubeconfig=" + kubeconfig, "--authorization-kubeconfig=" + kubeconfig,
			"--bind-address=127.0.0.1", fmt.Sprintf("--secure-port=%d", ports[0]),
			"--tls-cert-file=" + s.file("tls.crt"), "--tls-private-key-file=" + s.file("tls.key"),
		},
	})
	if err != nil {
		return err
	}
	return s.await(ctx)
}

// mount waits for the solver's certificate and puts it where the program looks.
func (s *Solver) mount(ctx context.Context, port int) error {
	ctx, cancel := context.WithTimeout(ctx, issueTime)
	defer cancel()
	secret, err := s.clients.Secrets().Until(ctx, s.options.Namespace, "solver-tls", harness.HasKeyPair)
	if err != nil {
		return fmt.Errorf("its own certificate is not issued: %w", err)
	}
	s.itself, err = itself(secret.Data["ca.crt"], port)
	return errors.Join(err, os.WriteFile(s.file("tls.crt"), secret.Data[corev1.TLSCertKey], 0o600),
		os.WriteFile(s.file("tls.key"), secret.Data[corev1.TLSPrivateKeyKey], 0o600))
}

// issueTime bounds the wait for the solver's own certificate.
const issueTime = time.Minute

//go:embed chart.yaml
var chart string

// apply applies what a chart has.
func (s *Solver) apply(ctx context.Context, port int) error {
	manifests, err := template.New("chart").Parse(chart)
	if err != nil {
		return err
	}
	var text bytes.Buffer
	values := struct {
		Options
		Port int
	}{s.options, port}
	if err := manifests.Execute(&text, values); err != nil {
		return err
	}
	objects, err := harness.ParseManifests(text.Bytes())
	if err != nil {
		return err
	}
	for _, object := range objects {
		if err := s.clients.Apply(ctx, object); err != nil {
			return err
		}
	}
	return nil
}

func (s *Solver) file(name string) string { return filepath.Join(s.options.Dir, name) }

// Log is everything that the program has said.
func (s *Solver) Log() string {
	if s.process == nil {
		return ""
	}
	return s.process.Log()
}

var apiServices = schema.GroupVersionResource{Group: "apiregistration.k8s.io", Version: "v1", Resource: "apiservices"}

// Close ends the program, and takes its API out of the API server's discovery,
// where it would be in everybody's way.
func (s *Solver) Close(ctx context.Context) error {
	s.process.Stop()
	err := s.clients.Dynamic.Resource(apiServices).Delete(ctx, s.apiService(), metav1.DeleteOptions{})
	if apierrors.IsNotFound(err) { // it did not get that far
		return nil
	}
	return err
}
