package config

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/pflag"
)

// A configuration read again is what a new process would read.
func TestAgain(t *testing.T) {
	const head = "apiVersion: certwright.dev/v1alpha1\nkind: Configuration\n"
	path := filepath.Join(t.TempDir(), "c.yaml")
	write := func(text string) {
		if err := os.WriteFile(path, []byte(head+text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	args := []string{"--config=" + path, "--namespace=a,b", "--v=3", "--leader-elect=false", "--feature-gates=X=true"}
	read := func() Config {
		t.Helper()
		var c Config
		fs := pflag.NewFlagSet("", pflag.ContinueOnError)
		b := Bind(fs, &c)
		if err := fs.Parse(args); err != nil {
			t.Fatal(err)
		}
		if _, err := b.Load(nil); err != nil {
			t.Fatal(err)
		}
		return c
	}
	var c Config
	fs := pflag.NewFlagSet("", pflag.ContinueOnError)
	b := Bind(fs, &c)
	if err := fs.Parse(args); err != nil {
		t.Fatal(err)
	}
	write("concurrentWorkers: 3\ncontrollers: [certificates]\nshutdownGracePeriod: 5s\nv: 9\n")
	if _, err := b.Load(nil); err != nil {
		t.Fatal(err)
	}
	before := c

	write("controllers: [issuers, cabundles]\nminimumCertificateDuration: 20m\nnamespace: [c]\n")
	again, _, err := b.Again(nil)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(read(), again); diff != "" {
		t.Errorf("a new process (-) reads other things than the old one (+):\n%s", diff)
	}
	if again.ConcurrentWorkers != Default().ConcurrentWorkers || again.MinimumCertificateDuration != 20*time.Minute || again.Verbosity != 3 {
		t.Errorf("got %+v", again)
	}
	if diff := cmp.Diff(before, c); diff != "" {
		t.Errorf("the first configuration has changed:\n%s", diff)
	}
	write("concurrentWorkers: many\n")
	if _, _, err := b.Again(nil); err == nil {
		t.Error("a faulty file is taken")
	}
}
