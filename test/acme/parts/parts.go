package parts

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync/atomic"

	"github.com/certwright/certwright/test/acme/gate"
	"github.com/certwright/certwright/test/acme/ingress"
	"github.com/certwright/certwright/test/acme/nameserver"
	"github.com/certwright/certwright/test/acme/pebble"
	"github.com/certwright/certwright/test/harness"
)

// Options say which parts to start.
type Options struct {
	// Log receives a line at a time about a first build.
	Log io.Writer
	// Lost tells of names whose HTTP-01 path leads to another machine.
	Lost func(host string) bool
	// OwnDNS takes our own DNS server also where BIND is.
	OwnDNS bool
	// Pebble is how the ACME server behaves; what it needs of the other parts
	// is filled in.
	Pebble pebble.Options
}

// Set is all parts, running.
type Set struct {
	// TLS signs the certificates of all servers here.
	TLS     *harness.Authority
	DNS     *nameserver.Server
	Ingress *ingress.Controller
	Pebble  *pebble.Server
	Gate    *gate.Gate

	dir     string
	log     io.Writer
	solver  int // the port of the daemon's responder
	servers atomic.Int64
	end     []func() error
}

// Start starts all parts beside a stage.
func Start(ctx context.Context, stage *harness.Stage, o Options) (*Set, error) {
	s := &Set{dir: filepath.Join(stage.Dir, "acme"), log: o.Log}
	if s.log == nil {
		s.log = io.Discard
	}
	if err := s.start(ctx, stage, o); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

func (s *Set) start(ctx context.Context, stage *harness.Stage, o Options) (err error) {
	if err := os.Mkdir(s.dir, 0o700); err != nil {
		return err
	}
	if s.TLS, err = harness.NewRoot("the servers of this test"); err != nil {
		return err
	}
	ports, err := harness.FreePorts(1)
	if err != nil {
		return err
	}
	s.solver = ports[0]
	dir, err := s.folder("dns")
	if err != nil {
		return err
	}
	if s.DNS, err = nameserver.Start(ctx, nameserver.Options{Dir: dir, Own: o.OwnDNS}); err != nil {
		return err
	}
	s.end = append(s.end, s.DNS.Close)
	// The controller is to live as long as the set, whatever ctx is for.
	running, stop := context.WithCancel(context.WithoutCancel(ctx))
	if s.Ingress, err = ingress.Start(running, stage.Clients.Kube, o.Lost); err != nil {
		stop()
		return err
	}
	s.end = append(s.end, func() error { stop(); return s.Ingress.Close() })
	s.Pebble, s.Gate, err = s.Server(ctx, o.Pebble)
	return err
}

func (s *Set) folder(name string) (string, error) {
	dir := filepath.Join(s.dir, name)
	return dir, os.Mkdir(dir, 0o700)
}

// Server starts one more ACME server, behind a gate of its own.
func (s *Set) Server(ctx context.Context, o pebble.Options) (*pebble.Server, *gate.Gate, error) {
	dir, err := s.folder(fmt.Sprintf("pebble-%d", s.servers.Add(1)))
	if err != nil {
		return nil, nil, err
	}
	o.Dir, o.Log, o.TLS, o.DNS, o.HTTPPort = dir, s.log, s.TLS, s.DNS.Address, s.Ingress.Port
	server, err := pebble.Start(ctx, o)
	if err != nil {
		return nil, nil, err
	}
	door, err := gate.Open(server.Address, s.TLS)
	if err != nil {
		server.Stop()
		return nil, nil, err
	}
	s.end = append(s.end, func() error { server.Stop(); return door.Close() })
	return server, door, nil
}

// Close ends all parts, the last first.
func (s *Set) Close() error {
	var all error
	for i := len(s.end) - 1; i >= 0; i-- {
		all = errors.Join(all, s.end[i]())
	}
	return all
}

// Args are flags that lead the daemon to the parts, and them to the daemon.
func (s *Set) Args() []string {
	return []string{
		fmt.Sprintf("--acme-http01-solver-listen-address=127.0.0.1:%d", s.solver),
		// A name and no address, because no EndpointSlice may lead to 127.0.0.1.
		fmt.Sprintf("--acme-http01-solver-address=localhost:%d", s.solver),
		"--dns01-recursive-nameservers=" + s.DNS.Address,
		"--dns01-recursive-nameservers-only",
	}
}

// Env leads the daemon's own look at HTTP-01 paths through the ingress
// controller.
func (s *Set) Env() []string {
	return []string{"HTTP_PROXY=" + s.Ingress.Proxy(), "NO_PROXY="}
}
