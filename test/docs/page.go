package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/text"
)

// page is one Markdown file.
type page struct {
	// path is relative to the repository; name is its short name.
	path, name string
	needs      []string
	blocks     []block
	links      []link
	anchors    map[string]bool
	// code is every span and block of code, to be searched for names.
	code []snippet
}

type block struct {
	line     int // of the first line within the fence
	language string
	info     map[string]string
	text     string
}

type link struct {
	line int
	to   string
}

type snippet struct {
	line     int
	language string // "" for a span
	text     string
}

// wants tells whether the page asked for something beforehand.
func (p *page) wants(word string) bool { return slices.Contains(p.needs, word) }

var needsComment = regexp.MustCompile(`\A<!-- needs: ([a-z ]+) -->`)

func readPage(root, path string) (*page, error) {
	source, err := os.ReadFile(filepath.Join(root, path))
	if err != nil {
		return nil, err
	}
	p := &page{path: path, name: strings.ToLower(strings.TrimSuffix(filepath.Base(path), ".md")), anchors: map[string]bool{}}
	if filepath.Dir(path) != "docs" {
		p.name = path
	}
	if said := needsComment.FindSubmatch(source); said != nil {
		p.needs = strings.Fields(string(said[1]))
	}
	for _, need := range p.needs {
		if !slices.Contains([]string{"bare", "acme", "vault", "gateway"}, need) {
			return nil, fmt.Errorf("%s: nobody knows how to provide %q", path, need)
		}
	}
	for _, m := range htmlAnchor.FindAllSubmatch(source, -1) {
		p.anchors[string(m[1])] = true
	}
	root2 := goldmark.New(goldmark.WithExtensions(extension.GFM)).Parser().Parse(text.NewReader(source))
	return p, ast.Walk(root2, p.visit(source))
}

var htmlAnchor = regexp.MustCompile(`<a (?:id|name)="([^"]+)"`)

func (p *page) visit(source []byte) ast.Walker {
	return func(node ast.Node, entering bool) (ast.WalkStatus, error) {
		if !entering {
			return ast.WalkContinue, nil
		}
		switch n := node.(type) {
		case *ast.FencedCodeBlock:
			return ast.WalkContinue, p.fenced(n, source)
		case *ast.CodeBlock:
			return ast.WalkStop, fmt.Errorf("%s:%d: a block of code by indentation; give it a fence and a language", p.path, lineOf(n, source))
		case *ast.CodeSpan:
			p.code = append(p.code, snippet{line: lineOf(n, source), text: textOf(n, source)})
		case *ast.Heading:
			p.anchor(textOf(n, source))
		case *ast.Link:
			p.links = append(p.links, link{lineOf(n, source), string(n.Destination)})
		case *ast.Image:
			p.links = append(p.links, link{lineOf(n, source), string(n.Destination)})
		}
		return ast.WalkContinue, nil
	}
}

func (p *page) fenced(n *ast.FencedCodeBlock, source []byte) error {
	b := block{line: 1, info: map[string]string{}}
	if n.Lines().Len() > 0 {
		b.line = lineAt(source, n.Lines().At(0).Start)
	}
	for i := range n.Lines().Len() {
		segment := n.Lines().At(i)
		b.text += string(segment.Value(source))
	}
	words := ""
	if n.Info != nil {
		words = string(n.Info.Segment.Value(source))
	}
	b.language, words, _ = strings.Cut(strings.TrimSpace(words), " ")
	for _, m := range infoWord.FindAllStringSubmatch(words, -1) {
		b.info[m[1]] = strings.Trim(m[2], `"`)
	}
	if !slices.Contains([]string{"sh", "yaml", "text"}, b.language) {
		return fmt.Errorf("%s:%d: a block of language %q; it is sh, yaml or text", p.path, b.line, b.language)
	}
	p.blocks = append(p.blocks, b)
	p.code = append(p.code, snippet{line: b.line, language: b.language, text: b.text})
	return nil
}

var infoWord = regexp.MustCompile(`([a-z-]+)=("[^"]*"|\S+)`)

var notInAnchors = regexp.MustCompile(`[^\p{L}\p{N}_ -]`)

// anchor adds a heading, with the name that GitHub gives it.
func (p *page) anchor(heading string) {
	name := strings.ReplaceAll(notInAnchors.ReplaceAllString(strings.ToLower(heading), ""), " ", "-")
	unique := name
	for i := 1; p.anchors[unique]; i++ {
		unique = fmt.Sprintf("%s-%d", name, i)
	}
	p.anchors[unique] = true
}

func textOf(node ast.Node, source []byte) string {
	var out strings.Builder
	_ = ast.Walk(node, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		if t, is := n.(*ast.Text); is && entering {
			out.Write(t.Segment.Value(source))
			if t.SoftLineBreak() {
				out.WriteByte(' ')
			}
		}
		return ast.WalkContinue, nil
	})
	return out.String()
}

// lineOf is the line of the first text in a node, or of the block around it.
func lineOf(node ast.Node, source []byte) int {
	at := -1
	_ = ast.Walk(node, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		if t, is := n.(*ast.Text); is && entering && at < 0 {
			at = t.Segment.Start
		}
		return ast.WalkContinue, nil
	})
	for n := node; at < 0 && n != nil; n = n.Parent() {
		if n.Type() == ast.TypeBlock && n.Lines().Len() > 0 {
			at = n.Lines().At(0).Start
		}
	}
	return lineAt(source, max(at, 0))
}

func lineAt(source []byte, at int) int { return 1 + strings.Count(string(source[:at]), "\n") }
