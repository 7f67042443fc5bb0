package harness

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"
)

// ticks a second: the unit of /proc/PID/stat on every Linux architecture.
const ticks = 100

// CPU returns the processor time a process has used, user and system together.
func CPU(pid int) (time.Duration, error) {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, err
	}
	// The name in parentheses may hold spaces; the fields count from after it.
	text := string(stat)
	fields := strings.Fields(text[strings.LastIndexByte(text, ')')+1:])
	const utime, stime = 11, 12
	if len(fields) <= stime {
		return 0, fmt.Errorf("/proc/%d/stat has only %d fields", pid, len(fields))
	}
	user, err := strconv.ParseInt(fields[utime], 10, 64)
	if err != nil {
		return 0, err
	}
	system, err := strconv.ParseInt(fields[stime], 10, 64)
	return time.Duration(user+system) * (time.Second / ticks), err
}

// CPUOf adds up the processor time of several processes.
func CPUOf(pids ...int) (time.Duration, error) {
	var sum time.Duration
	for _, pid := range pids {
		used, err := CPU(pid)
		if err != nil {
			return 0, err
		}
		sum += used
	}
	return sum, nil
}

// RSS returns the resident memory of a process in bytes.
func RSS(pid int) (int64, error) {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(status)) {
		if rest, is := strings.CutPrefix(line, "VmRSS:"); is {
			kB, err := strconv.ParseInt(strings.Fields(rest)[0], 10, 64)
			return kB << 10, err
		}
	}
	return 0, fmt.Errorf("/proc/%d/status does not tell the RSS", pid)
}

// Peak follows the memory of a process in the background.
type Peak struct {
	mu   sync.Mutex
	peak int64
	stop context.CancelFunc
	done chan struct{}
}

// FollowRSS samples the memory of a process ten times a second, until Stop.
func FollowRSS(pid int) *Peak {
	ctx, cancel := context.WithCancel(context.Background())
	p := &Peak{stop: cancel, done: make(chan struct{})}
	go func() {
		defer close(p.done)
		tick := time.NewTicker(100 * time.Millisecond)
		defer tick.Stop()
		for {
			p.sample(pid)
			select {
			case <-tick.C:
			case <-ctx.Done():
				return
			}
		}
	}()
	return p
}

func (p *Peak) sample(pid int) {
	rss, err := RSS(pid)
	if err != nil {
		return // the process has ended; what it had is known
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.peak = max(p.peak, rss)
}

// Stop ends the sampling and returns the most memory that was seen, in bytes.
func (p *Peak) Stop() int64 {
	p.stop()
	<-p.done
	return p.peak
}

// Rest is how a process looks when it has come to rest.
type Rest struct {
	// After is how long it was still busy.
	After time.Duration
	// CPU was used until then; RSS is its memory at rest.
	CPU time.Duration
	RSS int64
}

// UntilAtRest waits until a process uses no processor time to speak of for the
// time quiet, or for as long as limit, and tells when it became so.
func UntilAtRest(ctx context.Context, pid int, quiet, limit time.Duration) (Rest, error) {
	const step = 200 * time.Millisecond
	// A tick in a step is a timer or a lease; a working daemon takes far more.
	const idle = 10 * time.Millisecond
	start := time.Now()
	first, err := CPU(pid)
	if err != nil {
		return Rest{}, err
	}
	last, busyUntil := first, start
	tick := time.NewTicker(step)
	defer tick.Stop()
	for time.Since(busyUntil) < quiet && time.Since(start) < limit {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return Rest{}, context.Cause(ctx)
		}
		used, err := CPU(pid)
		if err != nil {
			return Rest{}, err
		}
		if used-last > idle {
			busyUntil = time.Now()
		}
		last = used
	}
	rss, err := RSS(pid)
	return Rest{After: busyUntil.Sub(start), CPU: last - first, RSS: rss}, err
}
