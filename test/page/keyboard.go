package main

import (
	"context"
	"fmt"

	"github.com/chromedp/chromedp/kb"
)

// byKeyboard does all there is to do without a mouse.
func byKeyboard(_ context.Context, t *tally, w *world, b *browser) {
	steps := &steps{t: t, b: b}
	steps.do("open", func() error { return b.open(w.url) })
	steps.do("the first stop is the skip link", func() error { return b.press(kb.Tab) })
	steps.until("document.activeElement.className === 'skip' && document.activeElement.getBoundingClientRect().top >= 0")
	steps.do("it leads to the content", func() error { return b.press(kb.Enter) })
	steps.holds("document.activeElement.id === 'main' || location.hash === '#main'")

	steps.do("open", func() error { return b.open(w.url) })
	seen := map[string]bool{}
	for range 40 { // what has the focus can be seen, wherever it is
		steps.quietly(b.press(kb.Tab))
		outlined, err := eval[bool](b, "getComputedStyle(document.activeElement).outlineStyle !== 'none' && document.activeElement.getClientRects().length > 0")
		at, _ := eval[string](b, "document.activeElement.id || document.activeElement.textContent")
		seen[at] = true
		t.check(err == nil && outlined, "the focus on %q cannot be seen: %v", at, err)
	}
	for _, id := range []string{"pause", "theme", "tile-all", "expiry-summary", "q", "state", "size", "sort-state", "sort-expires", "row-shop/expired"} {
		t.check(seen[id], "Tab passes by #%s", id)
	}

	steps.do("unfold the table of expiries", func() error { return b.open(w.url) })
	steps.do("", func() error { return b.tabTo("expiry-summary") })
	steps.do("", func() error { return b.press(kb.Enter) })
	steps.holds("document.getElementById('expiry-table').open")

	steps.do("sort", func() error { return b.tabTo("sort-expires") })
	steps.do("", func() error { return b.press(kb.Enter) })
	steps.until("document.querySelector('th[aria-sort=ascending] #sort-expires')")
	steps.holds("document.activeElement.id === 'sort-expires' && location.search === '?sort=expires'")
	steps.do("", func() error { return b.press(kb.Enter) })
	steps.until("document.querySelector('th[aria-sort=descending] #sort-expires')")
	steps.holds("document.getElementById('expiry-table').open") // it was left unfolded

	steps.do("filter while typing", func() error { return b.open(w.url) })
	steps.do("", func() error { return b.tabTo("q") })
	steps.do("", func() error { return b.press("shop/web-0") })
	steps.until("document.getElementById('found').textContent.startsWith('1–10 of 10')")
	steps.holds("document.activeElement.id === 'q' && document.activeElement.value === 'shop/web-0' && new URLSearchParams(location.search).get('q') === 'shop/web-0'")
	steps.until("document.getElementById('say').textContent.startsWith('1–10 of 10')") // told to who cannot see it
	steps.do("", func() error { return b.press("3") })
	steps.until("document.getElementById('found').textContent.startsWith('1–1 of 1')")

	steps.do("its own page", func() error { return b.tabTo("row-shop/web-03") })
	steps.do("", func() error { return b.press(kb.Enter) })
	steps.until("document.querySelector('h1') && document.querySelector('h1').textContent.includes('shop/web-03')")
	steps.do("and back", func() error { _, err := eval[any](b, "history.back()"); return err })
	steps.until("document.getElementById('found') && document.getElementById('found').textContent.startsWith('1–1 of 1')")

	theme(steps, w)
	pages(steps, w)
}

// theme is switched, and remembered.
func theme(s *steps, w *world) {
	s.do("theme", func() error { return s.b.tabTo("theme") })
	s.do("", func() error { return s.b.press(kb.Enter) })
	s.holds("document.documentElement.dataset.theme === 'light'")
	s.do("", func() error { return s.b.press(kb.Enter) })
	s.holds("document.documentElement.dataset.theme === 'dark' && document.activeElement.id === 'theme'")
	s.do("", func() error { return s.b.open(w.url + "issuers") })
	s.holds("document.documentElement.dataset.theme === 'dark' && document.getElementById('theme-name').textContent === 'dark'")
	s.holds("getComputedStyle(document.body).backgroundColor === 'rgb(14, 18, 23)'")
	s.do("", func() error { return s.b.tabTo("theme") })
	s.do("", func() error { return s.b.press(kb.Enter) })
	s.holds("document.documentElement.dataset.theme === undefined")
}

// pages of the list are turned.
func pages(s *steps, w *world) {
	s.do("the next page", func() error { return s.b.open(w.url) })
	s.do("", func() error { return s.b.tabTo("page-next") })
	s.do("", func() error { return s.b.press(kb.Enter) })
	s.until("document.getElementById('found').textContent.startsWith('51–')")
	s.holds("document.querySelector('.pager [aria-current=page]').textContent === '2'")
	s.do("the back button", func() error { _, err := eval[any](s.b, "history.back()"); return err })
	s.until("document.getElementById('found').textContent.startsWith('1–50')")
}

// steps count what is done one after the other.
type steps struct {
	t    *tally
	b    *browser
	what string
	n    int
}

// do does a step; without a name it belongs to the one before.
func (s *steps) do(what string, step func() error) {
	if what != "" {
		s.what, s.n = what, 0
	}
	s.n++
	s.t.ok(step(), fmt.Sprintf("%s, step %d", s.what, s.n))
}

func (s *steps) quietly(err error) {
	if err != nil {
		s.t.ok(err, s.what)
	}
}

// holds checks that an expression is true now.
func (s *steps) holds(expression string) {
	is, err := eval[bool](s.b, "Boolean("+expression+")")
	s.t.check(err == nil && is, "%s: %s (%v)", s.what, expression, err)
}

// until checks that an expression becomes true.
func (s *steps) until(expression string) { s.t.ok(s.b.until(expression), s.what) }
