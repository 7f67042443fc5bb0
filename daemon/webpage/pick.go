package webpage

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/certwright/certwright/internal/verdict"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Picked is one page of the rows that were asked for.
type Picked struct {
	Rows  []Row
	Found int // on all pages
	Page  int // the last one when the one asked for does not exist
	Pages int
}

// pick filters and sorts rows, in place, and cuts the page out of them.
func pick(rows []Row, q Query) Picked {
	words := strings.Fields(strings.ToLower(q.Text))
	rows = slices.DeleteFunc(rows, func(r Row) bool { return !q.wants(r, words) })
	slices.SortFunc(rows, q.compare)
	p := Picked{Found: len(rows), Pages: max(1, (len(rows)+q.Size-1)/q.Size)}
	p.Page = min(q.Page, p.Pages)
	from := (p.Page - 1) * q.Size
	// A copy, so that the many others can go while this is sent.
	p.Rows = slices.Clone(rows[from:min(from+q.Size, len(rows))])
	return p
}

func (q Query) wants(r Row, words []string) bool {
	switch {
	case q.State == attention && !r.State.NeedsAttention(),
		q.State != "" && q.State != attention && r.State.String() != q.State,
		q.Week != "" && (r.expiry() == nil || weekOf(r.expiry().Time).Format(time.DateOnly) != q.Week):
		return false
	}
	for _, w := range words {
		if !mentions(r, w) {
			return false
		}
	}
	return true
}

// mentions looks for a word, in lower case, where people would.
func mentions(r Row, word string) bool {
	s := &r.Certificate.Spec
	if has(r.Certificate.Namespace+"/"+r.Certificate.Name, word) || has(s.SecretName, word) || has(s.CommonName, word) ||
		has(r.Issuer, word) || has(r.State.String(), word) {
		return true
	}
	for _, names := range [][]string{s.DNSNames, s.IPAddresses, s.URIs, s.EmailAddresses} {
		if slices.ContainsFunc(names, func(n string) bool { return has(n, word) }) {
			return true
		}
	}
	return false
}

func has(text, word string) bool { return strings.Contains(strings.ToLower(text), word) }

// compare orders rows as asked for, and what is equal in that by name, so that
// pages do not overlap. What has no time comes last either way.
func (q Query) compare(a, b Row) int {
	var c int
	switch q.Sort {
	case "state":
		c = cmp.Compare(a.State, b.State)
	case "issuer":
		c = strings.Compare(a.Issuer, b.Issuer)
	case "expires":
		return cmp.Or(compareTimes(a.expiry(), b.expiry(), q.Down), byName(a, b))
	case "renews":
		return cmp.Or(compareTimes(a.Certificate.Status.RenewalTime, b.Certificate.Status.RenewalTime, q.Down), byName(a, b))
	case "name":
		c = byName(a, b)
	}
	if q.Down {
		c = -c
	}
	return cmp.Or(c, byName(a, b))
}

func byName(a, b Row) int {
	return cmp.Or(strings.Compare(a.Certificate.Namespace, b.Certificate.Namespace), strings.Compare(a.Certificate.Name, b.Certificate.Name))
}

func compareTimes(a, b *metav1.Time, down bool) int {
	switch {
	case a == nil && b == nil:
		return 0
	case a == nil:
		return 1
	case b == nil:
		return -1
	case down:
		return b.Time.Compare(a.Time)
	default:
		return a.Time.Compare(b.Time)
	}
}

// Entry is a row as it is shown, in HTML or JSON.
type Entry struct {
	Namespace  string        `json:"namespace"`
	Name       string        `json:"name"`
	State      verdict.State `json:"state"`
	Issuer     string        `json:"issuer"`
	SecretName string        `json:"secretName"`
	Names      []string      `json:"names"`
	Expires    *time.Time    `json:"expires,omitempty"`
	Renews     *time.Time    `json:"renews,omitempty"`
	WaitingFor string        `json:"waitingFor,omitempty"`
	Because    string        `json:"because,omitempty"`
	WhatToDo   string        `json:"whatToDo,omitempty"`
}

// mostNames is how many names of one Certificate the list shows: some have
// hundreds. Its own page has all.
const mostNames = 4

// entry is what the list shows of a row.
func entry(r Row) Entry {
	e := story(r)
	if len(e.Names) > mostNames {
		e.Names = append(e.Names[:mostNames:mostNames], "…")
	}
	return e
}

func story(r Row) Entry {
	crt := r.Certificate
	return Entry{
		Namespace: crt.Namespace, Name: crt.Name, State: r.State, Issuer: r.Issuer, SecretName: crt.Spec.SecretName,
		Names: namesOf(&crt.Spec), Expires: timeOf(crt.Status.NotAfter), Renews: timeOf(crt.Status.RenewalTime),
		WaitingFor: r.Verdict.Waiting, Because: r.Verdict.Because, WhatToDo: r.Verdict.Remedy,
	}
}

// namesOf lists whom a Certificate is for, the common name first where it is
// no other name too.
func namesOf(s *cmapi.CertificateSpec) []string {
	all := slices.Concat(s.DNSNames, s.IPAddresses, s.URIs, s.EmailAddresses)
	if s.CommonName != "" && !slices.Contains(all, s.CommonName) {
		all = append([]string{s.CommonName}, all...)
	}
	return all
}

func timeOf(t *metav1.Time) *time.Time {
	if t == nil || t.IsZero() {
		return nil
	}
	utc := t.UTC()
	return &utc
}
