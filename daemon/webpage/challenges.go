package webpage

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/certwright/certwright/internal/api"

	cmacme "github.com/cert-manager/cert-manager/pkg/apis/acme/v1"
)

// Challenges is how their places are taken.
type Challenges struct {
	Places  int `json:"places"`
	AtWork  int `json:"atWork"`
	Waiting int `json:"waiting"`
	// Reasons are why those without an end are not done yet, the most frequent
	// first; what is said of different names counts as the same.
	Reasons []Reason         `json:"reasons,omitempty"`
	Listed  []ChallengeEntry `json:"challenges"`
}

// Reason is why challenges are not done yet.
type Reason struct {
	Text    string `json:"text"`
	AtWork  int    `json:"atWork"`
	Waiting int    `json:"waiting"`
}

// ChallengeEntry is a Challenge as it is shown.
type ChallengeEntry struct {
	Namespace string    `json:"namespace"`
	Name      string    `json:"name"`
	DNSName   string    `json:"dnsName"`
	Type      string    `json:"type"`
	Issuer    string    `json:"issuer"`
	State     string    `json:"state"`
	AtWork    bool      `json:"atWork"`
	Presented bool      `json:"presented"`
	Reason    string    `json:"reason,omitempty"`
	Created   time.Time `json:"created"`
}

const (
	noReason    = "no reason is given"
	aTurn       = "waits for its turn"
	mostReasons = 20
)

// challengesOf sums up all Challenges without an end; the oldest at work first.
func challengesOf(all []*cmacme.Challenge, places int) Challenges {
	c := Challenges{Places: places, Listed: []ChallengeEntry{}}
	reasons := map[string]*Reason{}
	for _, ch := range all {
		if api.ACMEFinal(ch.Status.State) && !ch.Status.Processing || ch.DeletionTimestamp != nil && !ch.Status.Processing {
			continue
		}
		text := reasonOf(ch)
		if reasons[text] == nil {
			reasons[text] = &Reason{Text: text}
		}
		if ch.Status.Processing {
			c.AtWork++
			reasons[text].AtWork++
		} else {
			c.Waiting++
			reasons[text].Waiting++
		}
		c.Listed = append(c.Listed, challengeEntry(ch))
	}
	slices.SortFunc(c.Listed, func(a, b ChallengeEntry) int {
		if a.AtWork != b.AtWork {
			return map[bool]int{true: -1, false: 1}[a.AtWork]
		}
		return cmp.Or(a.Created.Compare(b.Created), strings.Compare(a.Namespace, b.Namespace), strings.Compare(a.Name, b.Name))
	})
	c.Reasons = ranked(reasons)
	return c
}

// ranked puts the most frequent reasons first, and the rest together.
func ranked(reasons map[string]*Reason) []Reason {
	var all []Reason
	for _, r := range reasons {
		all = append(all, *r)
	}
	slices.SortFunc(all, func(a, b Reason) int {
		return cmp.Or(cmp.Compare(b.AtWork+b.Waiting, a.AtWork+a.Waiting), strings.Compare(a.Text, b.Text))
	})
	if len(all) <= mostReasons {
		return all
	}
	rest := Reason{Text: "other reasons"}
	for _, r := range all[mostReasons:] {
		rest.AtWork += r.AtWork
		rest.Waiting += r.Waiting
	}
	return append(all[:mostReasons:mostReasons], rest)
}

func reasonOf(ch *cmacme.Challenge) string {
	if ch.Status.Reason == "" {
		if ch.Status.Processing {
			return noReason
		}
		return aTurn
	}
	return strings.ReplaceAll(ch.Status.Reason, ch.Spec.DNSName, "(name)")
}

func challengeEntry(ch *cmacme.Challenge) ChallengeEntry {
	return ChallengeEntry{
		Namespace: ch.Namespace, Name: ch.Name, DNSName: ch.Spec.DNSName, Type: string(ch.Spec.Type),
		Issuer: ch.Spec.IssuerRef.Name, State: cmp.Or(string(ch.Status.State), "new"),
		AtWork: ch.Status.Processing, Presented: ch.Status.Presented, Reason: ch.Status.Reason,
		Created: ch.CreationTimestamp.UTC(),
	}
}

// sortedChallenges sorts by name.
func sortedChallenges(all []*cmacme.Challenge) []*cmacme.Challenge {
	slices.SortFunc(all, func(a, b *cmacme.Challenge) int { return strings.Compare(a.Name, b.Name) })
	return all
}
