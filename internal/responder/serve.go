package responder

import (
	"context"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// Limits of a server that strangers reach. A validation request is one line and
// a few headers, and takes milliseconds.
const (
	// mostConnections bounds the memory, to some 20 MB. Beyond them the kernel's
	// queue holds new ones until one ends.
	mostConnections = 1024
	// crowded is from when on a connection ends with its answer, so that those
	// who keep theirs open do not keep others out.
	crowded = mostConnections * 3 / 4
	// headerBytes is for the headers that ingress controllers add.
	headerBytes = 16 << 10
	// requestTime is for the header and the body, of which there is none.
	requestTime = 5 * time.Second
	answerTime  = 10 * time.Second
	// idleTime is longer than ingress controllers keep a connection (60 s
	// ingress-nginx, 90 s traefik), so that it is they who end it, and no
	// request goes into a connection that is just being closed.
	idleTime = 100 * time.Second
	// farewell is what requests in flight get at the end.
	farewell = 2 * time.Second
)

// Serve answers on l by h within the limits of this package, until ctx ends and
// the requests in flight have been answered, or l fails. It closes l.
func Serve(ctx context.Context, l net.Listener, h http.Handler) error {
	bounded := &bounded{Listener: l, places: make(chan struct{}, mostConnections), closed: make(chan struct{})}
	server := &http.Server{
		Handler:                      bounded.thrifty(h),
		ReadHeaderTimeout:            requestTime,
		ReadTimeout:                  requestTime,
		WriteTimeout:                 answerTime,
		IdleTimeout:                  idleTime,
		MaxHeaderBytes:               headerBytes,
		DisableGeneralOptionsHandler: true,                       // "OPTIONS *" is nothing either
		ErrorLog:                     log.New(io.Discard, "", 0), // what strangers send wrongly is no news
	}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(bounded) }()
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
	}
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), farewell)
	defer cancel()
	if err := server.Shutdown(last); err != nil {
		_ = server.Close() // whoever takes longer than that is left
	}
	if err := <-ended; !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// bounded is a listener with a place for each connection.
type bounded struct {
	net.Listener
	places chan struct{}
	open   atomic.Int64
	once   sync.Once
	closed chan struct{}
}

// Accept waits for a place, and then for a connection.
func (b *bounded) Accept() (net.Conn, error) {
	select {
	case b.places <- struct{}{}:
	case <-b.closed:
		return nil, net.ErrClosed
	}
	c, err := b.Listener.Accept()
	if err != nil {
		<-b.places
		return nil, err
	}
	b.open.Add(1)
	return &placed{Conn: c, of: b}, nil
}

func (b *bounded) Close() error {
	b.once.Do(func() { close(b.closed) })
	return b.Listener.Close()
}

// thrifty ends each connection with its answer while many are open.
func (b *bounded) thrifty(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if b.open.Load() > crowded {
			w.Header()["Connection"] = closing
		}
		h.ServeHTTP(w, r)
	})
}

// placed is a connection that gives back its place once.
type placed struct {
	net.Conn
	of   *bounded
	once sync.Once
}

func (p *placed) Close() error {
	err := p.Conn.Close()
	p.once.Do(func() { p.of.open.Add(-1); <-p.of.places })
	return err
}
