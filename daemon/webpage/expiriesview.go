package webpage

import (
	"strconv"
)

// show is the picture of when they expire, and the same as a table.
func (c Calendar) show(q Query, certificates int) part {
	bars := make([]part, 0, len(c.Weeks))
	for i, w := range c.Weeks {
		bars = append(bars, c.bar(i, w, q))
	}
	return el("section", class("card"), attr("aria-labelledby", "expiries"),
		el("h2", id("expiries"), text("When they expire")),
		c.summary(certificates),
		el("div", class("bars"), attr("aria-hidden", "true"), all(bars...)),
		el("p", class("legend"), el("span", class("key good")), text(" in order: renewed before that "),
			el("span", class("key bad")), text(" expired, failed or stuck")),
		el("details", id("expiry-table"), el("summary", id("expiry-summary"), text("The same as a table")), c.table(q)))
}

func (c Calendar) summary(certificates int) part {
	most := ""
	if n := c.Most(); n > 0 {
		most = ", at most " + count(n) + " in a week"
	}
	return el("p", class("soft"),
		text(count(c.Total())+" of "+count(certificates)+" expire in the coming half year"+most+"."),
		only(c.Expired > 0, text(" "), el("strong", text(count(c.Expired)+" expired before this week."))),
		only(c.Later > 0, text(" "+count(c.Later)+" later.")),
		only(c.Without > 0, text(" "+count(c.Without)+" "+plural(c.Without, "has", "have")+" no certificate yet.")))
}

// bar is a week: how many expire, and before them those not in order.
func (c Calendar) bar(i int, w Week, q Query) part {
	chosen, title := "bar", "Week of "+w.Day()+": "+count(w.All)
	if w.Day() == q.Week {
		chosen += " chosen"
	}
	if w.Attention > 0 {
		title += ", " + count(w.Attention) + " of them not in order"
	}
	return el("a", flag("data-soft"), class(chosen), attr("tabindex", "-1"), href(q.WithWeek(w.Day())), attr("title", title),
		el("svg", attr("viewBox", "0 0 10 100"), attr("preserveAspectRatio", "none"), attr("focusable", "false"),
			rectangle("rest", 0, 10, 100), rectangle("good", 1, 8, c.Height(w.All)), rectangle("bad", 1, 8, c.Height(w.Attention))),
		el("span", class("month"), text(c.Label(i))))
}

// rectangle stands on the ground of the picture, which is 100 high.
func rectangle(kind string, x, width, height int) part {
	return only(height > 0, el("rect", class(kind), attr("x", strconv.Itoa(x)), attr("y", strconv.Itoa(100-height)),
		attr("width", strconv.Itoa(width)), attr("height", strconv.Itoa(height))))
}

func (c Calendar) table(q Query) part {
	column := func(s string, parts ...part) part {
		return el("th", attr("scope", "col"), all(parts...), text(s))
	}
	return el("table", class("narrow"), caption("Certificates that expire, by week"),
		el("thead", el("tr", column("Week from"), column("Expire", class("num")), column("Not in order", class("num")))),
		el("tbody", each(c.Weeks, func(w Week) part { return w.row(q) }),
			only(c.Total() == 0, el("tr", el("td", attr("colspan", "3"), text("None expires in the coming half year."))))))
}

func (w Week) row(q Query) part {
	figure := func(n int) part { return el("td", class("num"), text(count(n))) }
	return only(w.All > 0, el("tr",
		el("th", attr("scope", "row"), el("a", flag("data-soft"), id("week-"+w.Day()), href(q.WithWeek(w.Day())),
			el("time", attr("datetime", w.Day()), text(w.Day())))),
		figure(w.All), figure(w.Attention)))
}
