package webpage

import (
	"fmt"
	"strconv"
	"time"
)

func (s Story) show(now time.Time) part {
	return all(
		el("p", class("crumb"), el("a", href("./"), text("Certificates"))),
		el("div", id("story"), flag("data-live"),
			el("h1", named(s.Namespace, s.Name), text(" "), stateBadge(s.State)),
			s.verdict(now),
			el("div", class("columns"), s.facts(now), s.issuer()),
			s.conditions(now),
			s.Request.show(now),
			s.Order.show(now),
			s.secret(now)))
}

// card is a section with a heading of its own.
func card(name, title string, parts ...part) part {
	return el("section", class("card"), attr("aria-labelledby", name), el("h2", id(name), text(title)), all(parts...))
}

// fact is a line of a list of them.
func fact(name string, parts ...part) part {
	return all(el("dt", text(name)), el("dd", all(parts...)))
}

// textFact is left out when there is nothing to say.
func textFact(name, kind, s string) part { return only(s != "", fact(name, class(kind), text(s))) }

func timeFact(name string, t *time.Time, now time.Time) part { return fact(name, exactMoment(t, now)) }

func (s Story) verdict(now time.Time) part {
	title := "Waits for nothing"
	switch {
	case s.WaitingFor != "":
		title = "Waits for " + s.WaitingFor
	case s.Because != "":
		title = "Valid, but it cannot be renewed"
	}
	return el("section", class("card verdict "+tone(s.State)), attr("aria-labelledby", "waits"),
		el("h2", id("waits"), text(title)),
		only(s.Because != "", el("p", text(s.Because))),
		only(s.WhatToDo != "", el("p", el("strong", text("What to do:")), text(" "+s.WhatToDo))),
		s.life(now))
}

// life is how much of it has passed.
func (s Story) life(now time.Time) part {
	if !s.HasLife() {
		return nil
	}
	l := s.LifeAt(now)
	bar := func(kind string, x int, width string) part {
		return el("rect", class(kind), attr("x", strconv.Itoa(x)), attr("y", "0"), attr("width", width), attr("height", "6"))
	}
	words := fmt.Sprintf("%d %% of its life has passed.", l.Passed)
	if l.Renewal > 0 {
		words += fmt.Sprintf(" It is renewed at %d %%.", l.Renewal)
	}
	return el("div", class("life"),
		el("svg", attr("viewBox", "0 0 100 6"), attr("preserveAspectRatio", "none"), unseen,
			bar("rest", 0, "100"), bar("passed", 0, strconv.Itoa(l.Passed)), only(l.Renewal > 0, bar("mark", l.Renewal, "0.6"))),
		el("p", class("soft"), text(words)))
}

func (s Story) facts(now time.Time) part {
	names := none("none")
	if len(s.Names) > 0 {
		names = each(s.Names, func(n string) part { return all(el("span", class("name"), text(n)), text(" ")) })
	}
	return card("facts", "Certificate", el("dl",
		fact("Names", names),
		fact("Secret", class("code"), text(s.SecretName)),
		timeFact("Valid from", s.NotBefore, now),
		timeFact("Expires", s.Expires, now),
		timeFact("Renews", s.Renews, now),
		timeFact("Created", &s.Created, now),
		revision(s.Revision),
		only(s.LastFailure != nil, fact("Failures", text(strconv.Itoa(s.Failures)+" in a row, the last "), exactMoment(s.LastFailure, now)))))
}

func revision(n int) part { return only(n != 0, fact("Revision", text(strconv.Itoa(n)))) }

func (s Story) issuer() part {
	return card("issuer", "Issuer", el("dl",
		fact("Name", el("a", id("its-issuer"), href("issuers"), text(s.Issuer))),
		fact("State", text(s.IssuerState)),
		textFact("Says", "text", s.IssuerSays)))
}

func (s Story) conditions(now time.Time) part {
	if len(s.Conditions) == 0 {
		return card("conditions", "Conditions", el("p", class("none"), text("None yet: no daemon has seen it.")))
	}
	return card("conditions", "Conditions", conditions("Conditions of the Certificate", s.Conditions, now))
}

func conditions(of string, list []Condition, now time.Time) part {
	return table(caption(of), headings("Condition", "Status", "Reason", "Message", "Since"), each(list, func(c Condition) part {
		return row(rowName("Condition", text(c.Type)), cell("Status", text(c.Status)), cell("Reason", text(c.Reason)),
			textCell("Message", c.Message), timeCell("Since", c.Since, now))
	}))
}

func (r *Request) show(now time.Time) part {
	const name, title = "request", "Newest request"
	if r == nil {
		return card(name, title, el("p", class("none"), text("No CertificateRequest is left of it.")))
	}
	return card(name, title,
		el("dl", fact("Name", class("code"), text(r.Name)), revision(r.Revision), timeFact("Created", &r.Created, now)),
		only(len(r.Conditions) > 0, conditions("Conditions of the request", r.Conditions, now)))
}

func (o *Order) show(now time.Time) part {
	if o == nil {
		return nil
	}
	return card("order", "ACME order",
		el("dl", fact("Name", class("code"), text(o.Name)), fact("State", text(o.State)), textFact("Reason", "text", o.Reason), timeFact("Created", &o.Created, now)),
		only(len(o.Challenges) > 0, table(caption("Names that are proved for it"),
			headings("DNS name", "By", "State", "At work", "Reason"), each(o.Challenges, ChallengeEntry.proof))))
}

// proof is a row below the order that wants it.
func (e ChallengeEntry) proof() part {
	atWork := "waits"
	if e.AtWork {
		atWork = "yes"
	}
	return row(rowName("DNS name", text(e.DNSName)), cell("By", text(e.Type)), cell("State", text(e.State)),
		cell("At work", text(atWork)), textCell("Reason", e.Reason))
}

// secret is what servers show of it to everybody.
func (s Story) secret(now time.Time) part {
	stored := make([]part, 0, len(s.Stored))
	for i, c := range s.Stored {
		stored = append(stored, c.show(i, now))
	}
	return card("stored", "In the Secret", all(stored...),
		only(len(stored) == 0, el("p", class("none"), text("Nothing of it is in this replica's memory."))),
		el("p", class("soft"), text("Events, and whether key and certificate match: "), code("certwright status certificate "+s.Name+" -n "+s.Namespace)))
}

func (c Stored) show(i int, now time.Time) part {
	title := "Certificate"
	if i > 0 {
		title = "Intermediate " + strconv.Itoa(i)
	}
	return all(el("h3", text(title)), el("dl",
		textFact("Subject", "text", c.Subject),
		textFact("Issued by", "text", c.Issuer),
		fact("Key", text(c.Key)),
		timeFact("Valid from", &c.NotBefore, now),
		timeFact("Expires", &c.NotAfter, now),
		textFact("Serial number", "code", c.Serial),
		textFact("SHA-256", "code", c.Fingerprint)))
}
