package config

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/pflag"
)

func flagged(t *testing.T, args ...string) Config {
	t.Helper()
	var c Config
	fs := pflag.NewFlagSet("run", pflag.ContinueOnError)
	b := Bind(fs, &c)
	if err := fs.Parse(args); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Load(nil); err != nil {
		t.Fatal(err)
	}
	return c
}

func TestOutputs(t *testing.T) {
	t.Parallel()
	c := flagged(t, "--namespace=shop", "--output-directory=/certs", "--output-secret=a,shop/b=sub/b", "--output-mode=0640", "--output-owner=1:2")
	want := []Output{{"shop", "a", "/certs"}, {"shop", "b", "/certs/sub/b"}}
	if diff := cmp.Diff(want, c.Outputs()); diff != "" {
		t.Errorf("outputs (-want +got):\n%s", diff)
	}
	if uid, gid := c.OutputUser(); uid != 1 || gid != 2 || c.OutputFileMode() != 0o640 {
		t.Errorf("owner %d:%d, mode %o", uid, gid, c.OutputFileMode())
	}
	if uid, gid := Default().OutputUser(); uid != -1 || gid != -1 {
		t.Errorf("owner by default %d:%d", uid, gid)
	}
	if err := c.Validate(); err != nil {
		t.Error(err)
	}
}

func TestSidecar(t *testing.T) {
	t.Parallel()
	files := []string{"--mode=sidecar", "--output-directory=/certs", "--output-secret=web"}
	c := flagged(t, files...)
	if c.Keeps() {
		t.Errorf("it keeps %q", c.Controllers)
	}
	if err := c.Validate(); err != nil {
		t.Error(err)
	}
	if n := strings.Join(c.Notices(), "\n"); !strings.Contains(n, "nothing else is done") {
		t.Errorf("notices: %s", n)
	}
	c = flagged(t, append(files, "--controllers=certificates")...)
	if !c.Runs(Certificates) || c.Runs(Issuers) {
		t.Errorf("it keeps %q", c.Controllers)
	}
}

func TestFileFaults(t *testing.T) {
	t.Parallel()
	for fault, args := range map[string][]string{
		`--mode: there is no "pod"; write daemon or sidecar`:     {"--mode=pod"},
		"a sidecar serves one namespace":                         {"--mode=sidecar", "--namespace=a,b", "--output-directory=/c", "--output-secret=a/x"},
		"a sidecar without it has nothing to do":                 {"--mode=sidecar"},
		"nothing is said to go into --output-directory":          {"--output-directory=/c"},
		"it is not said where the files go":                      {"--output-secret=shop/web"},
		"it is not said in which namespace; write NAMESPACE/web": {"--output-directory=/c", "--output-secret=web"},
		`namespace "b" is not among those served`:                {"--namespace=a", "--output-directory=/c", "--output-secret=b/web"},
		`"../up" is not a directory below --output-directory`:    {"--output-directory=/c", "--output-secret=a/web=../up"},
		`"..data" is not a directory below`:                      {"--output-directory=/c", "--output-secret=a/web=..data"},
		"directory /c is in the list already":                    {"--output-directory=/c", "--output-secret=a/web,a/api"},
		"Secret a/web is in the list already":                    {"--output-directory=/c", "--output-secret=a/web=x,a/web=y"},
		`"Web" is not a name Kubernetes allows`:                  {"--output-directory=/c", "--output-secret=a/Web"},
		`--output-mode: "rw" is not the mode of a file`:          {"--output-mode=rw"},
		`--output-mode: "0040" is not the mode`:                  {"--output-mode=0040"},
		`--output-mode: "0700" is not the mode`:                  {"--output-mode=0700"},
		`--output-owner: "nobody" is not UID:GID`:                {"--output-owner=nobody"},
	} {
		err := flagged(t, args...).Validate()
		if err == nil || !strings.Contains(err.Error(), fault) {
			t.Errorf("%q: got %v, want %q", args, err, fault)
		}
	}
}
