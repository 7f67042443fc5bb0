package main

import (
	"archive/tar"
	"bytes"
	"context"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"golang.org/x/crypto/x509roots/fallback/bundle"
)

// user is nobody's in the image; a pod's securityContext names the same.
const user = "65532:65532"

// image writes dist/image, an OCI layout with an index of both platforms, and
// dist/certwright-image.tar, the same as an archive.
func (r release) image(ctx context.Context) error {
	index := mutate.IndexMediaType(empty.Index, types.OCIImageIndex)
	var images []v1.Image
	for _, p := range r.images {
		img, err := r.imageFor(ctx, p)
		if err != nil {
			return err
		}
		images = append(images, img)
		fetched, err := size(img)
		if err != nil {
			return err
		}
		say("image for %s/%s: %s to fetch", p.os, p.arch, fetched)
		index = mutate.AppendManifests(index, mutate.IndexAddendum{Add: img,
			Descriptor: v1.Descriptor{Platform: &v1.Platform{OS: p.os, Architecture: p.arch}}})
	}
	// What a registry shows of an image without fetching its configuration.
	index, annotated := mutate.Annotations(index, r.labels()).(v1.ImageIndex)
	if !annotated {
		return errors.New("the index takes no annotations")
	}
	folder := r.path("image")
	if err := os.RemoveAll(folder); err != nil {
		return err
	}
	written, err := layout.Write(folder, empty.Index)
	if err != nil {
		return err
	}
	if err := written.AppendIndex(index, layout.WithAnnotations(map[string]string{
		"org.opencontainers.image.ref.name": r.version, "io.containerd.image.name": r.name()})); err != nil {
		return err
	}
	digest, err := index.Digest()
	if err != nil {
		return err
	}
	say("image %s@%s", r.name(), digest)
	old, err := r.forDocker(images[0])
	if err != nil {
		return err
	}
	if err := r.pack(folder, r.path("certwright-image.tar"), old); err != nil {
		return err
	}
	return r.upload(ctx, index)
}

// upload pushes the image where that is asked for, with the credentials that
// `docker login` and its like have stored.
func (r release) upload(ctx context.Context, index v1.ImageIndex) error {
	if r.push == "" {
		return nil
	}
	to, err := name.ParseReference(r.push)
	if err != nil {
		return err
	}
	if err := remote.WriteIndex(to, index, remote.WithContext(ctx), remote.WithAuthFromKeychain(authn.DefaultKeychain)); err != nil {
		return fmt.Errorf("push to %s: %w", r.push, err)
	}
	say("pushed to %s", to)
	return nil
}

// name is what containerd calls the image after an import.
func (r release) name() string { return "docker.io/certwright/certwright:" + r.version }

func (r release) imageFor(ctx context.Context, p platform) (v1.Image, error) {
	programs, err := r.programs(ctx, p, "usr/bin")
	if err != nil {
		return nil, err
	}
	img := mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1), types.OCIConfigJSON)
	// A layer for each file, what seldom changes first, all of one time: a node that
	// has an earlier version fetches the daemon and nothing else.
	for _, f := range append([]file{{"etc/ssl/certs/ca-certificates.crt", 0o644, roots()}}, programs...) {
		content, err := layer(f)
		if err != nil {
			return nil, err
		}
		made := v1.History{CreatedBy: "certwright release: " + f.name, Created: v1.Time{Time: r.when}}
		if img, err = mutate.Append(img, mutate.Addendum{Layer: content, History: made}); err != nil {
			return nil, err
		}
	}
	return mutate.ConfigFile(img, r.config(img, p))
}

func (r release) config(img v1.Image, p platform) *v1.ConfigFile {
	cfg, err := img.ConfigFile()
	if err != nil {
		panic(err) // it was made here, of nothing
	}
	cfg = cfg.DeepCopy()
	cfg.OS, cfg.Architecture, cfg.Created = p.os, p.arch, v1.Time{Time: r.when}
	cfg.Config = v1.Config{
		User: user, WorkingDir: "/", Env: []string{"PATH=/usr/bin"},
		// Flags alone are the daemon's, so that both `args: [run, ...]` and the
		// args of a Deployment of cert-manager work.
		Entrypoint: []string{"/usr/bin/certwright"}, Cmd: []string{"run"},
		ExposedPorts: map[string]struct{}{"9402/tcp": {}, "9403/tcp": {}, "8089/tcp": {}},
		Labels:       r.labels(),
	}
	return cfg
}

