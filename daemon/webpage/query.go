package webpage

import (
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/certwright/certwright/internal/verdict"
)

// Query is what a visitor asks to see of the list. Whatever an address says,
// it is one of the values known here, or left out.
type Query struct {
	Text  string // words, each of which must be found
	State string // a state's word, attention, or empty for all
	Week  string // a day of the week in which it expires: 2006-01-02
	Sort  string // one of sorts
	Down  bool   // the greatest first
	Page  int    // from 1
	Size  int    // rows on a page: one of sizes
}

// attention stands for all states that need it.
const attention = "attention"

var (
	sorts = []string{"state", "name", "issuer", "expires", "renews"}
	sizes = []int{50, 100, 200}
)

// longestText is in bytes: what is searched for is looked for in all rows.
const longestText = 200

// parseQuery reads an address; what it cannot mean is left out.
func parseQuery(v url.Values) Query {
	q := Query{Text: strings.TrimSpace(v.Get("q")), Sort: sorts[0], Page: 1, Size: sizes[0], Down: v.Get("dir") == "desc"}
	if len(q.Text) > longestText {
		q.Text = strings.ToValidUTF8(q.Text[:longestText], "")
	}
	if s := v.Get("state"); s == attention || knownState(s) {
		q.State = s
	}
	if day, err := time.Parse(time.DateOnly, v.Get("week")); err == nil {
		q.Week = weekOf(day).Format(time.DateOnly)
	}
	if s := v.Get("sort"); slices.Contains(sorts, s) {
		q.Sort = s
	}
	if n, err := strconv.Atoi(v.Get("page")); err == nil && n > 1 {
		q.Page = n
	}
	if n, err := strconv.Atoi(v.Get("size")); err == nil && slices.Contains(sizes, n) {
		q.Size = n
	}
	return q
}

func knownState(word string) bool {
	return slices.ContainsFunc(verdict.States(), func(s verdict.State) bool { return s.String() == word })
}

// link is the address of the list with this query, without what is the default.
func (q Query) link() string {
	v := url.Values{}
	set := func(key, value, standard string) {
		if value != standard {
			v.Set(key, value)
		}
	}
	set("q", q.Text, "")
	set("state", q.State, "")
	set("week", q.Week, "")
	set("sort", q.Sort, sorts[0])
	set("page", strconv.Itoa(max(q.Page, 1)), "1")
	set("size", strconv.Itoa(q.Size), strconv.Itoa(sizes[0]))
	if q.Down {
		v.Set("dir", "desc")
	}
	if len(v) == 0 {
		return "./"
	}
	return "./?" + v.Encode()
}

// Link is the address of this very list.
func (q Query) Link() string { return q.link() }

// WithPage is the address of another page of it.
func (q Query) WithPage(n int) string { q.Page = n; return q.link() }

// WithState is the address of all in a state, and of nothing else.
func (q Query) WithState(state string) string {
	return Query{State: state, Sort: q.Sort, Down: q.Down, Size: q.Size}.link()
}

// WithWeek is the address of what expires in a week.
func (q Query) WithWeek(week string) string {
	return Query{Week: week, Sort: "expires", Size: q.Size}.link()
}

// SortBy is the address of the list sorted so; sorted so already, the other way.
func (q Query) SortBy(by string) string {
	q.Down = q.Sort == by && !q.Down
	q.Sort, q.Page = by, 1
	return q.link()
}

// AriaSort is the attribute of a column's header.
func (q Query) AriaSort(by string) string {
	switch {
	case q.Sort != by:
		return "none"
	case q.Down:
		return "descending"
	default:
		return "ascending"
	}
}

// Filtered reports whether some may be left out.
func (q Query) Filtered() bool { return q.Text != "" || q.State != "" || q.Week != "" }
