package http01

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// dialer connects as validation servers do: to an IPv6 address when the name
// has one, and to an IPv4 address when that cannot be connected to. Whoever
// answers first counts, also with something wrong: then the AAAA record leads
// elsewhere than the A record, and so it would for the ACME server.
type dialer struct {
	resolver *net.Resolver
	connect  func(ctx context.Context, network, address string) (net.Conn, error)
}

// eachTime is for one address, so that one that swallows everything leaves time
// for another.
const eachTime = 3 * time.Second

func (d dialer) dial(ctx context.Context, network, address string) (net.Conn, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	addresses, err := d.lookUp(ctx, host)
	if err != nil {
		return nil, err
	}
	var last error
	for _, a := range addresses {
		c, err := d.one(ctx, network, net.JoinHostPort(a.String(), port))
		if err == nil {
			return &askFirst{Conn: c, asked: make(chan struct{})}, nil
		}
		last = err
		if ctx.Err() != nil {
			break
		}
	}
	return nil, last
}

func (d dialer) one(ctx context.Context, network, address string) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, eachTime)
	defer cancel()
	return d.connect(ctx, network, address)
}

// askFirst reads nothing before something was written: what a server says, or
// that it hangs up, is then always the answer to the request, and not sometimes
// a fault of a connection that was not in use yet.
type askFirst struct {
	net.Conn
	once  sync.Once
	asked chan struct{}
}

func (a *askFirst) Read(p []byte) (int, error) {
	<-a.asked
	return a.Conn.Read(p)
}

func (a *askFirst) Write(p []byte) (int, error) {
	defer a.once.Do(func() { close(a.asked) })
	return a.Conn.Write(p)
}

// Close lets go of who waits to read.
func (a *askFirst) Close() error {
	defer a.once.Do(func() { close(a.asked) })
	return a.Conn.Close()
}

// mostAddresses tried, of each family: as many as there is time for.
const mostAddresses = 2

// lookUp gives the addresses of a name in the order in which they are tried.
func (d dialer) lookUp(ctx context.Context, host string) ([]netip.Addr, error) {
	if ip, err := netip.ParseAddr(host); err == nil {
		return []netip.Addr{ip.Unmap()}, nil
	}
	// The dot keeps the search list of resolv.conf out: in a pod it has names of
	// the cluster.
	found, err := d.resolver.LookupNetIP(ctx, "ip", strings.TrimSuffix(host, ".")+".")
	if err != nil {
		var dns *net.DNSError
		if errors.As(err, &dns) {
			dns.Name = strings.TrimSuffix(dns.Name, ".")
		}
		return nil, err
	}
	var six, four []netip.Addr
	for _, a := range found {
		if a = a.Unmap(); a.Is4() {
			four = append(four, a)
		} else {
			six = append(six, a)
		}
	}
	return slices.Concat(six[:min(len(six), mostAddresses)], four[:min(len(four), mostAddresses)]), nil
}

// resolverFor asks these servers in turn; without any, it is the system's.
func resolverFor(nameservers []string) *net.Resolver {
	if len(nameservers) == 0 {
		return net.DefaultResolver
	}
	var turn atomic.Uint64
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
		server := nameservers[int((turn.Add(1)-1)%uint64(len(nameservers)))]
		return (&net.Dialer{}).DialContext(ctx, network, server)
	}}
}
