package main

import (
	"archive/tar"
	"bytes"
	"context"
	"encoding/pem"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
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
	for _, p := range servers {
		img, err := r.imageFor(ctx, p)
		if err != nil {
			return err
		}
		index = mutate.AppendManifests(index, mutate.IndexAddendum{Add: img,
			Descriptor: v1.Descriptor{Platform: &v1.Platform{OS: p.os, Architecture: p.arch}}})
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
	return r.pack(folder, r.path("certwright-image.tar"))
}

// name is what containerd calls the image after an import.
func (r release) name() string { return "docker.io/certwright/certwright:" + r.version }

func (r release) imageFor(ctx context.Context, p platform) (v1.Image, error) {
	programs, err := r.programs(ctx, p, "usr/bin")
	if err != nil {
		return nil, err
	}
	content, err := r.layer(append([]file{{"etc/ssl/certs/ca-certificates.crt", 0o644, roots()}}, programs...))
	if err != nil {
		return nil, err
	}
	img := mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1), types.OCIConfigJSON)
	if img, err = mutate.Append(img, mutate.Addendum{Layer: content, History: v1.History{CreatedBy: "certwright release", Created: v1.Time{Time: r.when}}}); err != nil {
		return nil, err
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
		Labels: map[string]string{
			"org.opencontainers.image.title": "certwright", "org.opencontainers.image.version": r.version,
			"org.opencontainers.image.revision": r.commit, "org.opencontainers.image.licenses": "Apache-2.0",
			"org.opencontainers.image.source":      "https://github.com/certwright/certwright",
			"org.opencontainers.image.description": "Makes, keeps and renews the certificates of a Kubernetes cluster",
		},
	}
	return cfg
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

// layer makes a layer of files and the folders above them.
func (r release) layer(files []file) (v1.Layer, error) {
	var b bytes.Buffer
	if err := r.tar(&b, files); err != nil {
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

// pack writes a folder as a tar.
func (r release) pack(folder, to string) error {
	files, err := filesOf(folder)
	if err != nil {
		return err
	}
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
