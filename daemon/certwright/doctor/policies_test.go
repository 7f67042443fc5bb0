package doctor

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestShippedPolicies: the list is that of deploy/policies.
func TestShippedPolicies(t *testing.T) {
	files, err := filepath.Glob("../../../deploy/policies/*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var shipped []string
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for document := range strings.SplitSeq(string(content), "\n---\n") {
			if !strings.Contains(document, "kind: ValidatingAdmissionPolicy\n") {
				continue
			}
			_, rest, _ := strings.Cut(document, "\n  name: ")
			name, _, _ := strings.Cut(rest, "\n")
			shipped = append(shipped, name)
		}
	}
	slices.Sort(shipped)
	if !slices.Equal(shipped, policies) {
		t.Errorf("deploy/policies has %q, the doctor asks for %q", shipped, policies)
	}
}
