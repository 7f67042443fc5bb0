package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"slices"
	"time"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp/kb"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// liveUpdates changes what is shown, and looks that nobody is disturbed by it.
func liveUpdates(ctx context.Context, t *tally, w *world, b *browser) {
	s := &steps{t: t, b: b, what: "live"}
	s.do("", func() error { return b.open(w.url + "?q=shop/watched") })
	s.until("document.getElementById('results').textContent.includes('the daemon to see it')")
	s.do("", func() error { return b.tabTo("row-shop/watched") })
	s.do("", func() error {
		_, err := eval[any](b, "document.getElementById('expiry-table').open = true; window.scrollTo(0, 150)")
		return err
	})
	s.do("", func() error { return w.status(ctx, "watched", inOrder(50*day)) })
	s.until("document.getElementById('results').textContent.includes('Ready')")
	s.holds("document.activeElement.id === 'row-shop/watched'")
	s.holds("document.getElementById('expiry-table').open && Math.round(window.scrollY) === 150")
	s.holds("document.getElementById('say').textContent === ''") // nobody asked for it to be read out

	s.do("what is typed is kept", func() error { return b.open(w.url) })
	s.do("", func() error { return b.tabTo("q") })
	s.do("", func() error {
		_, err := eval[any](b, "document.getElementById('q').value = 'half a wo'; document.getElementById('q').setSelectionRange(2, 4)")
		return err
	})
	s.do("", func() error { return w.status(ctx, "watched", failing()) })
	s.until("document.querySelector('#tile-Failed .number').textContent === '2'")
	s.holds("document.activeElement.id === 'q' && document.activeElement.value === 'half a wo' && document.activeElement.selectionStart === 2")

	s.do("its own page", func() error { return b.open(w.url + "certificate?namespace=shop&name=watched") })
	s.until("document.querySelector('h1').textContent.includes('Failed')")
	s.do("", func() error { return w.status(ctx, "watched", inOrder(50*day)) })
	s.until("document.querySelector('h1').textContent.includes('Ready')")

	s.do("pause", func() error { return b.tabTo("pause") })
	s.do("", func() error { return b.press(kb.Enter) })
	s.holds("document.getElementById('pause').getAttribute('aria-pressed') === 'true' && document.getElementById('live-text').textContent === 'Paused'")
	b.taken()
	s.do("", func() error { return w.status(ctx, "watched", failing()) })
	wait(ctx, 5*time.Second)
	_, requests := b.taken()
	t.check(len(requests) == 0, "paused, it asked for %v", requests)
	s.holds("document.querySelector('h1').textContent.includes('Ready')")
	s.do("", func() error { return b.press(kb.Enter) })
	s.until("document.querySelector('h1').textContent.includes('Failed')")

	s.do("deleted", func() error {
		return w.stage.Clients.CertManager.CertmanagerV1().Certificates("shop").Delete(ctx, "watched", metav1.DeleteOptions{})
	})
	s.until("document.getElementById('live').dataset.state === 'live' && document.getElementById('story') === null")
	faults, _ := b.taken()
	t.check(len(withoutText(faults, "404 (Not Found)")) == 0, "live: %v", faults)
}

