package webpage

import (
	"cmp"
	"fmt"
	"time"
)

type webhooksPage []SetEntry

func (p webhooksPage) show(now time.Time) part {
	return all(el("h1", text("Webhook certificates")), results(p.list(now)))
}

func (p webhooksPage) list(now time.Time) part {
	if len(p) == 0 {
		return empty("No sets of webhook certificates.", text("They are configured in the daemon's file, as "), code("webhookCertificates"),
			text(", and need the controller "), code("webhookcertificates"), text("."))
	}
	return table(all(class("list"), caption("Sets of webhook certificates")),
		headings("Phase", "Set", "CA expires", "Server certificate expires", "Bundles", "What it means"),
		each(p, func(e SetEntry) part { return e.row(now) }))
}

func (e SetEntry) row(now time.Time) part {
	return row(
		cell("Phase", badge(e.tone(), cmp.Or(e.Phase, "Unknown"))),
		rowName("Set", named(e.Namespace, e.Name)),
		e.CA.cell("CA expires", now),
		e.Server.cell("Server certificate expires", now),
		cell("Bundles", text(fmt.Sprintf("%d of %d in place", e.InPlace, e.Webhooks))),
		cell("What it means", class("text"), text(e.Meaning),
			only(e.Cause != "", text(" Cause: "+e.Cause+".")),
			only(e.Since != nil, text(" Since "), exactMoment(e.Since, now), text("."))))
}

func (e SetEntry) tone() string {
	switch {
	case !e.Good():
		return "bad"
	case e.Steady():
		return "good"
	default:
		return "info"
	}
}

func (h Held) cell(label string, now time.Time) part {
	end := moment(h.Expires, now)
	if h.Fault != "" {
		end = el("span", class("text"), text(h.Fault))
	}
	return cell(label, class("when"), end, small(text(h.Secret)))
}
