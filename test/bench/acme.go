package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/certwright/certwright/test/acme/nameserver"
	"github.com/certwright/certwright/test/acme/parts"
	"github.com/certwright/certwright/test/acme/pebble"
	"github.com/certwright/certwright/test/acme/places"
	"github.com/certwright/certwright/test/harness"
)

// The ways to prove names to an ACME server.
const (
	byHTTP = "HTTP-01"
	byDNS  = "DNS-01"
)

// zone is where the names of a run are.
func (r run) zone() string {
	switch r.way {
	case byHTTP:
		return nameserver.HTTPZone
	case byDNS:
		return nameserver.DNSZone
	default:
		return "example.com"
	}
}

// furnishACME starts an ACME server with all that it needs, and a daemon that
// is led to it.
func (w *world) furnishACME(ctx context.Context, args []string) (err error) {
	if w.parts, err = parts.Start(ctx, w.stage, parts.Options{Log: w.progress, Pebble: pebble.Options{NonceReject: 5}}); err != nil {
		return err
	}
	w.daemon, err = w.stage.NewDaemon(harness.DaemonOptions{
		Name: "certwright", Args: append(w.parts.Args(), args...), Env: w.parts.Env(),
	})
	if err != nil {
		return err
	}
	if err := errors.Join(w.daemon.Start(), w.daemon.WaitReady(ctx)); err != nil {
		return err
	}
	for i := range w.namespaces {
		if err := w.addACME(ctx, namespace(i)); err != nil {
			return err
		}
	}
	return nil
}

func (w *world) addACME(ctx context.Context, namespace string) error {
	clients := w.stage.Clients
	if err := clients.EnsureNamespace(ctx, namespace); err != nil {
		return err
	}
	secret := parts.TSIG(namespace, w.parts.DNS.Key)
	if _, err := clients.Kube.CoreV1().Secrets(namespace).Create(ctx, secret, metav1.CreateOptions{}); err != nil {
		return err
	}
	solver := parts.HTTP01()
	if w.way == byDNS {
		solver = w.parts.DNS01()
	}
	return w.addIssuer(ctx, namespace, w.parts.Issuer(w.parts.Gate, "bench-account", solver))
}

// Places are those in which names were proved.
type Places struct {
	// Max is how many were in use at most, Mean how many on the average.
	Max  int     `json:"max"`
	Mean float64 `json:"mean"`
	// PerSecond is how many were in use at the end of each second.
	PerSecond []int `json:"perSecond"`
}

// placesWatch is nil in a run without ACME.
type placesWatch struct{ *places.Watch }

func (w *world) watchPlaces(ctx context.Context) (placesWatch, error) {
	if w.way == "" {
		return placesWatch{}, nil
	}
	watch, err := places.Begin(ctx, w.stage.Clients.CertManager)
	return placesWatch{watch}, err
}

// end sums up what was seen in the seconds that issuing took.
func (p placesWatch) end(seconds float64) (*Places, error) {
	if p.Watch == nil {
		return nil, nil
	}
	err := p.End()
	return summarize(p.Samples(), p.Max(), time.Duration(seconds*float64(time.Second))), err
}

// summarize has the number in use over time from its changes.
func summarize(changes []places.Sample, most int, span time.Duration) *Places {
	sum := &Places{Max: most}
	var area float64
	inUse, since, next := 0, time.Duration(0), 0
	for at := time.Second; at < span+time.Second; at += time.Second {
		for ; next < len(changes) && changes[next].After <= at; next++ {
			area += float64(inUse) * (changes[next].After - since).Seconds()
			inUse, since = changes[next].InUse, changes[next].After
		}
		sum.PerSecond = append(sum.PerSecond, inUse)
	}
	if span > 0 {
		sum.Mean = round(area / span.Seconds())
	}
	return sum
}

func (p Places) rows() [][]string {
	var over []string
	for _, n := range p.PerSecond {
		over = append(over, fmt.Sprint(n))
	}
	return [][]string{
		{"places in use", fmt.Sprintf("%d at most, %.1f on the average", p.Max, p.Mean)},
		{"  second by second", strings.Join(over, " ")},
	}
}

func (r Run) issuer() string {
	if r.ACME == "" {
		return "a CA issuer"
	}
	return "an ACME issuer, by " + r.ACME
}
