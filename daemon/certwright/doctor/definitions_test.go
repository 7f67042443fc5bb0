package doctor

import (
	"os"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"
)

// shipped reads a definition of deploy/crds.
func shipped(t *testing.T, name string) *unstructured.Unstructured {
	t.Helper()
	plural, group, _ := strings.Cut(name, ".")
	content, err := os.ReadFile("../../../deploy/crds/" + group + "_" + plural + ".yaml")
	if err != nil {
		t.Fatal(err)
	}
	var crd unstructured.Unstructured
	if err := yaml.Unmarshal(content, &crd.Object); err != nil {
		t.Fatal(err)
	}
	return &crd
}

// TestShippedDefinitions: the table asks for nothing that we do not ship.
func TestShippedDefinitions(t *testing.T) {
	for name, fields := range needed {
		if d := definition(shipped(t, name), fields); len(d.Lacks) > 0 || d.NoStatus || d.Converter != nil || d.Name != name {
			t.Errorf("%+v", d)
		}
	}
}

func TestOldDefinition(t *testing.T) {
	crd := shipped(t, "certificates.cert-manager.io")
	versions, _, _ := unstructured.NestedSlice(crd.Object, "spec", "versions")
	version := versions[0].(map[string]any)
	unstructured.RemoveNestedField(version, "schema", "openAPIV3Schema", "properties", "status", "properties", "failedIssuanceAttempts")
	unstructured.RemoveNestedField(version, "subresources")
	service := map[string]any{"namespace": "cert-manager", "name": "hook", "port": int64(443)}
	for _, err := range []error{
		unstructured.SetNestedSlice(crd.Object, versions, "spec", "versions"),
		unstructured.SetNestedMap(crd.Object, service, "spec", "conversion", "webhook", "clientConfig", "service"),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	d := definition(crd, []string{"status.failedIssuanceAttempts"})
	if len(d.Lacks) != 1 || !d.NoStatus || d.Converter == nil || *d.Converter != (Backend{Namespace: "cert-manager", Name: "hook"}) {
		t.Errorf("%+v", d)
	}
}
