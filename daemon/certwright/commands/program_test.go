package commands

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	cmmeta "github.com/cert-manager/cert-manager/pkg/apis/meta/v1"
	cmfake "github.com/cert-manager/cert-manager/pkg/client/clientset/versioned/fake"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"k8s.io/client-go/kubernetes/fake"
	ktesting "k8s.io/client-go/testing"

	"github.com/certwright/certwright/daemon/config"
)

var now = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// bench is a program over fake clientsets, with what it printed.
type bench struct {
	*program
	out, err bytes.Buffer
	certs    *cmfake.Clientset
	kube     *fake.Clientset
	served   []config.Config
}

func newBench(certs []runtime.Object, kube ...runtime.Object) *bench {
	b := &bench{certs: cmfake.NewSimpleClientset(certs...), kube: fake.NewClientset(kube...)}
	b.program = &program{
		streams: genericiooptions.IOStreams{In: strings.NewReader(""), Out: &b.out, ErrOut: &b.err},
		now:     func() time.Time { return now },
		serve: func(_ context.Context, cfg config.Config, _ string) error {
			b.served = append(b.served, cfg)
			return nil
		},
		connect: func(flags *genericclioptions.ConfigFlags, _ io.Writer) (cluster, error) {
			namespace := *flags.Namespace
			if namespace == "" {
				namespace = "ns"
			}
			return cluster{certs: b.certs, kube: b.kube, namespace: namespace}, nil
		},
	}
	return b
}

// run executes one command line, written as in a shell without quotes.
func (b *bench) run(t *testing.T, line string) int {
	t.Helper()
	b.out.Reset()
	b.err.Reset()
	b.acting = false
	return b.execute(t.Context(), strings.Fields(line))
}

// expect runs a command line and compares everything that can be seen of it.
func (b *bench) expect(t *testing.T, line string, code int, out, err string) {
	t.Helper()
	got := b.run(t, line)
	if got != code {
		t.Errorf("%s: exit code %d, want %d", line, got, code)
	}
	if b.out.String() != out {
		t.Errorf("%s: output\n%s\nwant\n%s", line, b.out.String(), out)
	}
	if b.err.String() != err {
		t.Errorf("%s: errors\n%s\nwant\n%s", line, b.err.String(), err)
	}
}

// writes counts the calls that change something.
func (b *bench) writes() int {
	n := 0
	for _, a := range b.certs.Actions() {
		if a.GetVerb() != "get" && a.GetVerb() != "list" {
			n++
		}
	}
	return n
}

func (b *bench) fail(verb, resource string, err error, times int) {
	b.certs.PrependReactor(verb, resource, func(ktesting.Action) (bool, runtime.Object, error) {
		times--
		return times >= 0, nil, err
	})
}

func forbidden(resource string) error {
	return apierrors.NewForbidden(schema.GroupResource{Group: "cert-manager.io", Resource: resource}, "", errors.New("not yours"))
}

func noSuchAPI(verb string) error {
	return apierrors.NewGenericServerResponse(404, verb, schema.GroupResource{Group: "cert-manager.io", Resource: "certificates"}, "", "404 page not found", 0, true)
}

func certificate(namespace, name string, conditions ...cmapi.CertificateCondition) *cmapi.Certificate {
	return &cmapi.Certificate{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name, Generation: 3, Labels: map[string]string{"app": name}, CreationTimestamp: metav1.NewTime(now.Add(-time.Minute))},
		Spec:       cmapi.CertificateSpec{SecretName: name + "-tls", IssuerRef: cmmeta.IssuerReference{Name: "ca"}},
		Status:     cmapi.CertificateStatus{Conditions: conditions},
	}
}

func request(name string, conditions ...cmapi.CertificateRequestCondition) *cmapi.CertificateRequest {
	return &cmapi.CertificateRequest{
		ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: name, Annotations: map[string]string{"cert-manager.io/certificate-name": "web"}},
		Status:     cmapi.CertificateRequestStatus{Conditions: conditions},
	}
}

