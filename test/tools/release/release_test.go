package main

import (
	"archive/tar"
	"bytes"
	"context"
	"encoding/pem"
	"io"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	"github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
)

// stubs is a release of programs that are words, in a folder of its own; everything
// else in it is as in a real one, which `make prove-image` makes.
func stubs(t *testing.T, args ...string) release {
	t.Helper()
	r, err := parse(append([]string{"image", "-tree", "../../..", "-out", t.TempDir(), "-version", "v1.2.3", "-commit", "abc", "-epoch", "1700000000"}, args...))
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range append(slices.Clone(servers), desktops...) {
		for _, what := range []program{certwright, providers} {
			path := r.path(filepath.Join("bin", p.String(), what.name))
			if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, []byte(what.name+" for "+p.String()), 0o755); err != nil {
				t.Fatal(err)
			}
			r.built[path] = true
		}
	}
	return r
}

func indexOf(t *testing.T, r release) v1.ImageIndex {
	t.Helper()
	if err := r.image(t.Context()); err != nil {
		t.Fatal(err)
	}
	written, err := layout.ImageIndexFromPath(r.path("image"))
	if err != nil {
		t.Fatal(err)
	}
	outer, err := written.IndexManifest()
	if err != nil || len(outer.Manifests) != 1 {
		t.Fatalf("the layout holds %v, %v; wanted one index", outer, err)
	}
	if got, want := outer.Manifests[0].Annotations["io.containerd.image.name"], "docker.io/certwright/certwright:v1.2.3"; got != want {
		t.Errorf("the image is called %q, wanted %q", got, want)
	}
	index, err := written.ImageIndex(outer.Manifests[0].Digest)
	if err != nil {
		t.Fatal(err)
	}
	return index
}

func TestImage(t *testing.T) {
	index := indexOf(t, stubs(t))
	manifest, err := index.IndexManifest()
	if err != nil {
		t.Fatal(err)
	}
	if got := manifest.Annotations["org.opencontainers.image.version"]; got != "v1.2.3" {
		t.Errorf("the index is annotated with version %q", got)
	}
	var platforms []string
	for _, m := range manifest.Manifests {
		platforms = append(platforms, m.Platform.String())
		img, err := index.Image(m.Digest)
		if err != nil {
			t.Fatal(err)
		}
		checkConfig(t, img)
		checkFiles(t, img, platform{m.Platform.OS, m.Platform.Architecture})
	}
	if want := []string{"linux/amd64", "linux/arm64"}; !slices.Equal(platforms, want) {
		t.Errorf("platforms %v, wanted %v", platforms, want)
	}
}

func checkConfig(t *testing.T, img v1.Image) {
	t.Helper()
	config, err := img.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	// The kubelet compares runAsNonRoot with a number; of a name it knows nothing.
	if config.Config.User != "65532:65532" {
		t.Errorf("user %q", config.Config.User)
	}
	if !slices.Equal(config.Config.Entrypoint, []string{"/usr/bin/certwright"}) || !slices.Equal(config.Config.Cmd, []string{"run"}) {
		t.Errorf("runs %v %v", config.Config.Entrypoint, config.Config.Cmd)
	}
	if got := config.Config.Labels["org.opencontainers.image.revision"]; got != "abc" {
		t.Errorf("labelled with revision %q", got)
	}
	if !config.Created.Equal(time.Unix(1700000000, 0)) {
		t.Errorf("created %s, wanted the time of the commit", config.Created)
	}
}

