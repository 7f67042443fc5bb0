package contract

import (
	"context"
	"crypto/x509"
	"encoding/pem"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/certwright/certwright/test/e2e/suite"
)

// desk is a folder in which a test has other programs look at files.
type desk struct {
	*suite.Space
	dir string
}

func newDesk(s *suite.Space) *desk { return &desk{s, s.TempDir()} }

// put lays a file on the desk.
func (d *desk) put(name string, content []byte) {
	d.Helper()
	d.Must(os.WriteFile(filepath.Join(d.dir, name), content, 0o600))
}

// file reads one that a program wrote.
func (d *desk) file(name string) []byte {
	d.Helper()
	content, err := os.ReadFile(filepath.Join(d.dir, name))
	d.Must(err)
	return content
}

// try runs a program on the desk. It skips the test where the program is not
// installed.
func (d *desk) try(program string, args ...string) (string, error) {
	d.Helper()
	if _, err := exec.LookPath(program); err != nil {
		d.Skipf("%s is not installed: it is not asked", program)
	}
	ctx, cancel := context.WithTimeout(d.Context(), suite.Patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Dir = d.dir
	cmd.Env = append(os.Environ(), "LC_ALL=C.UTF-8")
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// run is try where the program must be content.
func (d *desk) run(program string, args ...string) string {
	d.Helper()
	out, err := d.try(program, args...)
	if err != nil {
		d.Fatalf("%s %s: %v\n%s", filepath.Base(program), strings.Join(args, " "), err, out)
	}
	return out
}

// refuses is try where the program must not be content, and why.
func (d *desk) refuses(why, program string, args ...string) {
	d.Helper()
	out, err := d.try(program, args...)
	if err == nil || !strings.Contains(out, why) {
		d.Errorf("%s %s: %v, want %q in\n%s", filepath.Base(program), strings.Join(args, " "), err, why, out)
	}
}

// cmctl runs cert-manager's command line as the cluster's administrator.
func (d *desk) cmctl(args ...string) string {
	d.Helper()
	return d.run(d.cmctlPath(), d.cluster(args)...)
}

// cmctlRefuses is cmctl where it must fail, and why.
func (d *desk) cmctlRefuses(why string, args ...string) {
	d.Helper()
	d.refuses(why, d.cmctlPath(), d.cluster(args)...)
}

func (d *desk) cmctlPath() string {
	d.Helper()
	path, err := cmctl()
	d.Must(err)
	return path
}

func (d *desk) cluster(args []string) []string {
	return append(args, "--kubeconfig", world.Cluster.Kubeconfig(), "--namespace", d.Namespace)
}

func pemOf(certificates ...*x509.Certificate) (out []byte) {
	for _, c := range certificates {
		out = append(out, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw})...)
	}
	return out
}
