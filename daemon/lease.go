package daemon

import (
	"context"
	"fmt"
	"os"
	"sync"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/uuid"
	"k8s.io/client-go/tools/leaderelection"
	"k8s.io/client-go/tools/leaderelection/resourcelock"
	"k8s.io/klog/v2"
)

// lead runs work while this replica holds the lease: not before it is won, and
// to its end before the lease is given back. under outlives ctx by that much.
func (d *Daemon) lead(ctx, under context.Context, work func(context.Context) error) error {
	if !d.cfg.LeaderElect {
		return work(ctx)
	}
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

func (d *Daemon) election(logger klog.Logger, lead func(context.Context)) leaderelection.LeaderElectionConfig {
	host, err := os.Hostname()
	if err != nil {
		host = "certwright"
	}
	// The UUID tells a restarted process from the one before it on the same host.
	identity := host + "_" + string(uuid.NewUUID())
	return leaderelection.LeaderElectionConfig{
		Name: d.cfg.LeaderElectionLeaseName,
		Lock: &resourcelock.LeaseLock{
			LeaseMeta:  metav1.ObjectMeta{Namespace: d.cfg.LeaderElectionNamespace, Name: d.cfg.LeaderElectionLeaseName},
			Client:     d.clients.Side.CoordinationV1(),
			LockConfig: resourcelock.ResourceLockConfig{Identity: identity},
		},
		LeaseDuration: d.cfg.LeaderElectionLeaseDuration,
		RenewDeadline: d.cfg.LeaderElectionRenewDeadline,
		RetryPeriod:   d.cfg.LeaderElectionRetryPeriod,
		Callbacks: leaderelection.LeaderCallbacks{
			OnStartedLeading: lead,
			OnStoppedLeading: func() {},
			OnNewLeader: func(leader string) {
				if leader != identity {
					logger.Info("Standing by: another replica holds the lease",
						"lease", klog.KRef(d.cfg.LeaderElectionNamespace, d.cfg.LeaderElectionLeaseName), "holder", leader)
				}
			},
		},
	}
}
