package daemon

import (
	"context"
	"os"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

const (
	// idleCheck is how often it is looked whether the daemon is at rest.
	idleCheck = 3 * time.Second
	// idleAllocs is what a daemon at rest may allocate between two looks, in
	// bytes: renewing a lease takes some fifty thousand.
	idleAllocs = 256 << 10
	// busyAllocs is what must have been allocated, in bytes, for giving memory
	// back to be worth a collection.
	busyAllocs = 8 << 20
)

// thriftyMemory has garbage collected at half the usual growth, unless GOGC
// says otherwise: the caches live long and little garbage is made, so that a
// fifth of the memory costs hardly any time.
func thriftyMemory() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(50)
	}
}

// returnMemory gives memory back to the system each time the daemon comes to
// rest. The runtime alone would keep what a burst of work took for as long as
// nothing is allocated, which at rest is for ever.
func returnMemory(ctx context.Context) {
	look := time.NewTicker(idleCheck)
	defer look.Stop()
	last := allocated()
	returned := last
	for {
		select {
		case <-ctx.Done():
			return
		case <-look.C:
		}
		now := allocated()
		if now-last < idleAllocs && now-returned > busyAllocs {
			debug.FreeOSMemory()
			returned = now
		}
		last = now
	}
}

// allocated is how many bytes were ever allocated on the heap.
func allocated() uint64 {
	s := []metrics.Sample{{Name: "/gc/heap/allocs:bytes"}}
	metrics.Read(s)
	return s[0].Value.Uint64()
}
