package webpage

import "time"

type issuersPage struct{ Paged[IssuerEntry] }

func (p issuersPage) show(now time.Time) part {
	return all(el("h1", text("Issuers")), results(p.list(now)))
}

func (p issuersPage) list(now time.Time) part {
	if len(p.Entries) == 0 {
		return empty("No issuers yet.", text("A Certificate proceeds when the Issuer or ClusterIssuer that it names exists and is ready."))
	}
	return all(
		el("p", id("found"), class("soft"), text(count(p.All)+" in all, those first that are not ready.")),
		table(all(class("list"), caption("Issuers and ClusterIssuers")),
			all(headings("State", "Issuer", "Type", "CA expires"), numberHeading("Certificates"), headings("Says")),
			each(p.Entries, func(e IssuerEntry) part { return e.row(now) })),
		Pager{p.Page, p.Pages, pageLink}.show())
}

func (e IssuerEntry) row(now time.Time) part {
	state, says := badge("bad", "Not ready"), e.Message
	if e.Ready {
		state = badge("good", "Ready")
	}
	if e.Reason != "" {
		says = e.Reason + ": " + says
	}
	return row(
		cell("State", state),
		rowName("Issuer", named(e.Namespace, e.Name), small(text(e.Kind))),
		cell("Type", text(e.Type)),
		timeCell("CA expires", e.CAExpires, now),
		numberCell("Certificates", e.Certificates),
		textCell("Says", says))
}
