package main

import (
	"archive/tar"
	"bytes"
	"debug/elf"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/layout"
)

// contents are all files that an image holds.
var contents = []string{"etc/ssl/certs/ca-certificates.crt", "usr/bin/certwright", "usr/bin/certwright-lego"}

// look opens the image as a registry's client does, and tells what is wrong with it.
func look(folder string) (digest string, platforms int, faults []string, err error) {
	written, err := layout.ImageIndexFromPath(folder)
	if err != nil {
		return "", 0, nil, err
	}
	outer, err := written.IndexManifest()
	if err != nil {
		return "", 0, nil, err
	}
	index, err := written.ImageIndex(outer.Manifests[0].Digest)
	if err != nil {
		return "", 0, nil, err
	}
	manifest, err := index.IndexManifest()
	if err != nil {
		return "", 0, nil, err
	}
	for _, m := range manifest.Manifests {
		img, err := index.Image(m.Digest)
		if err != nil {
			return "", 0, nil, err
		}
		found, err := lookAt(img, m.Platform.Architecture)
		if err != nil {
			return "", 0, nil, err
		}
		for _, f := range found {
			faults = append(faults, m.Platform.String()+": "+f)
		}
	}
	return outer.Manifests[0].Digest.String(), len(manifest.Manifests), faults, nil
}

func lookAt(img v1.Image, arch string) (faults []string, err error) {
	files, err := filesOf(img)
	if err != nil {
		return nil, err
	}
	if names := slices.Sorted(maps.Keys(files)); !slices.Equal(names, contents) {
		faults = append(faults, fmt.Sprintf("it holds %v, wanted %v", names, contents))
	}
	for name, content := range files {
		if !strings.HasPrefix(name, "usr/bin/") {
			continue
		}
		if err := static(content, arch); err != nil {
			faults = append(faults, name+": "+err.Error())
		}
	}
	config, err := img.ConfigFile()
	if err == nil && config.Config.User != "65532:65532" {
		faults = append(faults, fmt.Sprintf("it runs as %q", config.Config.User))
	}
	return faults, err
}

func filesOf(img v1.Image) (map[string][]byte, error) {
	layers, err := img.Layers()
	if err != nil {
		return nil, err
	}
	files := map[string][]byte{}
	for _, l := range layers {
		content, err := l.Uncompressed()
		if err != nil {
			return nil, err
		}
		for r := tar.NewReader(content); ; {
			head, err := r.Next()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				return nil, err
			}
			if head.Typeflag == tar.TypeReg {
				if files[head.Name], err = io.ReadAll(r); err != nil {
					return nil, err
				}
			}
		}
	}
	return files, nil
}

// static tells why a program is not one that runs where there is nothing else.
func static(program []byte, arch string) error {
	file, err := elf.NewFile(bytes.NewReader(program))
	if err != nil {
		return err
	}
	machine := map[string]elf.Machine{"amd64": elf.EM_X86_64, "arm64": elf.EM_AARCH64}[arch]
	if file.Machine != machine {
		return fmt.Errorf("it is for %s", file.Machine)
	}
	for _, p := range file.Progs {
		if p.Type == elf.PT_INTERP || p.Type == elf.PT_DYNAMIC {
			return errors.New("it is linked dynamically")
		}
	}
	return nil
}
