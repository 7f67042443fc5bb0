package main

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
)

// check holds what pages refer to against what there is: other pages and their
// headings, options, commands, metrics, annotations.
func check(ctx context.Context, tools *tools, pages, chosen []*page) (wrong []string) {
	wrong = links(tools.root, pages, chosen)
	known, err := gather(ctx, tools)
	if err != nil {
		return append(wrong, err.Error())
	}
	for _, p := range chosen {
		wrong = append(wrong, known.faults(p)...)
		if p.path == troubles {
			wrong = append(wrong, reasonFaults(tools.root)...)
		}
	}
	return wrong
}

// links are the faults of links within the repository.
func links(root string, pages, chosen []*page) (wrong []string) {
	anchors := map[string]map[string]bool{}
	for _, p := range pages {
		anchors[p.path] = p.anchors
	}
	for _, p := range chosen {
		for _, l := range p.links {
			if fault := linkFault(root, p, l, anchors); fault != "" {
				wrong = append(wrong, fmt.Sprintf("%s:%d: the link %s: %s", p.path, l.line, l.to, fault))
			}
		}
	}
	return wrong
}

// linkFault is what is wrong with a link within the repository.
func linkFault(root string, p *page, l link, anchors map[string]map[string]bool) string {
	to, err := url.Parse(l.to)
	if err != nil {
		return err.Error()
	}
	if to.Scheme != "" {
		return "" // another's pages are not asked
	}
	path := p.path
	if to.Path != "" {
		path = filepath.Join(filepath.Dir(p.path), to.Path)
	}
	if _, err := os.Stat(filepath.Join(root, path)); err != nil {
		return "there is no such file"
	}
	if to.Fragment == "" || !strings.HasSuffix(path, ".md") {
		return ""
	}
	headings, read := anchors[path]
	if !read {
		other, err := readPage(root, path)
		if err != nil {
			return err.Error()
		}
		headings = other.anchors
	}
	if !headings[to.Fragment] {
		return "the page has no such heading"
	}
	return ""
}
