package main

import (
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/certwright/certwright/test/harness"
)

var (
	pageRole = regexp.MustCompile("^### `(.+)`$")
	pageRow  = regexp.MustCompile("^\\| `([^`]+)` \\| ([a-z, ]+) \\| .{5,} \\|$")
)

// TestSecurityPage: the tables of docs/security.md are the rights of deploy/rbac.
func TestSecurityPage(t *testing.T) {
	t.Parallel()
	dir, err := harness.Folder("deploy", "rbac")
	if err != nil {
		t.Fatal(err)
	}
	manifests, err := harness.ReadManifests(dir)
	if err != nil {
		t.Fatal(err)
	}
	rights, err := rightsIn(given(manifests))
	if err != nil {
		t.Fatal(err)
	}
	granted := map[string]bool{}
	for _, r := range rights {
		_, role, _ := strings.Cut(r.role, " ")
		granted[role+": "+r.verb+" "+strings.TrimPrefix(r.group+"/"+r.resource, "/")] = true
	}
	told := onPage(t)
	for _, right := range slices.Sorted(maps.Keys(granted)) {
		if !told[right] {
			t.Errorf("docs/security.md does not tell of %s", right)
		}
	}
	for _, right := range slices.Sorted(maps.Keys(told)) {
		if !granted[right] {
			t.Errorf("docs/security.md tells of what deploy/rbac does not grant: %s", right)
		}
	}
}

func onPage(t *testing.T) map[string]bool {
	t.Helper()
	docs, err := harness.Folder("docs")
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(docs, "security.md"))
	if err != nil {
		t.Fatal(err)
	}
	told, role := map[string]bool{}, ""
	for line := range strings.Lines(string(text)) {
		line = strings.TrimRight(line, "\n")
		if strings.HasPrefix(line, "## ") {
			role = ""
		}
		if m := pageRole.FindStringSubmatch(line); m != nil {
			role = m[1]
		}
		if m := pageRow.FindStringSubmatch(line); m != nil && role != "" {
			for _, verb := range strings.Split(m[2], ", ") {
				told[role+": "+verb+" "+m[1]] = true
			}
		}
	}
	return told
}