// checkFiles wants three files and no other: no shell, nothing that anybody may write.
func checkFiles(t *testing.T, img v1.Image, p platform) {
	t.Helper()
	layers, err := img.Layers()
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, l := range layers {
		files, err := l.Uncompressed()
		if err != nil {
			t.Fatal(err)
		}
		for r := tar.NewReader(files); ; {
			head, err := r.Next()
			if err == io.EOF {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			content, _ := io.ReadAll(r)
			if head.Mode&0o022 != 0 || head.Uid != 0 {
				t.Errorf("%s has mode %o and belongs to %d", head.Name, head.Mode, head.Uid)
			}
			if head.Typeflag == tar.TypeReg {
				got[head.Name] = string(content)
			}
		}
	}
	if n := strings.Count(got["etc/ssl/certs/ca-certificates.crt"], "BEGIN CERTIFICATE"); n < 100 {
		t.Errorf("%d roots are in the image", n)
	}
	if block, _ := pem.Decode([]byte(got["etc/ssl/certs/ca-certificates.crt"])); block == nil {
		t.Error("the roots are no PEM")
	}
	delete(got, "etc/ssl/certs/ca-certificates.crt")
	for _, name := range []string{"certwright", "certwright-lego"} {
		if got["usr/bin/"+name] != name+" for "+p.String() {
			t.Errorf("usr/bin/%s is %q", name, got["usr/bin/"+name])
		}
		delete(got, "usr/bin/"+name)
	}
	if len(got) > 0 {
		t.Errorf("there is more in the image: %v", got)
	}
}

func TestImageIsTheSameAnywhere(t *testing.T) {
	one, other := stubs(t), stubs(t)
	first, second := indexOf(t, one), indexOf(t, other)
	a, _ := first.Digest()
	b, _ := second.Digest()
	if a != b {
		t.Errorf("digests %s and %s of the same", a, b)
	}
	x, y := read(t, one.path("certwright-image.tar")), read(t, other.path("certwright-image.tar"))
	if !bytes.Equal(x, y) {
		t.Error("the archives differ")
	}
}

// `docker load` before Docker 29 reads the archive by its manifest.json.
func TestArchiveForDocker(t *testing.T) {
	r := stubs(t)
	indexOf(t, r)
	tag, err := name.NewTag("certwright/certwright:v1.2.3")
	if err != nil {
		t.Fatal(err)
	}
	img, err := tarball.ImageFromPath(r.path("certwright-image.tar"), &tag)
	if err != nil {
		t.Fatal(err)
	}
	checkConfig(t, img)
	checkFiles(t, img, servers[0])
}

// Of the next version a node fetches one layer.
func TestNextVersionSharesLayers(t *testing.T) {
	var shared []map[string]bool
	for _, version := range []string{"v1.2.3", "v1.2.4"} {
		r := stubs(t)
		r.version, r.when = version, r.when.Add(time.Hour)
		path := r.path(filepath.Join("bin", "linux_amd64", "certwright"))
		if err := os.WriteFile(path, []byte(version), 0o755); err != nil {
			t.Fatal(err)
		}
		img, err := r.imageFor(t.Context(), servers[0])
		if err != nil {
			t.Fatal(err)
		}
		layers, _ := img.Layers()
		digests := map[string]bool{}
		for _, l := range layers {
			d, _ := l.Digest()
			digests[d.String()] = true
		}
		shared = append(shared, digests)
	}
	common := 0
	for d := range shared[0] {
		if shared[1][d] {
			common++
		}
	}
	if common != 2 {
		t.Errorf("%d layers are in both, wanted those of the roots and of lego's providers", common)
	}
}

func TestPush(t *testing.T) {
	server := httptest.NewServer(registry.New())
	defer server.Close()
	to := strings.TrimPrefix(server.URL, "http://") + "/team/certwright:v1.2.3"
	pushed := indexOf(t, stubs(t, "-push", to))
	ref, err := name.ParseReference(to)
	if err != nil {
		t.Fatal(err)
	}
	pulled, err := remote.Index(ref)
	if err != nil {
		t.Fatal(err)
	}
	a, _ := pushed.Digest()
	b, _ := pulled.Digest()
	if a != b {
		t.Errorf("pushed %s, pulled %s", a, b)
	}
}

func TestPushNowhere(t *testing.T) {
	server := httptest.NewServer(nil)
	to := strings.TrimPrefix(server.URL, "http://") + "/team/certwright:v1.2.3"
	server.Close()
	err := stubs(t, "-push", to).image(t.Context())
	if err == nil || !strings.Contains(err.Error(), "push to "+to) {
		t.Errorf("error %v, wanted one that names %s", err, to)
	}
}

func TestFaults(t *testing.T) {
	for want, args := range map[string][]string{
		"say what to make":               {},
		`image or release`:               {"images"},
		`"windows/amd64" is none of`:     {"image", "-platforms", "windows/amd64"},
		`is in the list twice`:           {"image", "-platforms", "linux/amd64,linux/amd64"},
		`"yesterday" is no number`:       {"image", "-epoch", "yesterday"},
		`-push: `:                        {"image", "-push", "NAME WITH SPACES"},
		`"amd64": only flags may follow`: {"image", "amd64"},
	} {
		if err := run(context.Background(), args); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v: error %v, wanted %q", args, err, want)
		}
	}
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return content
}
