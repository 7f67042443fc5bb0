package main

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/certwright/certwright/test/harness"
)

func parse(t *testing.T, text string) (*page, error) {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "p.md"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return readPage(dir, "p.md")
}

const sample = `<!-- needs: bare acme -->
# One *two* ` + "`three`" + `
## One two three
<a id="own"></a>

` + "```sh" + `
cat <<END
kubectl not a statement
END
certwright run --config a.yaml
certwright run --help
for i in 1 2; do
  echo "$i"
done
` + "```" + `

- In a list:

  ` + "```yaml" + `
  kind: A
  ---
  kind: B
  ` + "```" + `

` + "```yaml file=a.yaml" + `
kind: C
` + "```" + `

` + "```sh not-run=\"no nodes\"" + `
kubectl logs x
` + "```" + `
`

func TestSteps(t *testing.T) {
	p, err := parse(t, sample)
	if err != nil {
		t.Fatal(err)
	}
	got, err := p.steps()
	if err != nil {
		t.Fatal(err)
	}
	want := []step{
		{line: 7, kind: command, text: "cat <<END\nkubectl not a statement\nEND"},
		{line: 10, kind: command, text: "certwright run --config a.yaml &"},
		{line: 11, kind: command, text: "certwright run --help"},
		{line: 12, kind: command, text: "for i in 1 2; do\n  echo \"$i\"\ndone"},
		{line: 20, kind: manifest, text: "\nkind: A"},
		{line: 22, kind: manifest, text: "\nkind: B\n"},
		{line: 26, kind: file, file: "a.yaml", text: "kind: C\n"},
		{line: 30, kind: notRun, text: "kubectl logs x", why: "no nodes"},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got\n%+v\nwant\n%+v", got, want)
	}
	if !p.wants("acme") || !p.wants("bare") || p.wants("vault") {
		t.Errorf("needs %v", p.needs)
	}
	for _, anchor := range []string{"one-two-three", "one-two-three-1", "own"} {
		if !p.anchors[anchor] {
			t.Errorf("no anchor %s among %v", anchor, p.anchors)
		}
	}
}

func TestPagesWithFaults(t *testing.T) {
	for name, row := range map[string]struct{ text, want string }{
		"a block of no language":  {"```\nls\n```\n", `a block of language ""`},
		"another language":        {"```bash\nls\n```\n", `a block of language "bash"`},
		"a block by indentation":  {"text\n\n    ls\n", "by indentation"},
		"a need that nobody has":  {"<!-- needs: moon -->\n", `"moon"`},
		"a script that is broken": {"```sh\nif true\n```\n", "must be followed by"},
	} {
		t.Run(name, func(t *testing.T) {
			p, err := parse(t, row.text)
			if err == nil {
				_, err = p.steps()
			}
			if err == nil || !strings.Contains(err.Error(), row.want) {
				t.Errorf("%v, want %s", err, row.want)
			}
		})
	}
}

// TestPages: links lead somewhere, and the page on troubleshooting has every
// reason, whenever somebody changes either.
func TestPages(t *testing.T) {
	root, err := harness.Root()
	if err != nil {
		t.Fatal(err)
	}
	pages, err := readAll(root)
	if err != nil {
		t.Fatal(err)
	}
	for _, fault := range append(links(root, pages, pages), reasonFaults(root)...) {
		t.Error(fault)
	}
}

func TestNames(t *testing.T) {
	n := names{flags: map[string]bool{"namespace": true}, commands: map[string]bool{}, sources: `"queue_depth" certwright_queue_adds cert-manager.io/issuer "revoke"`}
	n.command("status certificate")
	n.command("renew")
	rows := []struct {
		language, text string
		want           int
	}{
		{"", "--namespace", 0}, {"", "--namespase", 1}, {"", "kubectl get --anything", 0}, {"sh", "kubectl get --anything", 0},
		{"", "certwright renew NAME", 0}, {"", "certwright renwe NAME", 1}, {"", "certwright status certificate web", 0},
		{"", "certwright_queue_depth", 0}, {"", "certwright_queue_adds_total", 1}, {"", "certmanager_nothing", 1},
		{"", "cert-manager.io/issuer", 0}, {"yaml", "  cert-manager.io/isuer: a", 1}, {"", "certwright.dev/revoke", 0},
		{"", "issuers.cert-manager.io/shop.ca", 0},
	}
	for _, row := range rows {
		if got := n.lineFaults(snippet{language: row.language, text: row.text}, row.text); len(got) != row.want {
			t.Errorf("%q: %v, want %d", row.text, got, row.want)
		}
	}
}
