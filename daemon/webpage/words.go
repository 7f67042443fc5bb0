package webpage

import (
	"net/url"
	"strconv"
	"time"

	"github.com/certwright/certwright/internal/verdict"
	"github.com/certwright/certwright/internal/when"
)

// Moment is a time as it is shown: exactly, and from now.
type Moment struct{ ISO, Day, Relative string }

// at is a time as it is shown; nil or zero gives nothing.
func at(t *time.Time, now time.Time) *Moment {
	if t == nil || t.IsZero() {
		return nil
	}
	utc := t.UTC()
	return &Moment{utc.Format(time.RFC3339), utc.Format(time.DateOnly), when.Relative(utc, now)}
}

// count sets thousands apart.
func count(n int) string {
	s := strconv.Itoa(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

func plural(n int, one, many string) string {
	if n == 1 {
		return one
	}
	return many
}

// tone is the class of a state's badge.
func tone(s verdict.State) string {
	switch s {
	case verdict.Expired, verdict.Failed:
		return "bad"
	case verdict.Stuck, verdict.Waiting:
		return "warn"
	case verdict.Renewing, verdict.Deleting:
		return "info"
	default:
		return "good"
	}
}

var stateMeanings = map[verdict.State]string{
	verdict.Expired:  "what is in use is worth nothing any more",
	verdict.Failed:   "the last attempt failed",
	verdict.Stuck:    "valid, but cannot be renewed as things stand",
	verdict.Waiting:  "no certificate yet",
	verdict.Renewing: "valid, a newer one is being made",
	verdict.Deleting: "deleted, and still there",
	verdict.Ready:    "in order",
}

// address is that of a Certificate's own page.
func address(namespace, name string) string {
	return "certificate?" + url.Values{"namespace": {namespace}, "name": {name}}.Encode()
}

// Pager leads to the other pages of a list.
type Pager struct {
	Page, Pages int
	link        func(int) string
}

// Link is the address of a page.
func (p Pager) Link(n int) string { return p.link(n) }

// Near are the pages to offer: first, last, and those around the one shown; 0
// stands for a gap.
func (p Pager) Near() []int {
	var near []int
	for n := 1; n <= p.Pages; n++ {
		if n == 1 || n == p.Pages || n >= p.Page-1 && n <= p.Page+1 {
			near = append(near, n)
		} else if near[len(near)-1] != 0 {
			near = append(near, 0)
		}
	}
	return near
}

func pageLink(n int) string { return "?page=" + strconv.Itoa(n) }
