package daemon

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/certwright/certwright/internal/shards"
	"github.com/certwright/certwright/queue"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/klog/v2"
)

// share works on this replica's share of the shards until ctx ends, and returns
// when no call goes on any more and the Leases are handed on; under outlives ctx
// by that much. handlers makes new handlers, for the shard that is begun with.
// internal/shards says what is done and why; here it is done.
//
// Errors: handlers ignored that they were cancelled, so that only the end of the
// process can keep them from working beside the next replica.
func (d *Daemon) share(ctx, under context.Context, sweep func(context.Context), handlers func() map[queue.Kind]queue.Handler) error {
	if err := d.waitForCaches(ctx); err != nil {
		return nil // told to stop before there was anything to do
	}
	serving, end := context.WithCancel(under)
	var carrying sync.WaitGroup
	defer carrying.Wait()
	defer end()
	carrying.Go(func() { sweep(ctx) })
	served := make(chan error, 1)
	go func() { served <- d.queue.Serve(serving) }()
	s := newSharing(d, handlers)
	klog.FromContext(ctx).Info("Sharing the work", "shards", d.cfg.Shards, "identity", s.leases.me)
	err := s.run(ctx, under)
	end()
	return errors.Join(err, <-served)
}

// sharing is this replica among the others.
type sharing struct {
	d        *Daemon
	handlers func() map[queue.Kind]queue.Handler
	leases   *shardLeases
	permit   *permit
	moves    *shardMetrics
	wake     chan struct{} // to look at the Leases again now
	failed   chan error
	leaving  time.Time // when it was told to stop; zero: it was not

	seat     int       // the one it has, or none
	renewed  time.Time // its Lease
	waiting  string    // what was said last
	problem  string    // likewise
	holdings map[int]*holding
}

// noSeat is a replica's that has none.
const noSeat = -1

func newSharing(d *Daemon, handlers func() map[queue.Kind]queue.Handler) *sharing {
	identity := shards.Identity(uniqueName(), d.cfg.Shards)
	return &sharing{
		d: d, handlers: handlers, leases: newShardLeases(d.cfg, d.clients.Side.CoordinationV1(), identity),
		permit: &permit{}, moves: newShardMetrics(d.metrics, d.cfg.Shards),
		wake: make(chan struct{}, 1), failed: make(chan error, 1), seat: noSeat, holdings: map[int]*holding{},
	}
}

// looks is how many times in a retry period the Leases are looked at: what is
// handed over is idle for that long.
const looks = 3

func (s *sharing) run(ctx, under context.Context) error {
	tick := time.NewTicker(s.d.cfg.LeaderElectionRetryPeriod / looks)
	defer tick.Stop()
	defer s.permit.revoke()
	told := ctx.Done()
	for {
		err := s.pass(ctx, under)
		s.complain(ctx, err)
		if told == nil {
			s.abandon(err)
			if len(s.running()) == 0 {
				s.leases.rise(under, s.seat)
				return nil
			}
		}
		select {
		case <-told:
			told, s.leaving = nil, time.Now()
		case <-tick.C:
		case <-s.wake:
		case err := <-s.failed:
			return err
		}
	}
}

// poke has the Leases looked at now.
func (s *sharing) poke() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// pass looks at the Leases once and does what follows from them.
func (s *sharing) pass(ctx, under context.Context) error {
	// A slow answer is better than none: what it is worth is counted from the question.
	within, cancel := context.WithTimeout(under, s.d.cfg.LeaderElectionRenewDeadline)
	defer cancel()
	seen, err := s.leases.look(within)
	if err != nil {
		return err
	}
	s.d.board.post(s.leases.me, onBoard(s.leases, seen.shards[:s.d.cfg.Shards]))
	until := seen.renewed.Add(s.d.cfg.LeaderElectionRenewDeadline)
	running := s.running()
	held := map[int]bool{}
	for shard, h := range running {
		held[shard] = h.won()
	}
	plan := shards.Next(shards.View{
		Me: s.leases.me, Shards: s.d.cfg.Shards, Leaving: s.leaves(seen), Members: seen.members, Leases: seen.shards,
		Fresh: !seen.renewed.IsZero() && time.Now().Before(until), Held: held,
	})
	s.say(ctx, plan.Wait)
	if plan.Permit {
		s.permit.grant(seen.asked, until)
	} else {
		s.permit.revoke()
	}
	s.carryOut(ctx, under, plan, running)
	for shard, to := range plan.Pass {
		err = errors.Join(err, s.leases.handOn(within, shard, to))
	}
	if sat := s.sit(within, seen); sat != nil {
		if overtaken(sat) {
			s.poke()
			return err
		}
		err = errors.Join(err, sat)
	}
	return err
}

