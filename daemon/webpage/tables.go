package webpage

import (
	"strconv"
	"time"

	"github.com/certwright/certwright/internal/verdict"
)

// Tables say their roles and the headings of their cells, because on a narrow
// screen the style shows each row as a card, and browsers then forget both.

// table is one that scrolls by itself where it is too wide.
func table(of, head, rows part) part {
	return el("div", class("wide"), el("table", attr("role", "table"), of,
		el("thead", attr("role", "rowgroup"), row(head)),
		el("tbody", attr("role", "rowgroup"), rows)))
}

func caption(s string) part { return el("caption", class("unseen"), text(s)) }

func row(parts ...part) part { return el("tr", attr("role", "row"), all(parts...)) }

func heading(parts ...part) part {
	return el("th", attr("scope", "col"), attr("role", "columnheader"), all(parts...))
}

// headings are those of columns of text.
func headings(labels ...string) part {
	return each(labels, func(label string) part { return heading(text(label)) })
}

func numberHeading(label string) part { return heading(class("num"), text(label)) }

// rowName is the cell that names its row.
func rowName(label string, parts ...part) part {
	return el("th", attr("scope", "row"), attr("role", "rowheader"), attr("data-label", label), all(parts...))
}

func cell(label string, parts ...part) part {
	return el("td", attr("role", "cell"), attr("data-label", label), all(parts...))
}

func textCell(label, s string) part { return cell(label, class("text"), text(s)) }

func numberCell(label string, n int) part { return cell(label, class("num"), text(count(n))) }

func timeCell(label string, t *time.Time, now time.Time) part {
	return cell(label, class("when"), moment(t, now))
}

// moment is a time in a table: from now, and the day.
func moment(t *time.Time, now time.Time) part {
	m := at(t, now)
	if m == nil {
		return none("–")
	}
	return el("time", attr("datetime", m.ISO), attr("title", m.ISO),
		el("span", class("rel"), text(m.Relative)), text(" "), el("span", class("day"), text(m.Day)))
}

// exactMoment is a time in a sentence or in a list of facts.
func exactMoment(t *time.Time, now time.Time) part {
	m := at(t, now)
	if m == nil {
		return none("–")
	}
	return all(el("time", attr("datetime", m.ISO), text(m.ISO)), text(" "), soft("("+m.Relative+")"))
}

func none(s string) part { return el("span", class("none"), text(s)) }

func soft(s string) part { return el("span", class("soft"), text(s)) }

func number(n int) part { return el("span", class("number"), text(count(n))) }

// small is what stands in smaller letters below a name.
func small(parts ...part) part { return el("span", class("names"), all(parts...)) }

// named is an object's name, which may break after the namespace.
func named(namespace, name string) part {
	return all(only(namespace != "", soft(namespace+"/"), el("wbr")), text(name))
}

func badge(tone, word string, parts ...part) part {
	return el("span", class("badge "+tone), all(parts...), text(word))
}

func stateBadge(s verdict.State) part {
	return badge(tone(s), s.String(), attr("title", stateMeanings[s]))
}

// empty says that there is nothing, and what to do about it.
func empty(what string, parts ...part) part {
	return el("div", class("empty"), el("p", el("strong", text(what))), el("p", all(parts...)))
}

// results is the part of a page that the script keeps up to date.
func results(parts ...part) part {
	return el("div", id("results"), flag("data-live"), all(parts...))
}

// show shows nothing when there is one page only.
func (p Pager) show() part {
	if p.Pages <= 1 {
		return nil
	}
	return el("nav", class("pager"), attr("aria-label", "Pages of the list"), el("ul",
		p.step("Previous", "previous", "prev", p.Page-1),
		each(p.Near(), p.number),
		p.step("Next", "next", "next", p.Page+1)))
}

func (p Pager) step(label, name, rel string, n int) part {
	if n < 1 || n > p.Pages {
		return el("li", el("span", class("off"), text(label)))
	}
	return el("li", el("a", flag("data-soft"), id("page-"+name), attr("rel", rel), href(p.Link(n)), text(label)))
}

func (p Pager) number(n int) part {
	if n == 0 {
		return el("li", el("span", attr("aria-hidden", "true"), text("…")))
	}
	s := strconv.Itoa(n)
	return el("li", el("a", flag("data-soft"), id("page-"+s), only(n == p.Page, attr("aria-current", "page")),
		attr("aria-label", "Page "+s), href(p.Link(n)), text(s)))
}
