package webpage

import (
	"cmp"
	"strconv"
	"strings"
	"time"

	"github.com/certwright/certwright/internal/verdict"
)

func (o Overview) show(now time.Time) part {
	sums := all(o.tiles(), o.Calendar.show(o.Query, o.Tally.All))
	if o.Tally.All == 0 {
		sums = empty("No Certificates yet.", text("Create one with "), code("kubectl apply"),
			text(", or annotate an Ingress or a Gateway. What this daemon watches is all that is shown: with "), code("--namespace"), text(", only that namespace."))
	}
	return all(
		el("h1", text("Certificates")),
		el("div", id("sums"), flag("data-live"), sums),
		only(o.Tally.All > 0 || o.Query.Filtered(),
			el("section", attr("aria-labelledby", "list"), el("h2", id("list"), class("unseen"), text("The list")),
				o.Query.form(), results(o.found(), o.list(now)))))
}

// tiles count the states, and lead to what is in each of them.
func (o Overview) tiles() part {
	q, urgent := o.Query, "good"
	if o.Tally.Attention > 0 {
		urgent = "bad"
	}
	tile := func(name, state string, chosen bool, n int, what string, parts ...part) part {
		return el("li", el("a", flag("data-soft"), id("tile-"+name), all(parts...), href(q.WithState(state)), only(chosen, attr("aria-current", "true")),
			number(n), text(" "), el("span", class("what"), text(what))))
	}
	return el("ul", class("tiles"),
		tile("all", "", !q.Filtered(), o.Tally.All, "in all"),
		tile("attention", attention, q.State == attention, o.Tally.Attention, plural(o.Tally.Attention, "needs", "need")+" attention", class(urgent)),
		each(o.Tally.Counts(), func(c StateCount) part {
			word := c.State.String()
			return tile(word, word, q.State == word, c.Count, word, class(tone(c.State)), attr("title", stateMeanings[c.State]))
		}))
}

// form asks for another list, also without the script.
func (q Query) form() part {
	return el("form", id("filter"), class("filter"), attr("role", "search"), attr("aria-label", "Filter the list"), attr("action", "./"), attr("method", "get"),
		el("div", class("field grow"), label("q", "Search"), q.search(), el("span", id("q-hint"), class("hint"), text("namespace/name, DNS name, Secret or issuer"))),
		el("div", class("field"), label("state", "State"), q.states()),
		el("div", class("field"), label("size", "Rows"), q.sizes()),
		only(q.Sort != sorts[0], hidden("sort", q.Sort)), only(q.Down, hidden("dir", "desc")), only(q.Week != "", hidden("week", q.Week)),
		el("div", class("field buttons"), el("button", attr("type", "submit"), class("primary"), text("Apply")),
			only(q.Filtered(), text(" "), el("a", flag("data-soft"), id("clear"), class("button"), href("./"), text("Show all")))))
}

func label(of, s string) part { return el("label", attr("for", of), text(s)) }

func hidden(name, value string) part {
	return el("input", attr("type", "hidden"), attr("name", name), attr("value", value))
}

func (q Query) search() part {
	return el("input", attr("type", "search"), id("q"), attr("name", "q"), attr("value", q.Text), attr("maxlength", strconv.Itoa(longestText)),
		attr("autocomplete", "off"), attr("spellcheck", "false"), attr("aria-describedby", "q-hint"))
}

func (q Query) states() part {
	return el("select", id("state"), attr("name", "state"),
		el("option", attr("value", ""), text("all")),
		option("needs attention", q.State == attention, attr("value", attention)),
		each(verdict.States(), func(s verdict.State) part { return option(s.String(), q.State == s.String()) }))
}

func (q Query) sizes() part {
	return el("select", id("size"), attr("name", "size"),
		each(sizes, func(n int) part { return option(strconv.Itoa(n), n == q.Size) }))
}

func option(s string, chosen bool, parts ...part) part {
	return el("option", all(parts...), only(chosen, flag("selected")), text(s))
}

// found says how many there are, and of what.
func (o Overview) found() part {
	q := o.Query
	words := []string{"None"}
	if len(o.Entries) > 0 {
		words[0] = count(o.From()) + "–" + count(o.To()) + " of " + count(o.Found)
	}
	if q.Week != "" {
		words = append(words, "expiring in the week from "+q.Week)
	}
	switch q.State {
	case "":
	case attention:
		words = append(words, "needing attention")
	default:
		words = append(words, q.State)
	}
	if q.Text != "" {
		words = append(words, "matching “"+q.Text+"”")
	}
	return el("p", id("found"), class("soft"), text(strings.Join(words, ", ")))
}

func (o Overview) list(now time.Time) part {
	if len(o.Entries) == 0 {
		return empty("No Certificate is like that.", el("a", flag("data-soft"), id("none-clear"), href("./"), text("Show all "+count(o.Tally.All))))
	}
	q := o.Query
	return all(
		table(all(class("list"), attr("aria-labelledby", "list")),
			all(q.column("state", "State"), q.column("name", "Certificate"), q.column("issuer", "Issuer"),
				q.column("expires", "Expires"), q.column("renews", "Renews"), headings("Waits for")),
			each(o.Entries, func(e Entry) part { return e.row(now) })),
		Pager{o.Page, o.Pages, q.WithPage}.show())
}

// column is a heading by which the list can be sorted. The arrow shows the
// direction to who sees it; aria-sort tells the others.
func (q Query) column(by, label string) part {
	order := q.AriaSort(by)
	arrow := map[string]string{"ascending": "▲", "descending": "▼"}[order]
	return heading(attr("aria-sort", order), el("a", flag("data-soft"), id("sort-"+by), href(q.SortBy(by)), text(label),
		only(arrow != "", text(" "), el("span", class("arrow"), attr("aria-hidden", "true"), text(arrow)))))
}

func (e Entry) row(now time.Time) part {
	waits := none("nothing")
	if why := e.waitsFor(); why != "" {
		waits = text(why)
	}
	return row(
		cell("State", stateBadge(e.State)),
		rowName("Certificate", el("a", id("row-"+e.Namespace+"/"+e.Name), href(address(e.Namespace, e.Name)), named(e.Namespace, e.Name)),
			only(len(e.Names) > 0, small(text(strings.Join(e.Names, ", "))))),
		cell("Issuer", text(e.Issuer)),
		timeCell("Expires", e.Expires, now),
		timeCell("Renews", e.Renews, now),
		cell("Waits for", class("text"), waits))
}

// waitsFor is what stands in the way, of this or of the next certificate.
func (e Entry) waitsFor() string {
	return cmp.Or(e.WaitingFor, e.Because)
}
