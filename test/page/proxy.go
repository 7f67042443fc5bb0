package main

import (
	"context"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"sync/atomic"

	"github.com/chromedp/chromedp/kb"
)

// behindProxy looks at the page below a path of a proxy, by another host's
// name, and takes the daemon away and gives it back.
func behindProxy(_ context.Context, t *tally, w *world, b *browser) {
	target, err := url.Parse(w.url)
	if !t.ok(err, "proxy") {
		return
	}
	var away atomic.Bool
	pass := http.StripPrefix("/tools/certwright", httputil.NewSingleHostReverseProxy(target))
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if !t.ok(err, "proxy") {
		return
	}
	server := &http.Server{Handler: http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if away.Load() {
			http.Error(rw, "away", http.StatusBadGateway)
			return
		}
		pass.ServeHTTP(rw, r)
	})}
	go func() { _ = server.Serve(listener) }() // it ends when it is closed
	defer server.Close()
	home := "http://" + listener.Addr().String() + "/tools/certwright/"
	b.taken()
	s := &steps{t: t, b: b, what: "below a path"}
	s.do("", func() error { return b.open(home) })
	s.holds("getComputedStyle(document.body).backgroundColor === 'rgb(245, 246, 248)'")
	s.do("", func() error { return b.tabTo("row-shop/expired") })
	s.do("", func() error { return b.press(kb.Enter) })
	s.until("document.querySelector('h1').textContent.includes('shop/expired')")
	s.do("", func() error { return b.tabTo("its-issuer") })
	s.do("", func() error { return b.press(kb.Enter) })
	s.until("document.querySelector('h1').textContent === 'Issuers'")
	faults, requests := b.taken()
	t.check(len(faults) == 0 && len(strangers(requests, home)) == 0, "below a path: %v, it asked %v", faults, strangers(requests, home))

	s.what = "the daemon is away"
	away.Store(true)
	s.until("document.getElementById('live').dataset.state === 'lost'")
	s.until("document.getElementById('say').textContent.includes('lost')")
	away.Store(false)
	s.until("document.getElementById('live').dataset.state === 'live'")
	b.taken() // the browser logs each answer of 502
}
