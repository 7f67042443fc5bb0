package rules

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	admissionv1 "k8s.io/api/admissionregistration/v1"
	"k8s.io/apimachinery/pkg/util/yaml"
	kyaml "sigs.k8s.io/yaml"
)

const folder = "../../deploy/policies"

// document is what the kinds of deploy/policies have in common, and more.
type document struct {
	Kind     string
	Metadata struct{ Name string }
	Spec     struct {
		admissionv1.ValidatingAdmissionPolicySpec `json:",inline"`
		PolicyName                                string
		ValidationActions                         []admissionv1.ValidationAction
	}
}

func documents(t *testing.T) (all []document) {
	t.Helper()
	for _, path := range files(t) {
		content, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for reader := yaml.NewYAMLOrJSONDecoder(bytes.NewReader(content), 4096); ; {
			var d document
			if err := reader.Decode(&d); errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				t.Fatalf("%s: %v", path, err)
			}
			all = append(all, d)
		}
	}
	return all
}

func files(t *testing.T) []string {
	t.Helper()
	paths, err := filepath.Glob(folder + "/*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return slices.DeleteFunc(paths, func(p string) bool { return filepath.Base(p) == "kustomization.yaml" })
}

// The start-up log asks for the policies by these names.
func TestPoliciesAreThoseShipped(t *testing.T) {
	t.Parallel()
	found := map[string][]string{}
	for _, d := range documents(t) {
		found[d.Kind] = append(found[d.Kind], d.Metadata.Name)
		if strings.HasSuffix(d.Kind, "Binding") && d.Spec.PolicyName != d.Metadata.Name {
			t.Errorf("the binding %s is for %s", d.Metadata.Name, d.Spec.PolicyName)
		}
	}
	for kind, want := range map[string][]string{
		"ValidatingAdmissionPolicy": Policies, "ValidatingAdmissionPolicyBinding": Policies,
		"MutatingAdmissionPolicy": {RequesterPolicy}, "MutatingAdmissionPolicyBinding": {RequesterPolicy},
	} {
		if got := slices.Sorted(slices.Values(found[kind])); !slices.Equal(got, slices.Sorted(slices.Values(want))) {
			t.Errorf("%s: %v are shipped, %v are asked for", kind, got, want)
		}
	}
}

func TestPoliciesRefuse(t *testing.T) {
	t.Parallel()
	for _, d := range documents(t) {
		fails := d.Spec.FailurePolicy != nil && *d.Spec.FailurePolicy == admissionv1.Fail
		denies := slices.Equal(d.Spec.ValidationActions, []admissionv1.ValidationAction{admissionv1.Deny})
		switch {
		case strings.HasSuffix(d.Kind, "Policy") && !fails:
			t.Errorf("%s lets through what it cannot evaluate", d.Metadata.Name)
		case d.Kind == "ValidatingAdmissionPolicyBinding" && !denies:
			t.Errorf("%s does not deny, or not only", d.Metadata.Name)
		}
	}
}

// Every refusal begins with a field; and has a text for when the one that is
// put together comes out too long or of two lines. A keystore's cannot.
func TestPoliciesNameTheField(t *testing.T) {
	t.Parallel()
	for _, d := range documents(t) {
		for _, v := range d.Spec.Validations {
			if v.Message == "" && !strings.HasPrefix(v.MessageExpression, "'spec.keystores.") {
				t.Errorf("%s: %s has no message", d.Metadata.Name, v.Expression)
			}
			for _, text := range []string{v.Message, strings.Trim(v.MessageExpression, "'")} {
				if text != "" && !slices.ContainsFunc([]string{"spec", "status.", "metadata."}, func(p string) bool { return strings.HasPrefix(text, p) }) {
					t.Errorf("%s: %q names no field", d.Metadata.Name, text)
				}
			}
		}
	}
}

func TestKustomizationHasAllFiles(t *testing.T) {
	t.Parallel()
	content, err := os.ReadFile(folder + "/kustomization.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var k struct{ Resources []string }
	if err := kyaml.Unmarshal(content, &k); err != nil {
		t.Fatal(err)
	}
	var want []string
	for _, path := range files(t) {
		want = append(want, filepath.Base(path))
	}
	if got := slices.Sorted(slices.Values(k.Resources)); !slices.Equal(got, want) {
		t.Errorf("%v instead of %v", got, want)
	}
}

// Both sides read a nameserver by one expression.
func TestSharedExpression(t *testing.T) {
	t.Parallel()
	content, err := os.ReadFile(folder + "/acme-issuers.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(content), "r'"+nameserver.String()+"'") {
		t.Errorf("acme-issuers.yaml lacks %s", nameserver)
	}
}
