package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// dpkg runs a program of Debian's package dpkg; CI's machines are Debian's.
func dpkg(t *testing.T, args ...string) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), args[0], args[1:]...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s (of the package dpkg): %v\n%s", strings.Join(args, " "), err, out)
	}
	return string(out)
}

func packages(t *testing.T) (release, string) {
	t.Helper()
	r := stubs(t)
	if err := r.debs(t.Context()); err != nil {
		t.Fatal(err)
	}
	return r, r.path("certwright_1.2.3_amd64.deb")
}

func TestPackage(t *testing.T) {
	_, deb := packages(t)
	about := dpkg(t, "dpkg-deb", "--info", deb)
	for _, want := range []string{"Package: certwright", "Version: 1.2.3", "Architecture: amd64", "Recommends: ca-certificates", "postinst", "prerm", "postrm", "conffiles"} {
		if !strings.Contains(about, want) {
			t.Errorf("dpkg-deb --info does not tell %q:\n%s", want, about)
		}
	}
	var files []string
	for line := range strings.Lines(dpkg(t, "dpkg-deb", "--contents", deb)) {
		fields := strings.Fields(line)
		if fields[1] != "root/root" {
			t.Errorf("not root's: %s", line)
		}
		if !strings.HasPrefix(fields[0], "d") {
			files = append(files, fields[0]+" "+strings.TrimPrefix(fields[5], "."))
		}
	}
	for _, want := range []string{
		"-rwxr-xr-x /usr/bin/certwright", "-rwxr-xr-x /usr/bin/certwright-lego", "-rw-r--r-- /usr/lib/systemd/system/certwright.service",
		"-rw-r--r-- /etc/certwright/config.yaml", "-rw-r--r-- /usr/share/doc/certwright/copyright",
	} {
		if !slices.Contains(files, want) {
			t.Errorf("no %q among %q", want, files)
		}
	}
}

// An administrator's changes to the configuration outlive an upgrade, and a purge
// leaves nothing.
func TestPackageInstalled(t *testing.T) {
	_, deb := packages(t)
	root := t.TempDir()
	for _, dir := range []string{"var/lib/dpkg/updates", "var/lib/dpkg/info", "bin"} {
		if err := os.MkdirAll(filepath.Join(root, dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for _, file := range []string{"status", "available"} {
		if err := os.WriteFile(filepath.Join(root, "var/lib/dpkg", file), nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	// The scripts are the systemd tests' to judge: in this root there is no shell.
	args := []string{"dpkg", "--root=" + root, "--log=/dev/null", "--force-not-root", "--force-script-chrootless", "--force-depends"}
	env := []string{"--install", deb}
	dpkg(t, append(args, env...)...)
	config := filepath.Join(root, "etc/certwright/config.yaml")
	if err := os.WriteFile(config, []byte("mine: true\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	dpkg(t, append(args, "--install", deb)...)
	if got := string(read(t, config)); got != "mine: true\n" {
		t.Errorf("after an upgrade the configuration is %q", got)
	}
	dpkg(t, append(args, "--purge", "certwright")...)
	for _, gone := range []string{config, filepath.Join(root, "usr/bin/certwright")} {
		if _, err := os.Stat(gone); !os.IsNotExist(err) {
			t.Errorf("%s after a purge: %v", gone, err)
		}
	}
}

func TestPackageIsTheSameAnywhere(t *testing.T) {
	_, one := packages(t)
	_, other := packages(t)
	if string(read(t, one)) != string(read(t, other)) {
		t.Error("two packages of the same differ")
	}
}

// What is written is checked as users do.
func TestChecksums(t *testing.T) {
	r, _ := packages(t)
	if err := r.checksums(t.Context()); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "sha256sum", "--check", "--strict", "SHA256SUMS")
	cmd.Dir = r.out
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "certwright_1.2.3_arm64.deb: OK") {
		t.Errorf("sha256sum --check: %v\n%s", err, out)
	}
}

// The bill of materials is of a real program: of this test itself.
func TestMaterials(t *testing.T) {
	r := stubs(t)
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for _, what := range []program{certwright, providers} {
		path := r.path(filepath.Join("bin", servers[0].String(), what.name))
		if err := os.WriteFile(path, read(t, self), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := r.materials(t.Context()); err != nil {
		t.Fatal(err)
	}
	var bom struct {
		BOMFormat  string
		Components []struct{ Name, Version, PURL string }
	}
	if err := json.Unmarshal(read(t, r.path("certwright.cdx.json")), &bom); err != nil {
		t.Fatal(err)
	}
	known := map[string]bool{}
	for _, c := range bom.Components {
		known[c.Name] = c.Version != "" && strings.HasPrefix(c.PURL, "pkg:golang/")
	}
	if bom.BOMFormat != "CycloneDX" || !known["std"] || !known["github.com/google/go-containerregistry"] {
		t.Errorf("format %q, components %v", bom.BOMFormat, known)
	}
}

func TestManifests(t *testing.T) {
	r := stubs(t)
	if err := r.manifests(t.Context()); err != nil {
		t.Fatal(err)
	}
	crds, all := string(read(t, r.path("certwright.crds.yaml"))), string(read(t, r.path("certwright.yaml")))
	if n := strings.Count(crds, "kind: CustomResourceDefinition\n"); n != 6 {
		t.Errorf("%d CRDs", n)
	}
	for _, want := range []string{"kind: ClusterRole\n", "kind: ValidatingAdmissionPolicy\n", "kind: CustomResourceDefinition\n"} {
		if !strings.Contains(all, want) {
			t.Errorf("certwright.yaml has no %s", want)
		}
	}
}

// An archive holds the programs, the licence and the README, below one folder.
func TestArchives(t *testing.T) {
	r := stubs(t)
	if err := r.archives(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, p := range append(slices.Clone(servers), desktops...) {
		top := "certwright_v1.2.3_" + p.String()
		cmd := exec.CommandContext(t.Context(), "tar", "--list", "--gzip", "--file", r.path(top+".tar.gz"))
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("tar: %v\n%s", err, out)
		}
		got := strings.Fields(string(out))
		slices.Sort(got)
		want := []string{top + "/", top + "/LICENSE", top + "/README.md", top + "/certwright", top + "/certwright-lego"}
		if !slices.Equal(got, want) {
			t.Errorf("%s holds %v, wanted %v", p, got, want)
		}
	}
}
