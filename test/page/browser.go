package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// browser is a headless Chromium with one tab, and what went wrong in it.
type browser struct {
	axe, shots string
	tab        context.Context
	ends       []func()
	profile    string
	pages      int

	mu       sync.Mutex
	faults   []string
	requests []string
}

func openBrowser(ctx context.Context, axe, shots string) (*browser, error) {
	path, err := exec.LookPath("chromium")
	if err != nil {
		return nil, fmt.Errorf("%w; install the Debian package chromium", err)
	}
	profile, err := os.MkdirTemp("", "certwright-page-")
	if err != nil {
		return nil, err
	}
	flags := append(slices.Clone(chromedp.DefaultExecAllocatorOptions[:]), chromedp.ExecPath(path), chromedp.UserDataDir(profile), chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-background-networking", true), chromedp.Flag("disable-component-update", true), chromedp.Flag("disable-sync", true))
	allocated, end := chromedp.NewExecAllocator(ctx, flags...)
	tab, endTab := chromedp.NewContext(allocated)
	b := &browser{axe: axe, shots: shots, tab: tab, ends: []func(){endTab, end}, profile: profile}
	chromedp.ListenTarget(tab, b.heard)
	return b, b.do(network.Enable(), log.Enable(), runtime.Enable())
}

func (b *browser) close() error {
	err := chromedp.Cancel(b.tab) // waits for the process
	for _, end := range b.ends {
		end()
	}
	if errors.Is(err, context.Canceled) {
		err = nil
	}
	return errors.Join(err, os.RemoveAll(b.profile))
}

func (b *browser) heard(event any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch e := event.(type) {
	case *runtime.EventExceptionThrown:
		b.faults = append(b.faults, "exception: "+e.ExceptionDetails.Error())
	case *runtime.EventConsoleAPICalled:
		if e.Type == runtime.APITypeError || e.Type == runtime.APITypeWarning {
			b.faults = append(b.faults, "console:"+said(e.Args))
		}
	case *log.EventEntryAdded: // violations of the policy are told here
		if e.Entry.Level == log.LevelError || e.Entry.Level == log.LevelWarning {
			b.faults = append(b.faults, "log: "+e.Entry.Text+" "+e.Entry.URL)
		}
	case *network.EventRequestWillBeSent:
		b.requests = append(b.requests, e.Request.URL)
	}
}

// said is what was given to the console.
func said(args []*runtime.RemoteObject) string {
	text := ""
	for _, a := range args {
		text += fmt.Sprintf(" %s%s", a.Value, a.Description)
	}
	return text
}

// taken are the faults and requests since the last time.
func (b *browser) taken() (faults, requests []string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	faults, requests = b.faults, b.requests
	b.faults, b.requests = nil, nil
	return faults, requests
}

// patience is how long anything in the browser may take.
const patience = 20 * time.Second

func (b *browser) do(actions ...chromedp.Action) error {
	if chromedp.FromContext(b.tab).Target == nil { // the first one starts the browser, whose life is not to be bounded
		if err := chromedp.Run(b.tab); err != nil {
			return err
		}
	}
	ctx, cancel := context.WithTimeout(b.tab, patience)
	defer cancel()
	return chromedp.Run(ctx, actions...)
}

// open goes to a page and waits until it is there.
func (b *browser) open(address string) error {
	b.pages++
	return b.do(chromedp.Navigate(address), chromedp.WaitReady("footer"))
}

// look sets the size of the window and the theme of the system.
func (b *browser) look(width, height int64, theme string) error {
	return b.do(chromedp.EmulateViewport(width, height), emulation.SetEmulatedMedia().WithFeatures([]*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: theme}}))
}

// eval evaluates an expression to what JSON can hold.
func eval[T any](b *browser, expression string) (T, error) {
	var v T
	err := b.do(chromedp.Evaluate(expression, &v))
	return v, err
}

// until waits for an expression to be true. It may fail meanwhile: there may be
// another page by then.
func (b *browser) until(expression string) error {
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(patience)
	for {
		is, err := eval[bool](b, "Boolean("+expression+")")
		if err == nil && is {
			return nil
		}
		select {
		case <-deadline:
			return errors.Join(fmt.Errorf("%s is not so after %s", expression, patience), err)
		case <-tick.C:
		}
	}
}

func (b *browser) press(keys string) error { return b.do(chromedp.KeyEvent(keys)) }

// tabTo presses Tab until an element has the focus, as who has no mouse does.
func (b *browser) tabTo(id string) error {
	for range 150 {
		if err := b.press(kb.Tab); err != nil {
			return err
		}
		at, err := eval[string](b, "document.activeElement.id")
		if err != nil || at == id {
			return err
		}
	}
	return fmt.Errorf("Tab does not lead to #%s", id) //nolint:staticcheck // it is the key's name
}

// violations has axe-core look at the page.
func (b *browser) violations() ([]string, error) {
	var result []struct {
		ID, Help string
		Nodes    []struct{ HTML, FailureSummary string }
	}
	err := b.do(chromedp.Evaluate(b.axe+";0", nil), chromedp.Evaluate(
		`axe.run(document, {resultTypes: ["violations"], runOnly: ["wcag2a","wcag2aa","wcag21a","wcag21aa","wcag22aa","best-practice"]}).then(r => r.violations.map(v => ({ID: v.id, Help: v.help, Nodes: v.nodes.map(n => ({HTML: n.html, FailureSummary: n.failureSummary}))})))`,
		&result, func(p *runtime.EvaluateParams) *runtime.EvaluateParams { return p.WithAwaitPromise(true) }))
	var all []string
	for _, v := range result {
		all = append(all, fmt.Sprintf("%s (%s): %.300s %.300s", v.ID, v.Help, v.Nodes[0].HTML, v.Nodes[0].FailureSummary))
	}
	return all, err
}

// shoot leaves a picture, where some are wanted.
func (b *browser) shoot(name string) error {
	if b.shots == "" {
		return nil
	}
	var picture []byte
	if err := b.do(chromedp.FullScreenshot(&picture, 100)); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(b.shots, name+".png"), picture, 0o644)
}

// strangers are the requests that went anywhere but below an address.
func strangers(requests []string, home string) []string {
	return slices.DeleteFunc(slices.Clone(requests), func(r string) bool {
		return strings.HasPrefix(r, home) || strings.HasPrefix(r, "data:")
	})
}

func pathName(path string) string {
	if u, err := url.Parse(path); err == nil && u.Path != "" {
		return strings.Trim(u.Path, "/") + strings.ReplaceAll(u.Query().Get("name"), "/", "-")
	}
	return "list"
}
