package daemon

import (
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/certwright/certwright/handlers/certificates"
	"github.com/certwright/certwright/handlers/issuers"
	"github.com/certwright/certwright/queue"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	"github.com/google/go-cmp/cmp"
)

// issuerTable is the first table of docs/issuers.md: heading -> cell, for each
// spec field.
func issuerTable(t *testing.T) map[string]map[string]string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "docs", "issuers.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, table, _ := strings.Cut(string(text), "\n| type |")
	table, _, _ = strings.Cut("| type |"+table, "\n\n")
	lines := strings.Split(table, "\n")
	cells := func(line string) (all []string) {
		for _, c := range strings.Split(strings.Trim(line, "|"), "|") {
			all = append(all, strings.TrimSpace(c))
		}
		return all
	}
	heads, rows := cells(lines[0]), map[string]map[string]string{}
	for _, line := range lines[2:] {
		row := map[string]string{}
		for i, cell := range cells(line) {
			row[heads[i]] = cell
		}
		rows[strings.Join(quoted(row["`spec` field"]), "")] = row
	}
	return rows
}

var code = regexp.MustCompile("`([^`]+)`")

// quoted are the words of a cell that are code.
func quoted(cell string) (all []string) {
	for _, m := range code.FindAllStringSubmatch(cell, -1) {
		all = append(all, m[1])
	}
	return all
}

// jsonFields are the names of a struct's fields that are pointers.
func jsonFields(example any) (all []string) {
	typ := reflect.TypeOf(example)
	for i := range typ.NumField() {
		if f := typ.Field(i); f.Type.Kind() == reflect.Pointer {
			name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
			all = append(all, name)
		}
	}
	return all
}

// The table in docs/issuers.md says what the code does.
func TestIssuerTable(t *testing.T) {
	rows := issuerTable(t)
	var backends map[issuers.Type]issuers.Backend
	bubble(t, func(w *world) {
		d := w.launchWaiting()
		wired := wire(alone(), d.clients, d.set, nil, func(certificates.Ending) {}, nil, d.backends(), d.acmeServers())
		issuer, ok := wired[queue.Issuer].(*issuers.Handler)
		if !ok {
			t.Fatal("issuers have another handler")
		}
		backends = issuer.Backends
	})
	var served, told []string
	for name := range backends {
		served = append(served, string(name))
	}
	for name := range rows {
		if name != "issuerRef.group" {
			told = append(told, name)
		}
	}
	slices.Sort(served)
	slices.Sort(told)
	if diff := cmp.Diff(served, told); diff != "" {
		t.Errorf("types (-served +told):\n%s", diff)
	}
	for name, b := range backends {
		_, remote := b.(issuers.Remote)
		if told := rows[string(name)]["signs"] == "asks a server"; told != remote {
			t.Errorf("%s: the table says %q", name, rows[string(name)]["signs"])
		}
	}
	if diff := cmp.Diff(jsonFields(cmapi.VaultAuth{}), quoted(rows["vault"]["ways to log in"])); diff != "" {
		t.Errorf("ways to log in to Vault (-API +told):\n%s", diff)
	}
	if diff := cmp.Diff(jsonFields(cmapi.VenafiIssuer{}), quoted(rows["venafi"]["ways to log in"])); diff != "" {
		t.Errorf("ways to log in to Venafi (-API +told):\n%s", diff)
	}
	for name, want := range map[string][]string{
		"selfSigned": {cmapi.CertificateRequestPrivateKeyAnnotationKey},
		"venafi":     {cmapi.VenafiCustomFieldsAnnotationKey, cmapi.VenafiPickupIDAnnotationKey},
	} {
		if diff := cmp.Diff(want, quoted(rows[name]["annotations of the request"])); diff != "" {
			t.Errorf("annotations of %s (-API +told):\n%s", name, diff)
		}
	}
}
