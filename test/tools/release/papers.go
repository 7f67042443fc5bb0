package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"debug/buildinfo"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	cyclonedx "github.com/CycloneDX/cyclonedx-go"
)

// manifests writes the CRDs in one file, and all that a daemon needs to find in
// a cluster in another.
func (r release) manifests(context.Context) error {
	crds, err := join(filepath.Join(r.tree, "deploy", "crds"))
	if err != nil {
		return err
	}
	if err := os.WriteFile(r.path("certwright.crds.yaml"), crds, 0o644); err != nil {
		return err
	}
	var all bytes.Buffer
	for _, folder := range []string{"crds", "rbac", "policies"} {
		text, err := join(filepath.Join(r.tree, "deploy", folder))
		if err != nil {
			return err
		}
		all.Write(text)
	}
	return os.WriteFile(r.path("certwright.yaml"), all.Bytes(), 0o644)
}

// join puts the manifests of a folder into one file.
func join(folder string) ([]byte, error) {
	paths, err := filepath.Glob(filepath.Join(folder, "*.yaml"))
	if err != nil {
		return nil, err
	}
	var all bytes.Buffer
	for _, path := range paths {
		if filepath.Base(path) == "kustomization.yaml" {
			continue
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return nil, err
		}
		fmt.Fprintf(&all, "---\n%s\n", strings.TrimPrefix(strings.TrimSpace(string(text)), "---\n"))
	}
	return all.Bytes(), nil
}

// materials writes NAME.cdx.json, the bill of materials (CycloneDX), of each
// program for Linux: the modules that Go recorded in it.
func (r release) materials(context.Context) error {
	for _, what := range []program{certwright, providers} {
		if err := r.materialsOf(what); err != nil {
			return err
		}
	}
	return nil
}

func (r release) materialsOf(what program) error {
	info, err := buildinfo.ReadFile(r.path(filepath.Join("bin", servers[0].String(), what.name)))
	if err != nil {
		return err
	}
	bom := cyclonedx.NewBOM()
	bom.Metadata = &cyclonedx.Metadata{Timestamp: r.when.Format("2006-01-02T15:04:05Z"), Component: &cyclonedx.Component{
		BOMRef: what.name, Type: cyclonedx.ComponentTypeApplication, Name: what.name, Version: r.version,
		Licenses: &cyclonedx.Licenses{{License: &cyclonedx.License{ID: "Apache-2.0"}}},
	}}
	components := []cyclonedx.Component{{BOMRef: "go", Type: cyclonedx.ComponentTypeLibrary, Name: "std", Version: info.GoVersion,
		PackageURL: "pkg:golang/std@" + strings.TrimPrefix(info.GoVersion, "go")}}
	for _, m := range info.Deps {
		if m.Replace != nil {
			m = m.Replace
		}
		url := "pkg:golang/" + m.Path + "@" + m.Version
		components = append(components, cyclonedx.Component{BOMRef: url, Type: cyclonedx.ComponentTypeLibrary, Name: m.Path, Version: m.Version, PackageURL: url})
	}
	bom.Components = &components
	var text bytes.Buffer
	if err := cyclonedx.NewBOMEncoder(&text, cyclonedx.BOMFileFormatJSON).SetPretty(true).Encode(bom); err != nil {
		return err
	}
	return os.WriteFile(r.path(what.name+".cdx.json"), text.Bytes(), 0o644)
}

// checksums writes SHA256SUMS of every file that is given away, as
// `sha256sum --check` reads it.
func (r release) checksums(context.Context) error {
	entries, err := os.ReadDir(r.out)
	if err != nil {
		return err
	}
	var lines []string
	for _, e := range entries {
		if e.IsDir() || e.Name() == "SHA256SUMS" {
			continue
		}
		content, err := os.ReadFile(r.path(e.Name()))
		if err != nil {
			return err
		}
		lines = append(lines, fmt.Sprintf("%x  %s\n", sha256.Sum256(content), e.Name()))
	}
	slices.Sort(lines)
	say("%d files in %s", len(lines), r.out)
	return os.WriteFile(r.path("SHA256SUMS"), []byte(strings.Join(lines, "")), 0o644)
}
