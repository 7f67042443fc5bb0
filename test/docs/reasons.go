package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// word is what a reason looks like.
var word = regexp.MustCompile(`^[A-Z][A-Za-z]+$`)

// named is how constants are called that are reasons.
var named = regexp.MustCompile(`^([rR]eason|event)[A-Z]?`)

// telling are the functions and types of the handlers by which a reason reaches a
// condition or an event.
var telling = []string{
	"Event", "Eventf", "Refuse", "Wait", "Hold", "Fail", "Tell", "Readiness", "early", "finding", "warning", "normal", "failed", "say", "sayWith", "blocked",
}

// reasons are all reasons of conditions and events that the handlers can give.
func reasons(root string) (map[string]bool, error) {
	// Those of a request's Ready condition are constants of the API.
	found := map[string]bool{"Pending": true, "Issued": true, "Failed": true, "Denied": true}
	err := filepath.WalkDir(filepath.Join(root, "handlers"), func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") ||
			strings.Contains(path, "handlertest") || strings.Contains(path, "dns01") || strings.Contains(path, "venafitest") {
			return err
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
		if err != nil {
			return err
		}
		ast.Inspect(file, func(n ast.Node) bool {
			for _, said := range reasonsOf(n) {
				found[said] = true
			}
			return true
		})
		return nil
	})
	return found, err
}

// reasonsOf are the reasons that a piece of code names itself: a constant that is
// called one, or the words of a call or value that tells.
func reasonsOf(n ast.Node) (all []string) {
	switch n := n.(type) {
	case *ast.ValueSpec:
		for i, name := range n.Names {
			if i < len(n.Values) && named.MatchString(name.Name) {
				all = append(all, literal(n.Values[i]))
			}
		}
	case *ast.FuncDecl:
		if strings.HasPrefix(n.Name.Name, "reason") {
			all = append(all, returned(n.Body)...)
		}
	case *ast.CallExpr:
		if slices.Contains(telling, nameOf(n.Fun)) {
			for _, arg := range n.Args {
				all = append(all, literal(arg))
			}
		}
	case *ast.CompositeLit:
		if list, is := n.Type.(*ast.ArrayType); is && slices.Contains(telling, nameOf(list.Elt)) {
			for _, e := range n.Elts {
				if one, is := e.(*ast.CompositeLit); is {
					all = append(all, first(one.Elts)...)
				}
			}
		}
		if slices.Contains(telling, nameOf(n.Type)) {
			all = append(all, first(n.Elts)...)
		}
	}
	return slices.DeleteFunc(all, func(s string) bool { return !word.MatchString(s) })
}

// returned are the words that a function answers with.
func returned(body ast.Node) (all []string) {
	ast.Inspect(body, func(n ast.Node) bool {
		if r, is := n.(*ast.ReturnStmt); is && len(r.Results) == 1 {
			all = append(all, literal(r.Results[0]))
		}
		return true
	})
	return all
}

// first are the words of a value that is not a sentence: those that stand alone.
func first(elements []ast.Expr) (all []string) {
	for _, e := range elements {
		if pair, is := e.(*ast.KeyValueExpr); is {
			if key, is := pair.Key.(*ast.Ident); is && (key.Name == "Reason" || key.Name == "Event") {
				all = append(all, literal(pair.Value))
			}
			continue
		}
		all = append(all, literal(e))
	}
	return all
}

func literal(e ast.Expr) string {
	if l, is := e.(*ast.BasicLit); is && l.Kind == token.STRING {
		text, _ := strconv.Unquote(l.Value) // the parser has read it
		return text
	}
	return ""
}

func nameOf(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.Ident:
		return e.Name
	case *ast.SelectorExpr:
		return e.Sel.Name
	}
	return ""
}

// troubles is the page of all messages.
const troubles = "docs/troubleshooting.md"

// reasonFaults holds the page on troubleshooting against the code: each reason is
// there, in code, and none that is not in the code.
func reasonFaults(root string) (wrong []string) {
	text, err := os.ReadFile(filepath.Join(root, troubles))
	if err != nil {
		return []string{err.Error()}
	}
	known, err := reasons(root)
	if err != nil {
		return []string{err.Error()}
	}
	told := map[string]bool{}
	for line := range strings.Lines(string(text)) {
		if !strings.HasPrefix(line, "| `") {
			continue
		}
		cell, _, _ := strings.Cut(line[1:], "|")
		for _, m := range inCell.FindAllStringSubmatch(cell, -1) {
			told[m[1]] = true
			if !known[m[1]] {
				wrong = append(wrong, troubles+": no handler gives the reason "+m[1])
			}
		}
	}
	for reason := range known {
		if !told[reason] {
			wrong = append(wrong, troubles+": it lacks the reason "+reason)
		}
	}
	slices.Sort(wrong)
	return wrong
}

var inCell = regexp.MustCompile("`([A-Z][A-Za-z]+)`")