// carryOut begins and ends the holding of shards as planned.
func (s *sharing) carryOut(ctx, under context.Context, plan shards.Plan, running map[int]*holding) {
	wanted := map[int]bool{}
	for _, shard := range plan.Run {
		wanted[shard] = true
		if running[shard] == nil && s.leaving.IsZero() {
			s.hold(ctx, under, shard)
		}
	}
	for shard, h := range running {
		if to, given := plan.Give[shard]; given {
			h.give(to)
		} else if !wanted[shard] && !h.won() {
			h.drop() // somebody was quicker, or it is another's by now
		}
	}
}

// sit keeps a seat, or takes a free one.
func (s *sharing) sit(ctx context.Context, seen *seen) (err error) {
	leaving := !s.leaving.IsZero()
	if s.seat != noSeat && !seen.sits(s.seat, s.leases.me) {
		s.seat = noSeat // it was not renewed for so long that it was given away
	}
	switch {
	case s.seat == noSeat && leaving:
		return nil
	case s.seat == noSeat:
		if s.seat, err = s.leases.take(ctx, seen); err != nil || s.seat == noSeat {
			return err
		}
		s.poke()
	case leaving && !seen.leaves(s.seat):
		if err := s.leases.renew(ctx, seen, s.seat, true); err != nil {
			return err
		}
		s.poke()
	case time.Since(s.renewed) >= s.d.cfg.LeaderElectionRetryPeriod:
		if err := s.leases.renew(ctx, seen, s.seat, leaving); err != nil {
			return err
		}
	default:
		return nil
	}
	s.renewed = time.Now()
	return nil
}

// leaves reports whether this replica stops, and the others can know.
func (s *sharing) leaves(seen *seen) bool {
	return !s.leaving.IsZero() && (s.seat == noSeat || seen.leaves(s.seat))
}

// overtaken reports that another one was quicker.
func overtaken(err error) bool { return apierrors.IsConflict(err) || apierrors.IsAlreadyExists(err) }

// say says once who is waited for.
func (s *sharing) say(ctx context.Context, wait string) {
	if wait != s.waiting && wait != "" {
		klog.FromContext(ctx).Info("Standing by: "+wait, "lease", klog.KRef(s.d.cfg.LeaderElectionNamespace, s.d.cfg.LeaderElectionLeaseName))
	}
	s.waiting = wait
}

// complain says once what keeps this replica from looking at the Leases.
func (s *sharing) complain(ctx context.Context, err error) {
	problem := ""
	if err != nil && !overtaken(err) {
		problem = err.Error()
	}
	if problem != "" && s.problem == "" {
		remedy := "check the connection to the API server; what is held is given up in time"
		if apierrors.IsForbidden(err) {
			remedy = "grant it with: kubectl apply -k deploy/rbac/replicas"
		}
		klog.FromContext(ctx).Error(err, "Cannot keep the Leases by which replicas share the work", "remedy", remedy)
	}
	s.problem = problem
}

// abandon leaves the Leases of a replica that stops to their end, where the API
// server does not take them.
func (s *sharing) abandon(err error) {
	if err == nil || time.Since(s.leaving) < giveBackTime {
		return
	}
	for _, h := range s.running() {
		h.drop()
	}
}

// running is the shards whose Leases are held or contended for.
func (s *sharing) running() map[int]*holding {
	running := map[int]*holding{}
	for shard, h := range s.holdings {
		select {
		case <-h.ended:
			delete(s.holdings, shard)
		default:
			running[shard] = h
		}
	}
	return running
}