func wait(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

// withoutScript does the same as with it, but for what is live.
func withoutScript(_ context.Context, t *tally, w *world, b *browser) {
	s := &steps{t: t, b: b, what: "without JavaScript"}
	s.do("", func() error { return b.do(emulation.SetScriptExecutionDisabled(true)) })
	defer func() { t.ok(b.do(emulation.SetScriptExecutionDisabled(false)), "scripts on again") }()
	s.do("", func() error { return b.open(w.url) })
	s.holds("document.getElementById('tools').hidden && document.getElementById('live').hidden")
	s.do("", func() error { return b.tabTo("q") })
	s.do("", func() error { return b.press("shop/web-07" + kb.Enter) })
	s.until("document.getElementById('found') && document.getElementById('found').textContent.startsWith('1–1 of 1')")
	s.holds("new URLSearchParams(location.search).get('q') === 'shop/web-07' && document.getElementById('q').value === 'shop/web-07'")
	s.do("", func() error { return b.tabTo("sort-name") })
	s.do("", func() error { return b.press(kb.Enter) })
	s.until("document.querySelector('th[aria-sort=ascending] #sort-name')")
	s.holds("document.getElementById('q').value === 'shop/web-07'")
	s.do("", func() error { return b.tabTo("row-shop/web-07") })
	s.do("", func() error { return b.press(kb.Enter) })
	s.until("document.querySelector('h1').textContent.includes('shop/web-07')")
}

// issuance lets another daemon work on one namespace, and watches from here how
// it issues.
func issuance(ctx context.Context, t *tally, w *world, b *browser) {
	d, err := w.stage.Daemon(ctx, "at-work", "--namespace", "live", "--leader-elect=false")
	if !t.ok(err, "a daemon at work") {
		return
	}
	defer func() { t.ok(d.Stop(ctx), "the end of the daemon at work") }()
	c := w.stage.Clients.CertManager.CertmanagerV1()
	_, err = c.Issuers("live").Create(ctx, &cmapi.Issuer{ObjectMeta: metav1.ObjectMeta{Name: "self"}, Spec: cmapi.IssuerSpec{IssuerConfig: cmapi.IssuerConfig{SelfSigned: &cmapi.SelfSignedIssuer{}}}}, metav1.CreateOptions{})
	t.ok(err, "an issuer")
	s := &steps{t: t, b: b, what: "an issuance"}
	s.do("", func() error { return b.open(w.url + "?q=live/") })
	s.holds("document.getElementById('results').textContent.includes('No Certificate is like that')")
	_, err = w.certificate(ctx, "live", "fresh", "self", cmapi.CertificateStatus{})
	t.ok(err, "a Certificate")
	s.until("document.getElementById('row-live/fresh') && document.getElementById('results').textContent.includes('Ready')")
	s.do("", func() error { return b.open(w.url + "certificate?namespace=live&name=fresh") })
	s.until("document.querySelector('section[aria-labelledby=stored]').textContent.includes('SHA-256')")
	s.do("picture", func() error { return b.shoot("issued") })

	own := d.MetricsURL()[:len(d.MetricsURL())-len("metrics")]
	s.do("the page of who is confined to a namespace", func() error { return b.open(own) })
	s.holds("document.querySelector('#tile-all .number').textContent === '1'")
	s.do("", func() error { return b.open(own + "replicas") })
	s.holds("document.getElementById('results').textContent.includes('no leader election')")
	off, err := w.stage.Daemon(ctx, "without", "--namespace", "live", "--leader-elect=false", "--enable-web-page=false")
	if t.ok(err, "a daemon without the page") {
		answer, err := http.Get(off.MetricsURL()[:len(off.MetricsURL())-len("metrics")])
		if t.ok(err, "an answer without the page") {
			t.check(answer.StatusCode == http.StatusNotFound, "--enable-web-page=false: %s", answer.Status)
			answer.Body.Close()
		}
		t.ok(off.Stop(ctx), "its end")
	}
}

// quick is how long the answer may take for ten thousand, on an idle machine;
// this one is shared, so the fastest of several counts.
const quick = 100 * time.Millisecond

// tenThousand makes so many, and looks how long the page takes.
func tenThousand(ctx context.Context, t *tally, w *world, b *browser) {
	if !t.ok(w.many(ctx, 10000), "ten thousand Certificates") {
		return
	}
	s := &steps{t: t, b: b, what: "ten thousand"}
	s.do("", func() error { return b.open(w.url + "?q=many/") })
	s.until("document.getElementById('found').textContent.includes('of 10,000')")
	s.do("picture", func() error { return b.shoot("ten-thousand") })
	for _, view := range []string{"", "?q=c09999", "?sort=issuer&dir=desc&page=90", "issuers"} {
		fastest, size, err := fastestOf(ctx, 10, w.url+view)
		t.ok(err, view)
		t.check(fastest < quick, "/%s takes %s, want less than %s", view, fastest, quick)
		t.check(size < 200<<10, "/%s takes %d bytes", view, size)
		t.log.Line("page: /%s of ten thousand: %s, %d bytes", view, fastest.Round(time.Millisecond/10), size)
	}
	s.do("", func() error { return b.open(w.url) })
	s.do("", func() error { return b.tabTo("q") })
	s.do("", func() error { return b.press("c09999") })
	s.until("document.getElementById('found').textContent.startsWith('1–1 of 1')")
	nodes, err := eval[int](b, "document.getElementsByTagName('*').length")
	t.check(err == nil && nodes < 3000, "%d elements", nodes)
}

func fastestOf(ctx context.Context, n int, address string) (time.Duration, int, error) {
	var all []time.Duration
	size := 0
	for range n {
		began := time.Now()
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
		if err != nil {
			return 0, 0, err
		}
		answer, err := http.DefaultClient.Do(request)
		if err != nil {
			return 0, 0, err
		}
		body, err := io.ReadAll(answer.Body)
		answer.Body.Close()
		if err != nil {
			return 0, 0, err
		}
		if answer.StatusCode != http.StatusOK {
			return 0, 0, fmt.Errorf("%s: %s", address, answer.Status)
		}
		all, size = append(all, time.Since(began)), len(body)
	}
	return slices.Min(all), size, nil
}
