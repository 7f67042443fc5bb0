package config

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/pflag"
)

// load runs all of it as `certwright run` does.
func load(t *testing.T, args, environ []string, file string) (Config, []string, error) {
	t.Helper()
	var c Config
	fs := pflag.NewFlagSet("run", pflag.ContinueOnError)
	b := Bind(fs, &c)
	if file != "" {
		path := filepath.Join(t.TempDir(), "c.yaml")
		if err := os.WriteFile(path, []byte(file), 0o600); err != nil {
			t.Fatal(err)
		}
		args = append(args, "--config="+path)
	}
	if err := fs.Parse(args); err != nil {
		t.Fatal(err)
	}
	notices, err := b.Load(environ)
	return c, notices, err
}

const head = "apiVersion: certwright.dev/v1alpha1\nkind: Configuration\n"

func TestNothingGivenIsTheDefault(t *testing.T) {
	got, notices, err := load(t, nil, nil, "")
	if err != nil || len(notices) > 0 {
		t.Fatal(notices, err)
	}
	if diff := cmp.Diff(Default(), got); diff != "" {
		t.Error(diff)
	}
}

func TestPrecedence(t *testing.T) {
	const file = head + "concurrentWorkers: 3\n"
	env := []string{"CERTWRIGHT_CONCURRENT_WORKERS=2"}
	for name, c := range map[string]struct {
		args, env []string
		file      string
		want      int
	}{
		"default":              {want: 16},
		"file over default":    {file: file, want: 3},
		"environment over it":  {file: file, env: env, want: 2},
		"flag over all":        {file: file, env: env, args: []string{"--concurrent-workers=1"}, want: 1},
		"flag of the default":  {file: file, env: env, args: []string{"--concurrent-workers=16"}, want: 16},
		"empty env is not set": {file: file, env: []string{"CERTWRIGHT_CONCURRENT_WORKERS="}, want: 3},
	} {
		t.Run(name, func(t *testing.T) {
			got, _, err := load(t, c.args, c.env, c.file)
			if err != nil || got.ConcurrentWorkers != c.want {
				t.Errorf("got %d, %v, want %d", got.ConcurrentWorkers, err, c.want)
			}
		})
	}
}

