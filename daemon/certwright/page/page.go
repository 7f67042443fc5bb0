// Package page lays out what the commands show on a terminal: sections of
// aligned fields, tables, and times as people say them.
//
// Much of what is shown was written by others (messages in a status, names in
// a certificate), so that every text is cleaned of control characters on its
// way through: a terminal obeys them.
package page

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"unicode"
)

// Page collects sections. The zero value is an empty page.
type Page struct{ b strings.Builder }

// labelWidth is the longest label in use, so that all sections align.
const labelWidth = 12

// Section begins a section with its title.
func (p *Page) Section(title string) {
	if p.b.Len() > 0 {
		p.b.WriteByte('\n')
	}
	p.b.WriteString(Clean(title) + "\n")
}

// Field adds a labelled line; further lines of the text are set under the
// first. An empty text adds nothing.
func (p *Page) Field(label, text string) {
	for line := range strings.SplitSeq(strings.TrimSpace(text), "\n") {
		if line != "" {
			fmt.Fprintf(&p.b, "  %-*s %s\n", labelWidth, label, Clean(line))
		}
		label = ""
	}
}

// Line adds an indented line without a label.
func (p *Page) Line(text string) { p.b.WriteString("  " + Clean(text) + "\n") }

// WriteTo writes the page.
func (p *Page) WriteTo(w io.Writer) (int64, error) {
	n, err := io.WriteString(w, p.b.String())
	return int64(n), err
}

// Table writes rows under a header, in columns as wide as they need. An empty
// cell is shown as "-", so that columns can be told apart by position.
func Table(w io.Writer, header []string, rows [][]string) error {
	t := tabwriter.NewWriter(w, 0, 8, 3, ' ', 0)
	for _, row := range append([][]string{header}, rows...) {
		cells := make([]string, len(row))
		for i, cell := range row {
			if cells[i] = Clean(cell); cell == "" {
				cells[i] = "-"
			}
		}
		if _, err := fmt.Fprintln(t, strings.Join(cells, "\t")); err != nil {
			return err
		}
	}
	return t.Flush()
}

// Clean makes one harmless line of a text.
func Clean(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t' || r == '\r':
			return ' '
		case unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r):
			return unicode.ReplacementChar
		}
		return r
	}, s)
}
