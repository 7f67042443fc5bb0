package webpage

import (
	"io"
	"slices"
	"time"

	"golang.org/x/net/html"
)

// view is what a page shows, in JSON as it is, in HTML as it shows itself.
type view interface{ show(now time.Time) part }

// frame is what every page is made from.
type frame struct {
	View  string // which page it is
	Title string
	Body  view // what the JSON holds
	// Filled in as it is sent.
	Now      time.Time
	Shards   []Shard
	Identity string
	Synced   bool
}

// write sends the page.
func (f frame) write(w io.Writer) error {
	document := &html.Node{Type: html.DocumentNode}
	document.AppendChild(&html.Node{Type: html.DoctypeNode, Data: "html"})
	el("html", attr("lang", "en"), f.head(), f.body())(document)
	if err := html.Render(w, document); err != nil {
		return err
	}
	_, err := io.WriteString(w, "\n")
	return err
}

func (f frame) head() part {
	meta := func(name, content string) part { return el("meta", attr("name", name), attr("content", content)) }
	return el("head",
		el("meta", attr("charset", "utf-8")),
		meta("viewport", "width=device-width, initial-scale=1"),
		meta("color-scheme", "light dark"),
		meta("robots", "noindex"),
		el("title", text(f.Title+" – certwright")),
		el("link", attr("rel", "icon"), attr("type", "image/svg+xml"), href("icon.svg")),
		el("link", attr("rel", "stylesheet"), href("page.css")),
		el("script", attr("src", "page.js")))
}

func (f frame) body() part {
	return el("body",
		el("a", class("skip"), href("#main"), text("Skip to the content")),
		el("header", class("top"), brand(), f.pages(), tools()),
		el("main", id("main"), attr("tabindex", "-1"),
			el("div", id("notice"), flag("data-live"), only(!f.Synced, el("p", class("note warn"),
				text("The caches are not filled yet: what is shown may not be all. The log tells what is missing.")))),
			f.Body.show(f.Now)),
		f.foot(),
		el("div", id("say"), class("unseen"), attr("role", "status")))
}

func brand() part {
	return el("p", class("brand"), el("a", href("./"),
		el("svg", class("mark"), attr("viewBox", "0 0 24 24"), unseen,
			el("path", attr("d", "M12 2 20 5v6c0 5-3.4 9.2-8 11-4.6-1.8-8-6-8-11V5z")),
			el("path", class("tick"), attr("d", "m8 12 3 3 5-6"))),
		text("certwright")))
}

// unseen is a picture that says nothing which is not said beside it.
var unseen = all(attr("aria-hidden", "true"), attr("focusable", "false"))

// pages leads to all of them.
func (f frame) pages() part {
	to := func(address, label string, views ...string) part {
		current := only(f.View == views[0], attr("aria-current", "page"))
		if slices.Contains(views[1:], f.View) {
			current = attr("aria-current", "true") // one below it
		}
		return el("li", el("a", href(address), current, text(label)))
	}
	return el("nav", attr("aria-label", "Pages"), el("ul",
		to("./", "Certificates", "certificates", "certificate"),
		to("issuers", "Issuers", "issuers"),
		to("challenges", "Challenges", "challenges"),
		to("webhooks", "Webhooks", "webhooks"),
		to("replicas", "Replicas", "replicas")))
}

// tools are for the script, which shows them.
func tools() part {
	button := func(name string, parts ...part) part {
		return el("button", attr("type", "button"), id(name), all(parts...))
	}
	return el("div", class("tools"), id("tools"), flag("hidden"),
		button("pause", attr("aria-pressed", "false"), text("Pause updates")), text(" "),
		button("theme", text("Theme: "), el("span", id("theme-name"), text("as the system"))))
}

func (f frame) foot() part {
	who := text("this replica")
	if f.Identity != "" {
		who = code(f.Identity)
	}
	return el("footer", class("bottom"),
		el("p", id("asof"), flag("data-live"), text("As of "),
			el("time", attr("datetime", f.Now.Format(time.RFC3339)), text(f.Now.Format(time.DateTime)+" UTC")),
			text(", by "), who, text(". This page only reads, and shows no keys.")),
		el("p", id("live"), flag("hidden"),
			el("span", class("dot"), attr("aria-hidden", "true")), text(" "), el("span", id("live-text"), text("Live"))))
}

func code(s string) part { return el("span", class("code"), text(s)) }