// Each source must be able to set each type.
func TestSourcesAgree(t *testing.T) {
	want := Default()
	want.Kubeconfig = "/etc/kube/config"
	want.KubeAPIQPS, want.KubeAPIBurst = 12.5, 40
	want.Namespaces = []string{"a", "b"}
	want.LeaderElect = false
	want.LeaderElectionLeaseDuration = 90 * time.Second
	want.Verbosity = 4

	args := []string{"--kubeconfig=/etc/kube/config", "--kube-api-qps=12.5", "--kube-api-burst=40", "--namespace=a", "--namespace=b", "--leader-elect=false", "--leader-election-lease-duration=90s", "-v=4"}
	env := []string{"CERTWRIGHT_KUBECONFIG=/etc/kube/config", "CERTWRIGHT_KUBE_API_QPS=12.5", "CERTWRIGHT_KUBE_API_BURST=40", "CERTWRIGHT_NAMESPACE=a,b", "CERTWRIGHT_LEADER_ELECT=false", "CERTWRIGHT_LEADER_ELECTION_LEASE_DURATION=90s", "CERTWRIGHT_V=4"}
	file := head + "kubeconfig: /etc/kube/config\nkubeApiQps: 12.5\nkubeApiBurst: 40\nnamespace: [a, b]\nleaderElect: false\nleaderElectionLeaseDuration: 90s\nv: 4\n"
	for name, c := range map[string]struct {
		args, env []string
		file      string
	}{"flags": {args: args}, "environment": {env: env}, "file": {file: file}} {
		t.Run(name, func(t *testing.T) {
			got, notices, err := load(t, c.args, c.env, c.file)
			if err != nil || len(notices) > 0 {
				t.Fatal(notices, err)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestListsReplaceTheDefault(t *testing.T) {
	const file = head + "controllers: [\"*\", \"-certificaterequests-approver\"]\ncopiedAnnotationPrefixes: []\nnamespace: a,b\n"
	got, _, err := load(t, nil, nil, file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"*", "-certificaterequests-approver"}, got.Controllers); diff != "" {
		t.Error(diff)
	}
	if len(got.CopiedAnnotationPrefixes) != 0 || !slices.Equal(got.Namespaces, []string{"a", "b"}) {
		t.Error(got.CopiedAnnotationPrefixes, got.Namespaces)
	}
}

// faultsOf checks that every wanted text is somewhere in the error.
func faultsOf(t *testing.T, err error, want ...string) {
	t.Helper()
	if err == nil {
		t.Fatalf("no error, want %q", want)
	}
	for _, w := range want {
		if !strings.Contains(err.Error(), w) {
			t.Errorf("the error lacks %q:\n%v", w, err)
		}
	}
}

func TestAllFaultsAreToldAtOnce(t *testing.T) {
	const file = head + "leaderElectionLeaseDuration: 60\nenableProfiling: maybe\nconcurrentWorker: 3\nkubeconfig:\nvmodule: {a: b}\nnamespace: [[a]]\n"
	_, _, err := load(t, nil, []string{"CERTWRIGHT_KUBE_API_QPS=many"}, file)
	faultsOf(t, err,
		`CERTWRIGHT_KUBE_API_QPS: "many" is not a number; write for example 50 or 0.5`,
		`c.yaml: leaderElectionLeaseDuration: "60" is not a duration with its unit; write for example 90s, 10m or 1h30m`,
		`c.yaml: enableProfiling: "maybe" is not a truth value; write true or false`,
		`c.yaml: there is no option "concurrentWorker"; did you mean "concurrentWorkers"?`,
		`c.yaml: kubeconfig: it has no value; give one, or remove the key for the default`,
		`c.yaml: vmodule: "a: b" is not a text`,
		`c.yaml: namespace[0]: "- a" is not a text`)
}

func TestBadFiles(t *testing.T) {
	for name, c := range map[string]struct{ file, want string }{
		"another kind":      {"apiVersion: controller.config.cert-manager.io/v1alpha1\nkind: ControllerConfiguration\n", `kind is "ControllerConfiguration"; write kind: Configuration`},
		"no kind":           {"v: 1\n", "apiVersion is missing; write apiVersion: certwright.dev/v1alpha1"},
		"not a mapping":     {"- a\n", "not a YAML mapping of options"},
		"not YAML":          {"a: b: c\n", "not a YAML mapping of options"},
		"a key twice":       {head + "v: 1\nv: 2\n", "not a YAML mapping of options"},
		"several documents": {head + "---\n" + head, "several YAML documents"},
	} {
		t.Run(name, func(t *testing.T) {
			_, _, err := load(t, nil, nil, c.file)
			faultsOf(t, err, c.want)
		})
	}
	_, _, err := load(t, []string{"--config=/nonexistent/c.yaml"}, nil, "")
	faultsOf(t, err, "--config: open /nonexistent/c.yaml: no such file or directory")
}

func TestFileMayBeginWithADocumentLine(t *testing.T) {
	got, _, err := load(t, nil, nil, "---\n"+head+"v: 3\n")
	if err != nil || got.Verbosity != 3 {
		t.Error(got.Verbosity, err)
	}
}

func TestFileNamedByTheEnvironment(t *testing.T) {
	path := filepath.Join(t.TempDir(), "c.yaml")
	if err := os.WriteFile(path, []byte(head+"v: 3\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	got, _, err := load(t, nil, []string{"CERTWRIGHT_CONFIG=" + path}, "")
	if err != nil || got.Verbosity != 3 {
		t.Error(got.Verbosity, err)
	}
}

func TestEnvironmentSlipsAreNoticed(t *testing.T) {
	_, notices, err := load(t, nil, []string{
		"CERTWRIGHT_LEADER_ELCET=false", "PATH=/bin",
		"CERTWRIGHT_SERVICE_HOST=10.0.0.1", "CERTWRIGHT_PORT=tcp://10.0.0.1:9402", "CERTWRIGHT_PORT_9402_TCP_PROTO=tcp",
	}, "")
	want := []string{`environment variable CERTWRIGHT_LEADER_ELCET is not an option; did you mean "CERTWRIGHT_LEADER_ELECT"?`}
	if err != nil || !slices.Equal(notices, want) {
		t.Errorf("got %q, %v", notices, err)
	}
}

// The args that cert-manager's chart and common guides set start unchanged.
func TestArgsOfCertManagerStart(t *testing.T) {
	got, notices, err := load(t, []string{
		"--v=2", "--cluster-resource-namespace=cert-manager", "--leader-election-namespace=kube-system",
		"--acme-http01-solver-image=example.com/acmesolver:v1", "--max-concurrent-challenges=60",
		"--feature-gates=ACMEUseARI=true", "--dns01-recursive-nameservers-only", "--dns01-recursive-nameservers", "8.8.8.8:53",
		"--enable-gateway-api=true", "--kube-api-qps=100", "--kube-api-burst=200", "--concurrent-workers=20",
		"--controllers=*,-certificaterequests-approver", "--issuer-ambient-credentials", "--enable-certificate-owner-ref=true",
	}, nil, "")
	if err != nil || got.Validate() != nil {
		t.Fatal(err, got.Validate())
	}
	if got.ClusterResourceNamespace != "cert-manager" || got.Verbosity != 2 || got.KubeAPIQPS != 100 || got.Runs(Approver) || !got.EnableCertificateOwnerRef {
		t.Errorf("%+v", got)
	}
	var named []string
	for _, n := range notices {
		flag, why, found := strings.Cut(n, " has no effect: ")
		if !found || why == "" {
			t.Errorf("notice %q", n)
		}
		named = append(named, flag)
	}
	want := []string{"--feature-gates"}
	if !slices.Equal(named, want) {
		t.Errorf("notices for %q, want %q", named, want)
	}
}

func TestIgnoredFlagsAreNotShown(t *testing.T) {
	var c Config
	fs := pflag.NewFlagSet("run", pflag.ContinueOnError)
	Bind(fs, &c)
	if usage := fs.FlagUsages(); strings.Contains(usage, "metrics-dynamic-serving") || !strings.Contains(usage, "--concurrent-workers int") {
		t.Error(usage)
	}
}

func FuzzParseFile(f *testing.F) {
	f.Add([]byte(head + "v: 1\nnamespace: [a, 1, true, 1.5, null]\n"))
	f.Add([]byte("---\n: :\n&a [*a]"))
	f.Fuzz(func(t *testing.T, text []byte) {
		var c Config
		fs := pflag.NewFlagSet("run", pflag.ContinueOnError)
		b := Bind(fs, &c)
		d, _ := parseFile("f", text)
		for _, o := range Options() {
			_ = b.fill(o, nil, d)
		}
		_ = c.Validate()
	})
}
