package main

import (
	"fmt"
	"strings"

	"mvdan.cc/sh/v3/syntax"
)

// step is one thing that a page has its reader do.
type step struct {
	line int
	kind kind
	// text is the command, the manifest or the file's content.
	text string
	// file is the name of a file to write.
	file string
	// why says why a step is not run.
	why string
}

type kind int

const (
	command  kind = iota // by the page's shell
	manifest             // kubectl apply --server-side
	file                 // written for later
	notRun
)

// steps takes a page apart: each statement of a script and each manifest alone,
// so that a failure names its line and the count means something.
func (p *page) steps() (all []step, err error) {
	for _, b := range p.blocks {
		var some []step
		switch b.language {
		case "sh":
			some, err = commands(b)
		case "yaml":
			some = manifests(b)
		}
		if err != nil {
			return nil, fmt.Errorf("%s:%d: %w", p.path, b.line, err)
		}
		all = append(all, some...)
	}
	return all, nil
}

func commands(b block) (all []step, err error) {
	script, err := syntax.NewParser(syntax.Variant(syntax.LangBash)).Parse(strings.NewReader(b.text), "")
	if err != nil {
		return nil, err
	}
	for _, s := range script.Stmts {
		next := step{line: b.line + int(s.Pos().Line()) - 1, kind: command, text: source(b.text, s), why: b.info["not-run"]}
		if next.why != "" {
			next.kind = notRun
		} else if foregroundDaemon(s) {
			next.text += " &"
		}
		all = append(all, next)
	}
	return all, nil
}

// source is a statement as the page has it, with its here documents.
func source(text string, s *syntax.Stmt) string {
	end := s.End().Offset()
	for _, r := range s.Redirs {
		if r.Hdoc != nil {
			end = max(end, r.Hdoc.End().Offset())
		}
	}
	syntax.Walk(s, func(n syntax.Node) bool {
		if r, is := n.(*syntax.Redirect); is && r.Hdoc != nil {
			// Its end is before the closing word, which stands on a line of its own.
			rest := text[r.Hdoc.End().Offset():]
			if i := strings.IndexByte(rest, '\n'); i >= 0 {
				end = max(end, r.Hdoc.End().Offset()+uint(i))
			} else {
				end = uint(len(text))
			}
		}
		return true
	})
	return text[s.Pos().Offset():min(end, uint(len(text)))]
}

// foregroundDaemon tells a `certwright run` that nobody sent to the background.
func foregroundDaemon(s *syntax.Stmt) bool {
	call, is := s.Cmd.(*syntax.CallExpr)
	return is && !s.Background && len(call.Args) > 1 && call.Args[0].Lit() == "certwright" && call.Args[1].Lit() == "run" &&
		!strings.Contains(fmt.Sprint(literals(call)), "--help")
}

func literals(call *syntax.CallExpr) (words []string) {
	for _, a := range call.Args {
		words = append(words, a.Lit())
	}
	return words
}

// manifests takes the documents of a block apart.
func manifests(b block) (all []step) {
	if why := b.info["not-run"]; why != "" {
		return []step{{line: b.line, kind: notRun, why: why}}
	}
	if name := b.info["file"]; name != "" {
		return []step{{line: b.line, kind: file, file: name, text: b.text}}
	}
	line := b.line
	for document := range strings.SplitSeq("\n"+b.text, "\n---") {
		if strings.TrimSpace(document) != "" {
			all = append(all, step{line: line, kind: manifest, text: document})
		}
		line += strings.Count(document, "\n") + 1
	}
	return all
}
