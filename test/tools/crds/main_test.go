package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	apiext "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"sigs.k8s.io/yaml"
)

const (
	product = "../../.." // the module whose go.mod picks the API version
	shipped = product + "/deploy/crds"
)

// What we ship, less our own columns, limits and sentences, must be what
// cert-manager publishes, less its descriptions: every field, default, enum, list
// type, scope, short name, column and selectable field that existing manifests
// and clients rely on.
func TestShippedAreThePublished(t *testing.T) {
	names := []string{"cert-manager.io_certificates", "cert-manager.io_certificaterequests", "cert-manager.io_issuers",
		"cert-manager.io_clusterissuers", "acme.cert-manager.io_orders", "acme.cert-manager.io_challenges"}
	published := publishedCRDs(t)
	for _, name := range names {
		t.Run(name, func(t *testing.T) {
			ours, theirs := read(t, shipped, name), read(t, published, name)
			wantName := ours.Spec.Names.Plural + "." + ours.Spec.Group
			if ours.Name != wantName || theirs.Name != wantName {
				t.Errorf("names %q and %q, want %q", ours.Name, theirs.Name, wantName)
			}
			// The reverse of finish: put the same on what is published, and compare.
			finish(theirs)
			if diff := cmp.Diff(bare(t, theirs.Spec), bare(t, ours.Spec)); diff != "" {
				t.Errorf("published (-) and shipped (+) differ:\n%s", diff)
			}
		})
	}
}

// A plain `kubectl apply` stores the object in an annotation; all annotations of
// an object together may have 256 KiB.
func TestShippedFitIntoAnAnnotation(t *testing.T) {
	files, err := filepath.Glob(shipped + "/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("no CRDs: %v", err)
	}
	for _, file := range files {
		if info, err := os.Stat(file); err != nil || info.Size() > 200<<10 {
			t.Errorf("%s: %d bytes, %v", file, info.Size(), err)
		}
	}
}

func publishedCRDs(t *testing.T) string {
	t.Helper()
	list := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/cert-manager/cert-manager")
	list.Dir = product
	dir, err := list.Output()
	if err != nil {
		t.Fatalf("find cert-manager's module: %v", err)
	}
	return filepath.Join(strings.TrimSpace(string(dir)), "deploy", "crds")
}

func read(t *testing.T, dir, name string) *apiext.CustomResourceDefinition {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, name+".yaml"))
	if err != nil {
		t.Fatal(err)
	}
	c := &apiext.CustomResourceDefinition{}
	if err := yaml.UnmarshalStrict(text, c); err != nil {
		t.Fatal(err)
	}
	return c
}

// bare is the JSON tree of a CRD's spec without descriptions.
func bare(t *testing.T, spec apiext.CustomResourceDefinitionSpec) any {
	t.Helper()
	text, err := json.Marshal(spec)
	if err != nil {
		t.Fatal(err)
	}
	var tree any
	if err := json.Unmarshal(text, &tree); err != nil {
		t.Fatal(err)
	}
	return withoutDescriptions(tree)
}

func withoutDescriptions(tree any) any {
	switch node := tree.(type) {
	case map[string]any:
		for key, value := range node {
			if _, text := value.(string); text && key == "description" {
				delete(node, key) // a property named description would be an object
				continue
			}
			node[key] = withoutDescriptions(value)
		}
	case []any:
		for i := range node {
			node[i] = withoutDescriptions(node[i])
		}
	}
	return tree
}
