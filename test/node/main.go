//go:build linux

// Command node proves the three forms in which certwright runs in a cluster, on a
// real node: kubelet, scheduler, containerd and runc beside a control plane,
// traefik, pebble and a DNS server, in a network and among processes of their own.
// The image is what `make image` makes, the manifests are deploy/, applied by
// kubectl into namespaces that enforce the restricted Pod Security Standard.
//
// Each form rolls out, issues, is upgraded while it issues, and loses a pod. It
// needs root, Linux and the Debian packages containerd, runc,
// containernetworking-plugins and iproute2.
//
//	go run ./node
//	forms 3 ready 3 certificates 223 failed 0
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"github.com/certwright/certwright/test/acme/netns"
	"github.com/certwright/certwright/test/harness"
	"github.com/certwright/certwright/test/node/machine"
)

// partsVariable tells the program inside what was built, in JSON.
const partsVariable = "CERTWRIGHT_TEST_NODE"

// bound ends a proof that hangs.
const bound = 15 * time.Minute

func main() {
	netns.Main(func(ctx context.Context, progress *harness.Progress) (int, error) {
		if netns.Inside() {
			ctx, cancel := context.WithTimeoutCause(ctx, bound, fmt.Errorf("the proof took longer than %s", bound))
			defer cancel()
			return 0, inside(ctx, progress)
		}
		return outside(ctx, progress)
	})
}

// outside builds, for which there is no network inside, and removes what the
// machine inside leaves.
func outside(ctx context.Context, progress *harness.Progress) (code int, err error) {
	if err := machine.Lacks(); err != nil {
		return 1, err
	}
	p, err := build(ctx, progress)
	if err != nil {
		return 1, err
	}
	progress.Done()
	if p.Dir, err = os.MkdirTemp("", "certwright-node-"); err != nil {
		return 1, err
	}
	defer func() { err = errors.Join(err, p.clean()) }()
	text, err := json.Marshal(p)
	if err != nil {
		return 1, err
	}
	return netns.Confine(ctx, partsVariable+"="+string(text))
}

// clean removes what is left when everything inside has ended.
func (p built) clean() error {
	if err := os.Remove(p.Dir); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return machine.RemoveCgroups(p.cgroup())
}

// inside proves, and ends what it started; should we out there have been killed,
// nobody else removes what remains.
func inside(ctx context.Context, progress *harness.Progress) error {
	var p built
	if err := json.Unmarshal([]byte(os.Getenv(partsVariable)), &p); err != nil {
		return fmt.Errorf("%s: %w", partsVariable, err)
	}
	failed := prove(ctx, progress, p)
	return errors.Join(failed, machine.End(p.Dir), p.clean())
}
