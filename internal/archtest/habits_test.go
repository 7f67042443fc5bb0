package archtest

import (
	"go/ast"
	"strings"
	"testing"
)

func TestEveryPackageSaysOnceWhatItIs(t *testing.T) {
	t.Parallel()
	said := map[string][]string{} // in which files, by folder
	for _, f := range files(t, shipped) {
		said[f.folder] = append(said[f.folder], sayings(f)...)
		if f.syntax.Doc == nil {
			continue
		}
		want := "Package " + f.syntax.Name.Name + " "
		if f.syntax.Name.Name == "main" {
			want = "Command "
		}
		if text := f.syntax.Doc.Text(); !strings.HasPrefix(text, want) {
			t.Errorf("%s: the package comment begins with %.30q, want %q", f.path, text, want)
		}
	}
	for folder, in := range said {
		if len(in) != 1 {
			t.Errorf("%s: what the package is, is said in %d files %v, want one", folder, len(in), in)
		}
	}
}

// sayings is the file itself when it says what its package is.
func sayings(f file) []string {
	if f.syntax.Doc == nil {
		return nil
	}
	return []string{f.path}
}

// mostLines is what one can still read in one go. The aim is 300.
const mostLines = 400

// longFiles may be longer, for a reason.
var longFiles = map[string]string{}

func TestFilesAreShort(t *testing.T) {
	t.Parallel()
	for _, f := range files(t, func(file) bool { return true }) {
		if f.lines > mostLines && longFiles[f.path] == "" {
			t.Errorf("%s has %d lines, more than %d: split it, it is about several things", f.path, f.lines, mostLines)
		}
	}
}

// Nothing registers itself: what runs is in daemon/wire.go.
func TestNothingRunsByBeingImported(t *testing.T) {
	t.Parallel()
	for _, f := range files(t, shipped) {
		for _, d := range f.syntax.Decls {
			if fn, ok := d.(*ast.FuncDecl); ok && fn.Recv == nil && fn.Name.Name == "init" {
				t.Errorf("%s has an init function", f.path)
			}
		}
	}
}

// Waiting is a queue.Result.
func TestNobodySleeps(t *testing.T) {
	t.Parallel()
	for _, f := range files(t, shipped) {
		for _, call := range f.calls() {
			if call == "time.Sleep" {
				t.Errorf("%s sleeps: waiting is a queue.Result, or a select with a context", f.path)
			}
		}
	}
}

// A daemon logs; a command writes to the streams that it was given.
func TestNobodyPrints(t *testing.T) {
	t.Parallel()
	for _, f := range files(t, func(f file) bool { return shipped(f) && !under(f.folder, "daemon/certwright") }) {
		for _, call := range f.calls() {
			switch call {
			case "fmt.Print", "fmt.Printf", "fmt.Println", "os.Stdout", "os.Stderr", "log.Print", "log.Printf", "log.Println":
				t.Errorf("%s: %s", f.path, call)
			}
		}
		ast.Inspect(f.syntax, func(n ast.Node) bool {
			if c, ok := n.(*ast.CallExpr); ok {
				if name, ok := c.Fun.(*ast.Ident); ok && (name.Name == "print" || name.Name == "println") {
					t.Errorf("%s calls %s", f.path, name.Name)
				}
			}
			return true
		})
	}
}

// The names that say nothing.
func TestNamesOfPackages(t *testing.T) {
	t.Parallel()
	for _, f := range files(t, func(file) bool { return true }) {
		switch name := strings.TrimSuffix(f.syntax.Name.Name, "_test"); name {
		case "util", "utils", "common", "helper", "helpers", "manager", "base", "misc", "shared", "types":
			t.Errorf("%s is of a package %s: call it after the thing it is", f.path, name)
		}
	}
}
