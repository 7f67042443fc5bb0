package main

import (
	"context"
	"fmt"
	"strings"
)

// views are the addresses of every kind of page.
var views = []string{
	"", "?state=attention&sort=expires&dir=desc", "?q=no+such+name",
	"certificate?namespace=shop&name=stuck", "certificate?namespace=shop&name=failed", "certificate?namespace=shop&name=ordered",
	"certificate?namespace=shop&name=web-07", "certificate?namespace=shop&name=gone",
	"issuers", "challenges", "webhooks", "replicas",
}

// everyPage looks at each page as people with different screens do.
func everyPage(_ context.Context, t *tally, w *world, b *browser) {
	awake(t, w, b)
	b.taken()
	for _, theme := range []string{"light", "dark"} {
		for _, width := range []int64{1280, 320} {
			if !t.ok(b.look(width, 900, theme), "the window's size") {
				return
			}
			for _, view := range views {
				onePage(t, w, b, view, fmt.Sprintf("%s-%d", theme, width))
			}
		}
	}
	t.ok(b.look(1280, 900, "light"), "the window's size")
}

// awake checks that what looks for faults finds those that are made on purpose.
func awake(t *tally, w *world, b *browser) {
	t.ok(b.open(w.url), "open")
	_, err := eval[any](b, `document.body.insertAdjacentHTML("beforeend", "<img src='icon.svg'><p id='faint'>faint</p><style>b{}</style>");
		document.getElementById("faint").style.color = "#ccc"; document.getElementById("faint").style.background = "#fff"; console.error("on purpose"); fetch("http://127.0.0.1:1/").catch(() => 0); 0`)
	t.ok(err, "faults made on purpose")
	found, err := b.violations()
	all := strings.Join(found, "\n")
	t.check(err == nil && strings.Contains(all, "image-alt") && strings.Contains(all, "color-contrast"), "axe-core found only %s (%v)", all, err)
	faults, requests := b.taken()
	all = strings.Join(faults, "\n")
	t.check(strings.Contains(all, "on purpose") && strings.Contains(all, "Content Security Policy"), "the log has only %s", all)
	t.check(len(strangers(append(requests, "http://127.0.0.1:1/"), w.url)) > 0, "no request is strange")
}

func onePage(t *tally, w *world, b *browser, view, how string) {
	where := fmt.Sprintf("/%s, %s", view, how)
	if !t.ok(b.open(w.url+view), where) {
		return
	}
	over, err := eval[float64](b, "document.documentElement.scrollWidth - window.innerWidth")
	t.ok(err, where)
	t.check(over <= 0, "%s: the page is %v pixels wider than the window", where, over)
	found, err := b.violations()
	t.ok(err, where)
	t.check(len(found) == 0, "%s: axe-core found\n  %s", where, strings.Join(found, "\n  "))
	obeyed, err := eval[bool](b, "document.title.includes('obeyed') || document.querySelector('img') !== null")
	t.check(err == nil && !obeyed, "%s: what others wrote was obeyed", where)
	faults, requests := b.taken()
	if view == "certificate?namespace=shop&name=gone" { // the browser logs that it is a 404, which it is meant to be
		faults = withoutText(faults, "404 (Not Found)")
	}
	t.check(len(faults) == 0, "%s: %s", where, strings.Join(faults, "\n  "))
	t.check(len(requests) > 0 && len(strangers(requests, w.url)) == 0, "%s: it asked %v", where, strangers(requests, w.url))
	t.ok(b.shoot(strings.Join([]string{pathName(view), how, short(view)}, "-")), "picture")
}

func short(view string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
			return r
		}
		return -1
	}, view)
}

func withoutText(faults []string, text string) (others []string) {
	for _, f := range faults {
		if !strings.Contains(f, text) {
			others = append(others, f)
		}
	}
	return others
}
