// Command remote proves that certwright serves a cluster over a slow, lossy and
// interrupted line: the control plane is in one network, the daemon in another,
// and the line between them has a delay of 200 ms each way, loses one packet in
// twenty, and at times all of them: for moments, for 45 s, and for longer than
// the lease lasts. At last a standby beside the control plane takes over while
// the line is cut, and hands nothing back. It needs root and Linux.
//
//	go run ./remote
//	certificates 250 issued 250 duplicate 0 interruptions 8 catch-up-seconds 37
//
// duplicate counts CertificateRequests beyond one for each Certificate. It fails
// when there is one, and when catching up takes more than slow, after any
// interruption.
package main

import (
	"context"
	"errors"
	"time"

	"github.com/certwright/certwright/test/acme/netns"
	"github.com/certwright/certwright/test/cluster"
	"github.com/certwright/certwright/test/harness"
)

// bound ends a proof that hangs.
const bound = 12 * time.Minute

// slow is the longest that catching up may take when the line is back: not a
// minute, as the pauses of client-go would make it.
const slow = 45 * time.Second

func main() {
	netns.Main(func(ctx context.Context, progress *harness.Progress) (int, error) {
		if netns.Inside() {
			ctx, cancel := context.WithTimeout(ctx, bound)
			defer cancel()
			return 0, prove(ctx, progress)
		}
		_, daemon := harness.Build(ctx, progress)
		_, controlPlane := cluster.Binaries(ctx, progress)
		if err := errors.Join(daemon, controlPlane); err != nil {
			return 1, err
		}
		progress.Done()
		return netns.Rerun(ctx)
	})
}
