package host

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/certwright/certwright/test/e2e/suite"
	"github.com/certwright/certwright/test/harness"
)

// units copies deploy/systemd into a folder, with the binary of this test where
// the units look for the installed one.
func units(t *testing.T) []string {
	t.Helper()
	from, err := harness.Folder("deploy", "systemd")
	if err != nil {
		t.Fatal(err)
	}
	found, err := filepath.Glob(from + "/*.*")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	var all []string
	for _, path := range found {
		if ext := filepath.Ext(path); ext != ".service" && ext != ".path" {
			continue
		}
		content, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		content = bytes.ReplaceAll(content, []byte("/usr/bin/certwright"), []byte(world.Binary))
		all = append(all, filepath.Join(dir, filepath.Base(path)))
		if err := os.WriteFile(all[len(all)-1], content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if len(all) < 3 {
		t.Fatalf("deploy/systemd has %d units", len(all))
	}
	return all
}

// analyze runs systemd-analyze, of the package systemd; no systemd need run.
func analyze(t *testing.T, args ...string) (out, errs string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "systemd-analyze", args...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		t.Errorf("systemd-analyze %v: %v\n%s%s", args, err, &stdout, &stderr)
	}
	return stdout.String(), stderr.String()
}

// TestUnits: it exits with 0 on a key that it does not know, and only warns.
func TestUnits(t *testing.T) {
	if _, warned := analyze(t, append([]string{"verify", "--man=no"}, units(t)...)...); warned != "" {
		t.Error(warned)
	}
}

// TestExposure: at most 2.0 of 10.
func TestExposure(t *testing.T) {
	for _, unit := range units(t) {
		if filepath.Base(unit) == "certwright.service" {
			out, _ := analyze(t, "security", "--offline=true", "--threshold=20", "--no-pager", unit)
			if !strings.Contains(out, "Overall exposure level") {
				t.Error(out)
			}
		}
	}
}

// jail does what the unit does to the process, as far as no systemd is needed:
// nobody's user, no capabilities, no way to new rights, and nothing to write to.
const jail = `mount --make-rprivate / && mount -o remount,bind,ro / && exec setpriv --reuid=65534 --regid=65534 --clear-groups --no-new-privs --bounding-set=-all --inh-caps=-all "$@"`

// TestJail issues a certificate from inside.
func TestJail(t *testing.T) {
	wrapper := []string{"setpriv", "--no-new-privs"} // all that one may who is not root
	s := world.Space(t)
	dir, err := os.MkdirTemp("", "jail") // which nobody may enter
	s.Must(err)
	t.Cleanup(func() { os.RemoveAll(dir) })
	path := dir + "/kubeconfig"
	s.Must(world.Clients.WriteKubeconfig(t.Context(), world.Account, path))
	binary := dir + "/certwright"
	s.Must(harness.Install(world.Binary, binary))
	if os.Getuid() == 0 {
		s.Must(os.Chmod(dir, 0o755))
		s.Must(os.Chown(path, 65534, 65534))
		s.Must(os.Chmod(path, 0o400))
		s.Must(os.Chmod(binary, 0o755))
		wrapper = []string{"unshare", "--mount", "sh", "-c", jail, "sh"}
	}
	d := world.PrepareDaemonWith(t, harness.DaemonOptions{Kubeconfig: path, Wrapper: wrapper, Binary: binary, Args: []string{alone}})
	s.Must(d.Start())
	suite.WaitReady(t, d)
	s.CA("ca")
	s.Issue("web", suite.IssuerRef("ca"))
}
