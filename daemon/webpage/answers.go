package webpage

import (
	"net/http"
	"strconv"
	"time"

	"github.com/certwright/certwright/internal/verdict"
)

// Overview is the list with what stands above it.
type Overview struct {
	Query    Query    `json:"-"`
	Tally    Tally    `json:"tally"`
	Calendar Calendar `json:"expiries"`
	Found    int      `json:"found"`
	Page     int      `json:"page"`
	Pages    int      `json:"pages"`
	Entries  []Entry  `json:"certificates"`
}

// From and To are the numbers of the first and last entry shown.
func (o Overview) From() int { return (o.Page-1)*o.Query.Size + 1 }

// To is the number of the last entry shown.
func (o Overview) To() int { return o.From() + len(o.Entries) - 1 }

// Paged is one page of a list.
type Paged[T any] struct {
	All     int `json:"all"`
	Page    int `json:"page"`
	Pages   int `json:"pages"`
	Entries []T `json:"entries"`
}

// listSize is how many rows the other lists show on a page.
const listSize = 100

func cut[T any](all []T, r *http.Request) Paged[T] {
	p := Paged[T]{All: len(all), Pages: max(1, (len(all)+listSize-1)/listSize)}
	n, _ := strconv.Atoi(r.URL.Query().Get("page")) // what is no number is the first
	p.Page = min(max(n, 1), p.Pages)
	from := (p.Page - 1) * listSize
	p.Entries = append([]T{}, all[from:min(from+listSize, len(all))]...)
	return p
}

// make makes the answer for a path.
func (h *Handler) make(r *http.Request, name string) (frame, int) {
	now, o := h.now(), h.options
	switch name {
	case "certificate":
		return h.one(r, now)
	case "issuers":
		return frame{View: name, Title: "Issuers", Body: issuersPage{cut(o.issuers(), r)}}, http.StatusOK
	case "challenges":
		c := challengesOf(o.Caches.Challenges(), o.Places)
		listed := cut(c.Listed, r)
		c.Listed = listed.Entries
		return frame{View: name, Title: "Challenges", Body: challengesPage{c, listed.Page, listed.Pages}}, http.StatusOK
	case "webhooks":
		return frame{View: name, Title: "Webhook certificates", Body: webhooksPage(o.sets(r.Context()))}, http.StatusOK
	case "replicas":
		return frame{View: name, Title: "Replicas", Body: replicasPage{h.options.Shards != nil, h.identity(), h.shards()}}, http.StatusOK
	default:
		return frame{View: "certificates", Title: "Certificates", Body: o.overview(parseQuery(r.URL.Query()), now)}, http.StatusOK
	}
}

func (o Options) overview(q Query, now time.Time) Overview {
	rows := o.survey(now)
	v := Overview{Query: q, Tally: tally(rows), Calendar: calendar(rows, now), Entries: []Entry{}}
	p := pick(rows, q)
	v.Found, v.Page, v.Pages = p.Found, p.Page, p.Pages
	v.Query.Page = p.Page
	for _, r := range p.Rows {
		v.Entries = append(v.Entries, entry(r))
	}
	return v
}

func (h *Handler) one(r *http.Request, now time.Time) (frame, int) {
	v := r.URL.Query()
	crt := h.options.Caches.Certificate(v.Get("namespace"), v.Get("name"))
	if crt == nil {
		return frame{View: "missing", Title: "Not found", Body: missing("There is no Certificate of this name in this namespace. It may have been deleted.")}, http.StatusNotFound
	}
	return frame{View: "certificate", Title: crt.Namespace + "/" + crt.Name, Body: h.options.story(crt, now)}, http.StatusOK
}

// StateCount is a state and how many are in it.
type StateCount struct {
	State verdict.State
	Count int
}

// Counts are the states that Certificates are in, worst first.
func (t Tally) Counts() []StateCount {
	var all []StateCount
	for _, s := range verdict.States() {
		if n := t.Of(s); n > 0 {
			all = append(all, StateCount{s, n})
		}
	}
	return all
}
