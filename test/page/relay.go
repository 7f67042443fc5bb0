package main

import (
	"io"
	"net"
	"sync"
)

// relay hands connections on to the API server, until it is cut.
type relay struct {
	to string

	mu       sync.Mutex
	listener net.Listener
	open     map[net.Conn]bool
}

func newRelay(to string) (*relay, error) {
	r := &relay{to: to, open: map[net.Conn]bool{}}
	return r, r.listen("127.0.0.1:0")
}

func (r *relay) listen(address string) error {
	l, err := net.Listen("tcp", address)
	if err != nil {
		return err
	}
	r.mu.Lock()
	r.listener = l
	r.mu.Unlock()
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go r.pass(c)
		}
	}()
	return nil
}

func (r *relay) address() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.listener.Addr().String()
}

func (r *relay) pass(from net.Conn) {
	defer from.Close()
	to, err := net.Dial("tcp", r.to)
	if err != nil {
		return
	}
	defer to.Close()
	r.mu.Lock()
	r.open[from], r.open[to] = true, true
	r.mu.Unlock()
	go func() {
		_, _ = io.Copy(to, from) // either side may end it
		_ = to.Close()
	}()
	_, _ = io.Copy(from, to)
	r.mu.Lock()
	delete(r.open, from)
	delete(r.open, to)
	r.mu.Unlock()
}

// cut ends all connections, and takes no more.
func (r *relay) cut() {
	r.mu.Lock()
	defer r.mu.Unlock()
	_ = r.listener.Close()
	for c := range r.open {
		_ = c.Close()
	}
}

// mend takes connections again where it did before.
func (r *relay) mend() error { return r.listen(r.address()) }

func (r *relay) close() { r.cut() }
