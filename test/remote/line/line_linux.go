package line

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"runtime"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// The addresses of the two ends (RFC 5737).
const (
	Near = "198.51.100.1"
	Far  = "198.51.100.2"
)

// Quality is how bad a line is.
type Quality struct {
	// Delay is that of each way.
	Delay time.Duration
	// Loss is the part of the packets that get lost, of 1.
	Loss float64
	// Rate is in bytes a second, each way.
	Rate float64
}

// Line joins our network and a far one.
type Line struct {
	quality   Quality
	near, far *os.File
	network   *os.File
	cut       atomic.Bool
	lost      atomic.Int64
	carried   atomic.Int64
}

// Lay makes the far network and a line to it. route is an address of ours that
// is to be reached from there. It lasts until ctx ends or Close.
func Lay(ctx context.Context, q Quality, route string) (*Line, error) {
	l := &Line{quality: q}
	var err error
	if l.near, err = end(Near, Far); err != nil {
		return nil, err
	}
	if err := l.beyond(route); err != nil {
		return nil, errors.Join(err, l.near.Close())
	}
	go l.carry(ctx, l.near, l.far)
	go l.carry(ctx, l.far, l.near)
	return l, nil
}

// beyond makes the far network on a thread that ends with the call: the
// network is kept by what we hold of it.
func (l *Line) beyond(route string) error {
	made := make(chan error)
	go func() {
		runtime.LockOSThread() // and never unlocked: nobody else may run in that network
		made <- func() (err error) {
			if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
				return fmt.Errorf("make a network (root needs CAP_SYS_ADMIN): %w", err)
			}
			if l.network, err = os.Open(fmt.Sprintf("/proc/self/task/%d/ns/net", unix.Gettid())); err != nil {
				return err
			}
			if l.far, err = end(Far, Near); err != nil {
				return err
			}
			return errors.Join(ip("link", "set", "lo", "up"), ip("route", "add", route, "via", Near))
		}()
	}()
	return <-made
}

// device is the interface at each end.
const device = "line0"

// end makes one end in the network of the calling thread.
func end(local, remote string) (*os.File, error) {
	fd, err := unix.Open("/dev/net/tun", unix.O_RDWR|unix.O_CLOEXEC|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, fmt.Errorf("open /dev/net/tun: %w", err)
	}
	request, err := unix.NewIfreq(device)
	if err != nil {
		return nil, err
	}
	request.SetUint16(unix.IFF_TUN | unix.IFF_NO_PI)
	if err := unix.IoctlIfreq(fd, unix.TUNSETIFF, request); err != nil {
		return nil, fmt.Errorf("make a tun device: %w", errors.Join(err, unix.Close(fd)))
	}
	file := os.NewFile(uintptr(fd), device)
	err = errors.Join(ip("addr", "add", local, "peer", remote, "dev", device), ip("link", "set", device, "mtu", "1400", "up"))
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return file, nil
}

func ip(args ...string) error {
	if out, err := exec.Command("ip", args...).CombinedOutput(); err != nil {
		return fmt.Errorf("ip %v (of the package iproute2): %w: %s", args, err, out)
	}
	return nil
}

// packet is on its way.
type packet struct {
	due     time.Time
	content []byte
}

// held is how many packets wait at an end before it drops them.
const held = 500

// carry brings packets from one end to the other, in order.
func (l *Line) carry(ctx context.Context, from, to *os.File) {
	way := make(chan packet, held)
	defer close(way)
	go deliver(way, to)
	free := time.Now() // when the line has sent what it was given
	for buffer := make([]byte, 2000); ctx.Err() == nil; {
		n, err := from.Read(buffer)
		if err != nil {
			return // closed
		}
		if l.cut.Load() || rand.Float64() < l.quality.Loss {
			l.lost.Add(1)
			continue
		}
		if now := time.Now(); free.Before(now) {
			free = now
		}
		free = free.Add(time.Duration(float64(n) / l.quality.Rate * float64(time.Second)))
		select {
		case way <- packet{free.Add(l.quality.Delay), append([]byte{}, buffer[:n]...)}:
			l.carried.Add(1)
		default:
			l.lost.Add(1)
		}
	}
}

func deliver(way <-chan packet, to *os.File) {
	for p := range way {
		<-time.After(time.Until(p.due))
		_, _ = to.Write(p.content) // what the other side does not take is lost
	}
}

// Cut loses everything from now on; neither end is told.
func (l *Line) Cut() { l.cut.Store(true) }

// Mend ends a cut.
func (l *Line) Mend() { l.cut.Store(false) }

// Beyond is the command that starts a program in the far network, as a prefix.
func (l *Line) Beyond() []string {
	return []string{"nsenter", fmt.Sprintf("--net=/proc/%d/fd/%d", os.Getpid(), l.network.Fd())}
}

// Packets says how many were carried and how many were lost so far.
func (l *Line) Packets() (carried, lost int64) { return l.carried.Load(), l.lost.Load() }

// Close takes the line away.
func (l *Line) Close() error {
	return errors.Join(l.near.Close(), l.far.Close(), l.network.Close())
}
