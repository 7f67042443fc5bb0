package daemon

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/certwright/certwright/daemon/webpage"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/uuid"
	"k8s.io/client-go/tools/leaderelection"
	"k8s.io/client-go/tools/leaderelection/resourcelock"
	"k8s.io/klog/v2"
)

// lead runs work while this replica holds the lease: not before it is won, and
// to its end before the lease is given back. under outlives ctx by that much.
// One that loses it, because the API server could not be reached for a while,
// contends for it again, with its caches as they are. work is told whether
// nobody else has held the lease since it ended last.
func (d *Daemon) lead(ctx, under context.Context, work func(ctx context.Context, kept bool) error) error {
	if !d.cfg.LeaderElect {
		return work(ctx, false)
	}
	last := -1 // how often the lease had changed hands when it was ours last
	for {
		err := d.leadOnce(ctx, under, func(ctx context.Context) error {
			before := last
			last = d.transitions(ctx)
			return work(ctx, last >= 0 && last == before)
		})
		if ctx.Err() != nil || !errors.Is(err, errLostLease) {
			return err
		}
		klog.FromContext(ctx).Info("The lease was lost, and all work ended; contending for it again",
			"lease", klog.KRef(d.cfg.LeaderElectionNamespace, d.cfg.LeaderElectionLeaseName))
	}
}

// transitions is how often the lease has changed hands; below 0 when that
// cannot be told. The election goes on meanwhile, and its lock is not to be shared.
func (d *Daemon) transitions(ctx context.Context) int {
	record, _, err := d.leaseLock().Get(ctx)
	if err != nil {
		return -1
	}
	return record.LeaderTransitions
}

// leadOnce is lead for one term. Errors: beside the work's, that the lease was lost.
func (d *Daemon) leadOnce(ctx, under context.Context, work func(context.Context) error) error {
	electing, resign := context.WithCancel(under)
	defer resign()
	var result error
	var once sync.WaitGroup
	started := make(chan struct{})
	election := d.election(klog.FromContext(ctx), func(leading context.Context) {
		once.Go(func() {
			close(started)
			result = d.workUnder(ctx, leading, work)
			resign()
		})
	})
	elector, err := leaderelection.NewLeaderElector(election)
	if err != nil {
		return fmt.Errorf("leader election: %w", err)
	}
	d.health.watch(elector)
	go func() { // a replica told to stop while it stands by has nothing to finish
		<-ctx.Done()
		select {
		case <-started:
		default:
			resign()
		}
	}()
	elector.Run(electing)
	once.Wait()
	if errors.Is(result, errLostLease) {
		return result // if it is still ours, we go on with it
	}
	if err := giveBack(under, election.Lock); err != nil {
		klog.FromContext(ctx).Info("The lease was not given back: the next leader waits for its end", "problem", err.Error())
	}
	return result
}

// giveBackTime is how long a daemon that stops waits for the API server to take
// the lease back.
const giveBackTime = 5 * time.Second

// giveBack frees the lease if it is still ours, which is only done when no work
// goes on any more. The library would do it before it tells the work of a lease
// that cannot be renewed: two would be at work.
func giveBack(ctx context.Context, lock resourcelock.Interface) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), giveBackTime)
	defer cancel()
	record, _, err := lock.Get(ctx)
	if err != nil || record.HolderIdentity != lock.Identity() {
		return err
	}
	now := metav1.Now()
	return lock.Update(ctx, resourcelock.LeaderElectionRecord{
		LeaderTransitions: record.LeaderTransitions, LeaseDurationSeconds: 1, RenewTime: now, AcquireTime: now,
	})
}

// workUnder ends the work with ctx or with the lease, whichever goes first.
func (d *Daemon) workUnder(ctx, leading context.Context, work func(context.Context) error) error {
	working, stop := context.WithCancel(ctx)
	defer stop()
	defer context.AfterFunc(leading, stop)()
	err := work(working)
	if err == nil && ctx.Err() == nil && leading.Err() != nil {
		return errLostLease
	}
	return err
}

// uniqueName is the host's, and a UUID that tells a restarted process from the
// one before it on the same host.
func uniqueName() string {
	host, err := os.Hostname()
	if err != nil {
		host = "certwright"
	}
	return host + "_" + string(uuid.NewUUID())
}

// leaseLock is the lease under this replica's name. No two calls may use one at
// the same time.
func (d *Daemon) leaseLock() *resourcelock.LeaseLock {
	return &resourcelock.LeaseLock{
		LeaseMeta:  metav1.ObjectMeta{Namespace: d.cfg.LeaderElectionNamespace, Name: d.cfg.LeaderElectionLeaseName},
		Client:     d.clients.Side.CoordinationV1(),
		LockConfig: resourcelock.ResourceLockConfig{Identity: d.name},
	}
}

func (d *Daemon) election(logger klog.Logger, lead func(context.Context)) leaderelection.LeaderElectionConfig {
	identity := d.name
	return leaderelection.LeaderElectionConfig{
		Name:          d.cfg.LeaderElectionLeaseName,
		Lock:          d.leaseLock(),
		LeaseDuration: d.cfg.LeaderElectionLeaseDuration,
		RenewDeadline: d.cfg.LeaderElectionRenewDeadline,
		RetryPeriod:   d.cfg.LeaderElectionRetryPeriod,
		Callbacks: leaderelection.LeaderCallbacks{
			OnStartedLeading: lead,
			OnStoppedLeading: func() {},
			OnNewLeader: func(leader string) {
				d.board.post(identity, []webpage.Shard{{Lease: d.cfg.LeaderElectionLeaseName, Holder: leader, Mine: leader == identity}})
				if leader != identity {
					logger.Info("Standing by: another replica holds the lease",
						"lease", klog.KRef(d.cfg.LeaderElectionNamespace, d.cfg.LeaderElectionLeaseName), "holder", leader)
				}
			},
		},
	}
}
