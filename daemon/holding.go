package daemon

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/certwright/certwright/queue"

	"k8s.io/client-go/tools/leaderelection"
	"k8s.io/klog/v2"
)

// holding is one shard whose Lease is contended for, or held and worked on.
type holding struct {
	s     *sharing
	shard int
	lock  *shardLock
	drop  context.CancelFunc // gives the Lease up as it is
	ended chan struct{}

	given  context.CancelFunc // ends the work
	giving chan struct{}      // closed when it is given to another
	once   sync.Once
	to     string // whom to; written before giving is closed
}

// hold begins to hold a shard.
func (s *sharing) hold(ctx, under context.Context, shard int) {
	electing, drop := context.WithCancel(under)
	h := &holding{s: s, shard: shard, lock: s.leases.lock(shard), drop: drop, ended: make(chan struct{}), giving: make(chan struct{})}
	working, given := context.WithCancel(ctx)
	h.given = given
	s.holdings[shard] = h
	go func() {
		defer s.poke()
		defer close(h.ended)
		defer given()
		h.run(working, electing)
		h.handOver(under)
	}()
}

// won reports whether the Lease was won.
func (h *holding) won() bool { return h.lock.won.Load() }

// give has the shard handed over when all calls for it have ended.
func (h *holding) give(to string) {
	h.once.Do(func() {
		h.to = to
		close(h.giving)
		h.given()
	})
}

func (h *holding) givenTo() (string, bool) {
	select {
	case <-h.giving:
		return h.to, true
	default:
		return "", false
	}
}

// run contends for the Lease, and works while it is held and working goes on.
func (h *holding) run(working, electing context.Context) {
	defer h.drop()
	finished := make(chan struct{})
	elector, err := leaderelection.NewLeaderElector(leaderelection.LeaderElectionConfig{
		Name: h.lock.Describe(), Lock: h.lock,
		LeaseDuration: h.s.d.cfg.LeaderElectionLeaseDuration, RenewDeadline: h.s.d.cfg.LeaderElectionRenewDeadline,
		RetryPeriod: h.s.d.cfg.LeaderElectionRetryPeriod,
		Callbacks: leaderelection.LeaderCallbacks{
			OnStartedLeading: func(leading context.Context) {
				defer close(finished)
				defer h.drop()
				h.work(working, leading)
			},
			OnStoppedLeading: func() {},
		},
	})
	if err != nil { // options that Validate refuses
		h.s.fail(fmt.Errorf("leader election: %w", err))
		return
	}
	defer h.s.d.health.watchShard(elector)()
	// What it says of itself is told once for each shard by us.
	elector.Run(klog.NewContext(electing, klog.FromContext(working).V(2)))
	if h.won() {
		<-finished
	}
}

// work works on the shard whenever there is a permit, until working or the
// Lease ends; and then keeps the Lease until it is known whose it is next.
func (h *holding) work(working, leading context.Context) {
	won := time.Now()
	h.s.poke()
	going, stop := context.WithCancel(working)
	defer stop()
	defer context.AfterFunc(leading, stop)()
	for {
		permit, ok := h.s.permit.await(going, won)
		if !ok {
			break
		}
		h.term(going, leading, permit)
	}
	h.s.poke() // a replica that stops learns from the next look whom it goes to
	select {
	case <-leading.Done():
	case <-h.giving:
	}
}

// term is one term of work: what handlers remember ends with it.
func (h *holding) term(going, leading, permit context.Context) {
	working, stop := context.WithCancel(going)
	defer stop()
	defer context.AfterFunc(permit, stop)()
	cut, sever := context.WithCancel(context.Background())
	defer sever()
	// Without Lease or permit there is only the time until others may begin.
	hurry := func() { time.AfterFunc(placesLimit(h.s.d.cfg), sever) }
	defer context.AfterFunc(leading, hurry)()
	defer context.AfterFunc(permit, hurry)()

	logger := klog.FromContext(going)
	handlers := h.s.handlers()
	logger.Info("Took up a shard", "shard", h.shard, "of", h.s.d.cfg.Shards)
	h.s.moves.took()
	defer h.s.d.standing.work()()
	err := h.s.d.queue.Work(working, queue.Term{Shard: h.shard, Handlers: handlers, Keys: h.s.d.everyKey(), Cut: cut})
	h.s.moves.gave()
	if err == nil {
		err = quiet(handlers)
	}
	logger.Info("Gave up a shard", "shard", h.shard, "of", h.s.d.cfg.Shards, "reason", h.reason(going, leading, permit))
	if err != nil {
		h.s.fail(err)
	}
}

// reason is why a term ended.
func (h *holding) reason(going, leading, permit context.Context) string {
	_, given := h.givenTo()
	switch {
	case leading.Err() != nil:
		return "its Lease was lost, or could not be renewed in time"
	case given:
		return "it is another replica's now"
	case going.Err() == nil && permit.Err() != nil:
		return "no replica with as many shards is seen to lead"
	default:
		return "this replica stops"
	}
}

// handOver gives the Lease to whom it is for.
func (h *holding) handOver(under context.Context) {
	to, given := h.givenTo()
	if !given || !h.won() {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(under), giveBackTime)
	defer cancel()
	if err := h.s.leases.handOn(ctx, h.shard, to); err != nil {
		klog.FromContext(under).Info("A shard was not handed over: the next replica waits for its Lease to end", "shard", h.shard, "problem", err.Error())
	}
}

// fail ends the daemon.
func (s *sharing) fail(err error) {
	select {
	case s.failed <- err:
	default: // one is enough
	}
}

// quietTime is what is left to end of what was cancelled already.
const quietTime = 5 * time.Second

// quiet waits for what handlers do beside the workers. Errors: it does not end.
func quiet(handlers map[queue.Kind]queue.Handler) error {
	ctx, cancel := context.WithTimeout(context.Background(), quietTime)
	defer cancel()
	for kind, h := range handlers {
		if busy, ok := h.(interface {
			Quiet(ctx context.Context) error
		}); ok {
			if err := busy.Quiet(ctx); err != nil {
				return fmt.Errorf("what was begun for %ss has not ended: %w", kind, err)
			}
		}
	}
	return nil
}

// everyKey is all keys there are: those of what exists, and those that stand for
// more than one object, which only a sweep would wake.
func (d *Daemon) everyKey() func(yield func(queue.Key) bool) {
	return func(yield func(queue.Key) bool) {
		for key := range d.set.Everything() {
			if !yield(key) {
				return
			}
		}
		for _, key := range append(d.set.WebhookSetKeys(), queue.Places, queue.SharedServices) {
			if !yield(key) {
				return
			}
		}
	}
}
