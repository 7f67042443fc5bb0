package webpage

import (
	"strconv"
	"time"
)

type challengesPage struct {
	Challenges
	Page  int `json:"page"`
	Pages int `json:"pages"`
}

func (p challengesPage) show(now time.Time) part {
	return all(el("h1", text("Challenges")), results(p.results(now)))
}

func (p challengesPage) results(now time.Time) part {
	if p.Places == 0 {
		return empty("This daemon does not work on challenges.",
			text("The controllers "), code("orders"), text(" and "), code("challenges"), text(" are off ("), code("--controllers"), text(")."))
	}
	return all(p.meter(), only(len(p.Reasons) > 0, p.reasons()), p.list(now))
}

// meter shows how many of the places are in use.
func (p challengesPage) meter() part {
	bar := func(kind string, width int) part {
		return el("rect", class(kind), attr("x", "0"), attr("y", "0"), attr("width", strconv.Itoa(width)), attr("height", "4"))
	}
	return el("section", class("card"), attr("aria-labelledby", "places"), el("h2", id("places"), text("Places")),
		el("p", number(p.AtWork), text(" of "+count(p.Places)+" places in use, "), number(p.Waiting), text(" waiting.")),
		el("svg", class("meter"), attr("viewBox", "0 0 "+strconv.Itoa(p.Places)+" 4"), attr("preserveAspectRatio", "none"), unseen,
			bar("rest", p.Places), bar("used", p.AtWork)))
}

func (p challengesPage) reasons() part {
	return el("section", class("card"), attr("aria-labelledby", "reasons"),
		el("h2", id("reasons"), text("Why they are not done yet")),
		table(attr("aria-labelledby", "reasons"),
			all(headings("Reason"), numberHeading("At work"), numberHeading("Waiting")),
			each(p.Reasons, func(r Reason) part {
				return row(rowName("Reason", class("text"), text(r.Text)), numberCell("At work", r.AtWork), numberCell("Waiting", r.Waiting))
			})))
}

func (p challengesPage) list(now time.Time) part {
	if len(p.Listed) == 0 {
		return empty("No challenges are under way.", text("There is one for each DNS name while an ACME server has it proved."))
	}
	return el("section", attr("aria-labelledby", "list"), el("h2", id("list"), text("Those without an end")),
		table(all(class("list"), attr("aria-labelledby", "list")),
			headings("Place", "DNS name", "By", "State", "Created", "Reason"),
			each(p.Listed, func(e ChallengeEntry) part { return e.row(now) })),
		Pager{p.Page, p.Pages, pageLink}.show())
}

func (e ChallengeEntry) row(now time.Time) part {
	place, state := badge("warn", "waits"), e.State
	if e.AtWork {
		place = badge("info", "at work")
	}
	if e.Presented {
		state += ", presented"
	}
	return row(
		cell("Place", place),
		rowName("DNS name", text(e.DNSName), small(text(e.Namespace+"/"), el("wbr"), text(e.Name))),
		cell("By", text(e.Type)), cell("State", text(state)),
		timeCell("Created", &e.Created, now),
		textCell("Reason", e.Reason))
}
