package status

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/certwright/certwright/daemon/certwright/page"
	"github.com/certwright/certwright/internal/verdict"
)

// Screen lays out what a terminal shows of a live list. Width and Height are in
// characters; Offset is how many of the lines that scroll are above it.
type Screen struct {
	Width, Height, Offset int
	Color, Namespaces     bool
	Note                  string // told above all else
}

// Urgent orders reports as they should be looked at.
func Urgent(reports []Report) {
	slices.SortFunc(reports, func(a, b Report) int {
		return cmp.Or(cmp.Compare(a.State, b.State), strings.Compare(a.Namespace, b.Namespace), strings.Compare(a.Name, b.Name))
	})
}

// List is the screen of a list: its sum, a header, the rows, and a line at the
// bottom. The offset comes back as far as there are rows to scroll to.
func (s Screen) List(reports []Report, now time.Time) (lines []string, offset int) {
	header, rows := s.rows(reports, now)
	top := append(s.above(sum(reports), now), s.cut(header))
	if len(reports) == 0 {
		rows = []string{"No Certificates found: each one is shown as soon as it is created."}
	}
	return s.scroll(top, rows, func(i int) string {
		if i < len(reports) {
			return s.paint(s.cut(rows[i]), reports[i].State)
		}
		return s.cut(rows[i])
	})
}

// Page is the screen of a text of many lines.
func (s Screen) Page(text string, now time.Time) (lines []string, offset int) {
	rows := strings.Split(strings.TrimRight(text, "\n"), "\n")
	return s.scroll(s.above("", now), rows, func(i int) string { return s.cut(rows[i]) })
}

func (s Screen) above(sum string, now time.Time) []string {
	top := []string{s.cut(strings.TrimSpace(now.UTC().Format("15:04:05 UTC") + "  " + sum))}
	if s.Note != "" {
		note := s.cut(page.Clean(s.Note))
		if s.Color {
			note = "\x1b[1;31m" + note + "\x1b[0m"
		}
		top = append(top, note)
	}
	return append(top, "")
}

// scroll shows as many rows as there is room for, and says where one is.
func (s Screen) scroll(top, rows []string, show func(int) string) ([]string, int) {
	room := max(s.Height-len(top)-1, 1)
	offset := max(0, min(s.Offset, len(rows)-room))
	end := min(offset+room, len(rows))
	lines := top
	for i := offset; i < end; i++ {
		lines = append(lines, show(i))
	}
	foot := "q quits"
	if len(rows) > room {
		foot = fmt.Sprintf("%d-%d of %d  arrows, Page Up and Page Down scroll  %s", offset+1, end, len(rows), foot)
	}
	lines = append(lines, s.cut(foot))
	return lines[:min(len(lines), max(s.Height, 1))], offset
}

// sum counts the states.
func sum(reports []Report) string {
	counts := map[verdict.State]int{}
	for _, r := range reports {
		counts[r.State]++
	}
	parts := []string{fmt.Sprintf("%d Certificates", len(reports))}
	for _, state := range verdict.States() {
		if counts[state] > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", counts[state], state))
		}
	}
	return strings.Join(parts, ", ")
}

// rows aligns the columns over all rows, so that they stay where they are while
// one scrolls.
func (s Screen) rows(reports []Report, now time.Time) (header string, rows []string) {
	table := [][]string{{"STATE", "NAME", "ISSUER", "EXPIRES", "RENEWS", "WAITING FOR"}}
	for _, r := range reports {
		name := r.Name
		if s.Namespaces {
			name = r.Namespace + "/" + name
		}
		table = append(table, []string{r.State.String(), name, r.Issuer.String(), column(r.NotAfter, now), column(r.RenewalTime, now), cmp.Or(r.WaitingFor, r.Because)})
	}
	aligned := align(table)
	return aligned[0], aligned[1:]
}

// widest is how wide a column may be that is not the last.
const widest = 48

func align(table [][]string) []string {
	width := make([]int, len(table[0]))
	for _, row := range table {
		for i := range row {
			row[i] = shorten(page.Clean(cmp.Or(row[i], "-")), widestAt(i, len(row)))
			width[i] = max(width[i], utf8.RuneCountInString(row[i]))
		}
	}
	lines := make([]string, len(table))
	for n, row := range table {
		var b strings.Builder
		for i, cell := range row {
			b.WriteString(cell)
			if i < len(row)-1 {
				b.WriteString(strings.Repeat(" ", width[i]-utf8.RuneCountInString(cell)+2))
			}
		}
		lines[n] = b.String()
	}
	return lines
}

func widestAt(i, columns int) int {
	if i == columns-1 {
		return 1000 // the screen cuts it
	}
	return widest
}

func (s Screen) cut(line string) string { return shorten(line, s.Width) }

// shorten cuts a text to a number of characters, and shows that it did.
func shorten(text string, width int) string {
	if width <= 0 || utf8.RuneCountInString(text) <= width {
		return text
	}
	runes := []rune(text)
	return string(runes[:width-1]) + "…"
}

// paint colours the state, which is the first word of a row.
func (s Screen) paint(row string, state verdict.State) string {
	code := map[verdict.State]string{verdict.Expired: "1;31", verdict.Failed: "31", verdict.Stuck: "33", verdict.Waiting: "33",
		verdict.Renewing: "36", verdict.Deleting: "36", verdict.Ready: "32"}[state]
	word := state.String()
	if !s.Color || code == "" || !strings.HasPrefix(row, word) {
		return row
	}
	return "\x1b[" + code + "m" + word + "\x1b[0m" + strings.TrimPrefix(row, word)
}
