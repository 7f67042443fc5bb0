package connection

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"sync"
	"sync/atomic"
	"time"

	utilnet "k8s.io/apimachinery/pkg/util/net"
	"k8s.io/client-go/rest"
	"k8s.io/klog/v2"
)

// Source says where the line leads, and which files say so.
type Source struct {
	// Load reads the files. It is called again when one of them has changed.
	Load func() (*rest.Config, error)
	// Files are the kubeconfigs; what they name by path is looked at as well.
	Files []string
}

// Line carries requests to one API server. It is an [http.RoundTripper].
type Line struct {
	source Source
	now    func() time.Time
	logger klog.Logger
	ended  <-chan struct{} // then nothing is held back any more

	current atomic.Pointer[way]
	// look asks Keep to look at the files now.
	look chan struct{}

	mu    sync.Mutex
	fault string        // what keeps requests from being served; "": nothing
	since time.Time     // of fault
	said  time.Time     // when it was told last
	fresh chan struct{} // closed when there is reason to try again
	clock clock
}

// way is one set of credentials at work.
type way struct {
	config    *rest.Config
	transport http.RoundTripper
	digest    digest
}

// The health checks of a connection, in seconds: after how long a silence the
// API server is asked for a sign of life, and how long that may take. client-go
// waits 30 and 15. A line of which only the data is lost would be noticed by
// TCP in a quarter of an hour; ten seconds leave room for four retransmissions.
const (
	silenceSeconds = "5"
	lifeSeconds    = "10"
)

// Open reads the source and makes a line of it. It makes no request. When ctx
// has ended, requests are still carried, and none is held back. Errors: the
// source's, or what is wrong with a file that it names.
func Open(ctx context.Context, source Source) (*Line, *rest.Config, error) {
	for name, value := range map[string]string{"HTTP2_READ_IDLE_TIMEOUT_SECONDS": silenceSeconds, "HTTP2_PING_TIMEOUT_SECONDS": lifeSeconds} {
		if os.Getenv(name) == "" { // client-go has no other way to be told
			if err := os.Setenv(name, value); err != nil {
				return nil, nil, err
			}
		}
	}
	l := &Line{source: source, now: time.Now, logger: klog.FromContext(ctx), ended: ctx.Done(), look: make(chan struct{}, 1), fresh: make(chan struct{})}
	w, err := l.read()
	if err != nil {
		return nil, nil, err
	}
	l.current.Store(w)
	return l, w.config, nil
}

// read makes a way of what the files say now.
func (l *Line) read() (*way, error) {
	rc, err := l.source.Load()
	if err != nil {
		return nil, err
	}
	// Before they are read, so that a change in between is seen as one.
	seen := digestOf(watched(l.source.Files, rc))
	// Read once, here: client-go would look at them every five minutes, and cut
	// every watch when they differ.
	if err := rest.LoadTLSFiles(rc); err != nil {
		return nil, fmt.Errorf("a file that the kubeconfig names: %w", err)
	}
	transport, err := transportOf(rc)
	if err != nil {
		return nil, err
	}
	return &way{config: rc, transport: transport, digest: seen}, nil
}

func transportOf(rc *rest.Config) (http.RoundTripper, error) {
	own := rest.CopyConfig(rc)
	own.TLSClientConfig.CertFile, own.TLSClientConfig.KeyFile, own.TLSClientConfig.CAFile = "", "", ""
	if own.Dial == nil {
		own.Dial = dial
	}
	client, err := rest.HTTPClientFor(own)
	if err != nil {
		return nil, fmt.Errorf("set up the connection to the API server: %w", err)
	}
	if client.Transport == nil { // plain HTTP without credentials
		return http.DefaultTransport, nil
	}
	return client.Transport, nil
}

// Keep looks after the line until ctx ends: it reads the files again when they
// change. It calls moved, and returns, when they name another API server: that
// may be another cluster, of which the caches know nothing.
func (l *Line) Keep(ctx context.Context, moved func()) {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	refused := "" // the last fault told
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		case <-l.look:
		}
		elsewhere, err := l.renew()
		switch {
		case err != nil && err.Error() != refused:
			l.logger.Error(err, "The kubeconfig has changed and cannot be used; going on with what it said before")
		case elsewhere:
			l.logger.Info("The kubeconfig names another API server; starting again with that")
			moved()
			return
		}
		refused = text(err)
	}
}

// lookEvery is how often the files are looked at. They are a few kilobytes.
const lookEvery = 5 * time.Second

// renew takes changed files into use. It tells whether they lead elsewhere.
func (l *Line) renew() (elsewhere bool, err error) {
	old := l.current.Load()
	if digestOf(watched(l.source.Files, old.config)).equal(old.digest) {
		return false, nil
	}
	renewed, err := l.read()
	switch {
	case err != nil:
		return false, err
	case renewed.config.Host != old.config.Host || renewed.config.APIPath != old.config.APIPath:
		return true, nil
	}
	l.current.Store(renewed)
	utilnet.CloseIdleConnectionsFor(old.transport)
	l.logger.Info("The credentials for the API server were read anew", "who", Whose(renewed.config))
	l.tryAgain()
	return false, nil
}

func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}
