package cluster

import (
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"
)

// port is a TCP port that stays bound, though not listened on, until it is
// released. The component shares it with SO_REUSEPORT. So nobody else can get
// it between our choice and the component's start, nor while the component is
// down, when it refuses connections as a free port does.
type port struct {
	netip.AddrPort
	fd int
}

// reservePort reserves a port the kernel chooses.
func reservePort(address string) (*port, error) {
	ip, err := netip.ParseAddr(address)
	if err != nil {
		return nil, fmt.Errorf("reserve a port: %w", err)
	}
	fd, err := socket()
	if err != nil {
		return nil, fmt.Errorf("reserve a port: %w", err)
	}
	number, err := bind(fd, ip)
	if err != nil {
		unix.Close(fd)
		return nil, fmt.Errorf("reserve a port on %s (is it an address of this machine?): %w", address, err)
	}
	return &port{AddrPort: netip.AddrPortFrom(ip, number), fd: fd}, nil
}

// socket takes the lock of those that start processes: a component that
// inherited the socket would hold the port.
func socket() (int, error) {
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM, 0)
	if err == nil {
		unix.CloseOnExec(fd)
	}
	return fd, err
}

func bind(fd int, ip netip.Addr) (uint16, error) {
	if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEPORT, 1); err != nil {
		return 0, err
	}
	if err := unix.Bind(fd, &unix.SockaddrInet4{Addr: ip.As4()}); err != nil {
		return 0, err
	}
	bound, err := unix.Getsockname(fd)
	if err != nil {
		return 0, err
	}
	inet, ok := bound.(*unix.SockaddrInet4)
	if !ok {
		return 0, &net.AddrError{Err: "bound to no IPv4 address", Addr: ip.String()}
	}
	return uint16(inet.Port), nil
}

func (p *port) digits() string { return strconv.Itoa(int(p.Port())) }

func (p *port) release() {
	if p != nil {
		unix.Close(p.fd)
	}
}
