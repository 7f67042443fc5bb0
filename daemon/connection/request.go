package connection

import (
	"context"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptrace"
	"sync/atomic"
	"time"
)

// patience is how long a request is held back that cannot be served. client-go's
// reflectors begin their pauses anew after two minutes without a failure, so
// that they are never far apart when the line is back.
const patience = 130 * time.Second

// The pauses between attempts of one request.
const (
	shortPause = time.Second
	longPause  = 3 * time.Second // and up to a half more
)

// dialTime is what a connection may take to be made: three attempts of TCP.
const dialTime = 5 * time.Second

func dial(ctx context.Context, network, address string) (net.Conn, error) {
	d := net.Dialer{Timeout: dialTime, KeepAlive: 15 * time.Second}
	return d.DialContext(ctx, network, address)
}

// RoundTrip sends a request, again and again while the API server cannot be
// reached or does not know us.
func (l *Line) RoundTrip(req *http.Request) (*http.Response, error) {
	over := time.NewTimer(patience)
	defer over.Stop()
	for pause := shortPause; ; pause = longPause + rand.N(longPause/2) {
		fresh := l.freshness()
		resp, sent, err := l.once(req)
		switch {
		case err == nil && resp.StatusCode != http.StatusUnauthorized:
			return resp, nil
		case err != nil && (sent || req.Context().Err() != nil): // a silent line tells of itself by the next attempt
			return resp, err
		}
		l.trouble(resp, err)
		again := replay(req)
		if again == nil || !l.wait(req.Context(), fresh, pause, over.C) {
			return resp, err
		}
		if resp != nil {
			drain(resp)
		}
		req = again
	}
}

// once sends a request one time. sent is false when it certainly was not: no
// connection came about.
func (l *Line) once(req *http.Request) (resp *http.Response, sent bool, err error) {
	var connected atomic.Bool
	ctx := httptrace.WithClientTrace(req.Context(), &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) { connected.Store(true) }})
	began := l.now()
	resp, err = l.current.Load().transport.RoundTrip(req.WithContext(ctx))
	if err == nil {
		l.answered(resp, began)
	}
	return resp, connected.Load(), err
}

// replay is the same request with its body from the start; nil when that
// cannot be had.
func replay(req *http.Request) *http.Request {
	if req.Body == nil || req.Body == http.NoBody {
		return req
	}
	if req.GetBody == nil {
		return nil
	}
	body, err := req.GetBody()
	if err != nil {
		return nil
	}
	again := req.Clone(req.Context())
	again.Body = body
	return again
}

// wait tells whether another attempt is to be made.
func (l *Line) wait(ctx context.Context, fresh <-chan struct{}, pause time.Duration, over <-chan time.Time) bool {
	t := time.NewTimer(pause)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-l.ended: // some of client-go's discovery takes no context
		return false
	case <-over:
		return false
	case <-fresh:
		return true
	case <-t.C:
		return true
	}
}

// drain lets the connection be used again.
func drain(resp *http.Response) {
	_, _ = io.CopyN(io.Discard, resp.Body, 64<<10) // a refusal is short; what is longer is not worth reading
	_ = resp.Body.Close()
}

// WrappedRoundTripper lets client-go find what is below, to close idle connections.
func (l *Line) WrappedRoundTripper() http.RoundTripper { return l.current.Load().transport }
