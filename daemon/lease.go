package daemon

import (
	"context"
	"fmt"
	"os"
	"sync"

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
	elector, err := leaderelection.NewLeaderElector(d.election(klog.FromContext(ctx), func(leading context.Context) {
		once.Go(func() {
			close(started)
			result = d.workUnder(ctx, leading, work)
			resign()
		})
	}))
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
	return result
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
		LeaseDuration:   d.cfg.LeaderElectionLeaseDuration,
		RenewDeadline:   d.cfg.LeaderElectionRenewDeadline,
		RetryPeriod:     d.cfg.LeaderElectionRetryPeriod,
		ReleaseOnCancel: true,
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
