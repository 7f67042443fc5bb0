package archtest

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
)

const module = "github.com/certwright/certwright"

// file is one Go file of the product.
type file struct {
	path    string // from the module's root: queue/key.go
	folder  string // queue
	test    bool
	lines   int
	imports map[string]string // import path, by the name it has in the file
	syntax  *ast.File
}

// product reads all Go files of the module once. Folders with a go.mod of their
// own are other modules: those under test.
var product = sync.OnceValues(func() ([]file, error) {
	const root = "../.."
	var all []file
	err := filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && name != root && isElsewhere(name, d.Name()):
			return filepath.SkipDir
		case d.IsDir() || filepath.Ext(name) != ".go":
			return nil
		}
		rel, err := filepath.Rel(root, name)
		if err != nil {
			return err
		}
		f, err := read(name, filepath.ToSlash(rel))
		all = append(all, f)
		return err
	})
	return all, err
})

func isElsewhere(dir, name string) bool {
	_, err := os.Stat(filepath.Join(dir, "go.mod"))
	return err == nil || strings.HasPrefix(name, ".") || name == "bin" || name == "testdata"
}

func read(name, rel string) (file, error) {
	src, err := os.ReadFile(name)
	if err != nil {
		return file{}, err
	}
	syntax, err := parser.ParseFile(token.NewFileSet(), rel, src, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return file{}, err
	}
	f := file{
		path: rel, folder: path.Dir(rel), test: strings.HasSuffix(rel, "_test.go"),
		lines: strings.Count(string(src), "\n"), imports: map[string]string{}, syntax: syntax}
	for _, spec := range syntax.Imports {
		target, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			return file{}, err
		}
		f.imports[nameOf(spec, target)] = target
	}
	return f, nil
}

// nameOf guesses the name of a package without one of its own from its path.
func nameOf(spec *ast.ImportSpec, target string) string {
	if spec.Name != nil && spec.Name.Name != "_" {
		return spec.Name.Name
	}
	return path.Base(target)
}

// files gives those files of the product that a test is about.
func files(t *testing.T, about func(file) bool) []file {
	t.Helper()
	all, err := product()
	if err != nil {
		t.Fatal(err)
	}
	var chosen []file
	for _, f := range all {
		if about(f) {
			chosen = append(chosen, f)
		}
	}
	if len(chosen) == 0 {
		t.Fatal("no file of the product was found: this test would hold nothing")
	}
	return chosen
}

func shipped(f file) bool { return !f.test }

// under reports whether a path is one of these or lies below one of them.
func under(p string, roots ...string) bool {
	for _, root := range roots {
		if p == root || strings.HasPrefix(p, root+"/") {
			return true
		}
	}
	return false
}

// calls gives the functions of other packages that a file names, such as
// "time.Sleep", whatever the package is called in the file.
func (f file) calls() []string {
	var found []string
	ast.Inspect(f.syntax, func(n ast.Node) bool {
		s, ok := n.(*ast.SelectorExpr)
		if !ok {
			return true
		}
		if x, ok := s.X.(*ast.Ident); ok && f.imports[x.Name] != "" {
			found = append(found, f.imports[x.Name]+"."+s.Sel.Name)
		}
		return true
	})
	return found
}
