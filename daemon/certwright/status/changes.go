package status

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/certwright/certwright/daemon/certwright/page"
)

// Change is what a watch tells of one Certificate where nobody sits at a screen.
type Change struct {
	Time    time.Time `json:"time"`
	Deleted bool      `json:"deleted,omitempty"`
	Report
}

// Changes remembers what was told of each Certificate. The zero value has told
// nothing.
type Changes struct{ told map[string]Report }

// Since tells what differs from the time before, and remembers it. That a time
// comes nearer is no difference.
func (c *Changes) Since(reports []Report, now time.Time) []Change {
	var changes []Change
	next := map[string]Report{}
	for _, r := range reports {
		k := r.Namespace + "/" + r.Name
		next[k] = r
		if before, ok := c.told[k]; !ok || gist(before) != gist(r) {
			changes = append(changes, Change{Time: now.UTC(), Report: r})
		}
	}
	for k, r := range c.told {
		if _, ok := next[k]; !ok {
			changes = append(changes, Change{Time: now.UTC(), Deleted: true, Report: Report{Namespace: r.Namespace, Name: r.Name, SecretName: r.SecretName, Issuer: r.Issuer, State: r.State}})
		}
	}
	c.told = next
	slices.SortStableFunc(changes, func(a, b Change) int {
		return strings.Compare(a.Namespace+"/"+a.Name, b.Namespace+"/"+b.Name)
	})
	return changes
}

// gist is what counts of a report.
func gist(r Report) string {
	waiting := r.WaitingFor
	if r.LastFailure != nil {
		waiting, _, _ = strings.Cut(waiting, ", ") // the rest is how long from now
	}
	text := fmt.Sprint(r.State, waiting, r.NotAfter, r.LastFailure)
	if r.Revision != nil {
		text += fmt.Sprint(*r.Revision)
	}
	return text
}

// Line is a change in one line.
func (c Change) Line() string {
	head := fmt.Sprintf("%s  %s/%s  ", c.Time.Format(time.RFC3339), c.Namespace, c.Name)
	switch {
	case c.Deleted:
		return head + "deleted"
	case c.WaitingFor != "":
		return page.Clean(fmt.Sprintf("%s%s  waits for %s", head, c.State, c.WaitingFor))
	case c.Because != "":
		return page.Clean(fmt.Sprintf("%s%s  %s", head, c.State, c.Because))
	case c.NotAfter != nil:
		return page.Clean(fmt.Sprintf("%s%s  expires %s", head, c.State, c.NotAfter.Format(time.RFC3339)))
	default:
		return page.Clean(head + c.State.String())
	}
}