// labels are the annotations that OCI has names for.
func (r release) labels() map[string]string {
	return map[string]string{
		"org.opencontainers.image.title": "certwright", "org.opencontainers.image.version": r.version,
		"org.opencontainers.image.revision": r.commit, "org.opencontainers.image.licenses": "Apache-2.0",
		"org.opencontainers.image.created":     r.when.Format(time.RFC3339),
		"org.opencontainers.image.source":      "https://github.com/certwright/certwright",
		"org.opencontainers.image.description": "Makes, keeps and renews the certificates of a Kubernetes cluster",
	}
}

// size tells how much a node fetches.
func size(img v1.Image) (string, error) {
	manifest, err := img.Manifest()
	if err != nil {
		return "", err
	}
	sum := manifest.Config.Size
	for _, l := range manifest.Layers {
		sum += l.Size
	}
	return fmt.Sprintf("%.1f MB", float64(sum)/1e6), nil
}

// roots are Mozilla's, in PEM: without them nothing on the internet is trusted.
func roots() []byte {
	var all bytes.Buffer
	for root := range bundle.Roots() {
		all.Write(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: root.Certificate}))
	}
	return all.Bytes()
}

// file is one of a layer or an archive.
type file struct {
	name    string
	mode    int64
	content []byte
}

// layer makes a layer of a file and the folders above it, whose times are those of
// no release.
func layer(f file) (v1.Layer, error) {
	var b bytes.Buffer
	if err := (release{when: time.Unix(0, 0).UTC()}).tar(&b, []file{f}); err != nil {
		return nil, err
	}
	return tarball.LayerFromOpener(func() (io.ReadCloser, error) {
		return io.NopCloser(bytes.NewReader(b.Bytes())), nil
	}, tarball.WithMediaType(types.OCILayer))
}

// tar writes files in the order given, each folder before what is in it.
func (r release) tar(to io.Writer, files []file) error {
	t := tar.NewWriter(to)
	made := map[string]bool{".": true}
	for _, f := range files {
		if err := r.folders(t, filepath.Dir(f.name), made); err != nil {
			return err
		}
		head := &tar.Header{Typeflag: tar.TypeReg, Name: f.name, Mode: f.mode, Size: int64(len(f.content)), ModTime: r.when, Format: tar.FormatPAX}
		if err := t.WriteHeader(head); err != nil {
			return fmt.Errorf("%s: %w", f.name, err)
		}
		if _, err := t.Write(f.content); err != nil {
			return fmt.Errorf("%s: %w", f.name, err)
		}
	}
	return t.Close()
}

func (r release) folders(t *tar.Writer, folder string, made map[string]bool) error {
	if made[folder] {
		return nil
	}
	if err := r.folders(t, filepath.Dir(folder), made); err != nil {
		return err
	}
	made[folder] = true
	return t.WriteHeader(&tar.Header{Typeflag: tar.TypeDir, Name: folder + "/", Mode: 0o755, ModTime: r.when, Format: tar.FormatPAX})
}

// forDocker is the file by which `docker load` finds an image, where Docker keeps
// images itself (before 29): it knows one platform and no index.
func (r release) forDocker(img v1.Image) (file, error) {
	manifest, err := img.Manifest()
	if err != nil {
		return file{}, err
	}
	blob := func(d v1.Descriptor) string { return "blobs/" + d.Digest.Algorithm + "/" + d.Digest.Hex }
	var layers []string
	for _, l := range manifest.Layers {
		layers = append(layers, blob(l))
	}
	tag := strings.TrimPrefix(r.name(), "docker.io/")
	text, err := json.Marshal(tarball.Manifest{{Config: blob(manifest.Config), RepoTags: []string{tag}, Layers: layers}})
	return file{"manifest.json", 0o644, text}, err
}

// pack writes a folder, and a file beside what is in it, as a tar.
func (r release) pack(folder, to string, beside file) error {
	files, err := filesOf(folder)
	if err != nil {
		return err
	}
	files = append(files, beside)
	out, err := os.Create(to)
	if err != nil {
		return err
	}
	if err := r.tar(out, files); err != nil {
		out.Close()
		return err
	}
	return out.Close()
}