func TestRootPrintsHelp(t *testing.T) {
	for _, line := range []string{"", "inspect", "check", "--help"} {
		b := newBench(nil)
		if code := b.run(t, line); code != 0 || !strings.Contains(b.out.String(), "Usage:\n") || b.err.Len() > 0 {
			t.Errorf("%q: %d\n%s%s", line, code, b.out.String(), b.err.String())
		}
	}
}

func TestUsageFaults(t *testing.T) {
	for line, want := range map[string]string{
		"sttaus":                     "Error: certwright has no command \"sttaus\"; did you mean \"status\"?\nSee \"certwright --help\".\n",
		"frobnicate":                 "Error: certwright has no command \"frobnicate\"\nSee \"certwright --help\".\n",
		"inspect scret":              "Error: certwright inspect has no command \"scret\"; did you mean \"secret\"?\nSee \"certwright inspect --help\".\n",
		"status web":                 "Error: certwright status has no command \"web\"; for one Certificate: certwright status certificate web\nSee \"certwright status --help\".\n",
		"status --nmaespace x":       "Error: unknown flag: --nmaespace; did you mean \"--namespace\"?\nSee \"certwright status --help\".\n",
		"status -o xml":              "Error: -o \"xml\" is no output; write json or yaml, or leave it out for text\nSee \"certwright status --help\".\n",
		"status certificate":         "Error: the name of a Certificate is missing\nSee \"certwright status certificate --help\".\n",
		"inspect secret a b":         "Error: \"b\" is one too many: certwright inspect secret takes 1 name(s)\nSee \"certwright inspect secret --help\".\n",
		"renew":                      "Error: nothing to renew; give names, --selector, or --all\nSee \"certwright renew --help\".\n",
		"renew a --all":              "Error: names exclude --all and --selector; give one of them\nSee \"certwright renew --help\".\n",
		"renew --all -l a=b":         "Error: --all and --selector exclude each other; give one of them\nSee \"certwright renew --help\".\n",
		"renew a -A":                 "Error: names are of one namespace; use -n, or --all with --all-namespaces\nSee \"certwright renew --help\".\n",
		"approve":                    "Error: the name of a CertificateRequest is missing\nSee \"certwright approve --help\".\n",
		"deny a --reason=":           "Error: --reason and --message cannot be empty; leave them out for the defaults\nSee \"certwright deny --help\".\n",
		"check api --wait -1s":       "Error: --wait -1s is below 0; write for example 2m\nSee \"certwright check api --help\".\n",
		"run --concurrent-workers x": "Error: invalid argument \"x\" for \"--concurrent-workers\" flag: strconv.ParseInt: parsing \"x\": invalid syntax\nSee \"certwright run --help\".\n",
	} {
		newBench(nil).expect(t, line, exitUsage, "", want)
	}
	b := newBench(nil)
	if code := b.run(t, "renew -l a=b=c"); code != exitUsage || !strings.Contains(b.err.String(), `--selector "a=b=c": `) {
		t.Error(code, b.err.String())
	}
}

// Every command shows how it is used, and none repeats its usage on failure.
func TestEveryCommandHasAnExample(t *testing.T) {
	for _, c := range newBench(nil).root().Commands() {
		for _, c := range append(c.Commands(), c) {
			if c.Example == "" || c.Short == "" || !strings.Contains(c.Example, "certwright ") {
				t.Errorf("%s: no example", c.CommandPath())
			}
		}
	}
}

func TestConnectFailure(t *testing.T) {
	for _, line := range []string{"status", "status certificate a", "renew a", "approve a", "deny a", "inspect secret a", "check api"} {
		b := newBench(nil)
		b.connect = func(*genericclioptions.ConfigFlags, io.Writer) (cluster, error) { return cluster{}, errNoKubeconfig }
		b.expect(t, line, exitFailure, "", "Error: no cluster to talk to: there is no kubeconfig, and this is no pod\n       name one with --kubeconfig or KUBECONFIG\n")
	}
}
