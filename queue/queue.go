package queue

import (
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/klog/v2"
)

// Options are what a Queue can be told. The zero value is good.
type Options struct {
	// LocalWorkers and RemoteWorkers are how many handlers each lane runs at a
	// time; zero or less means the defaults, 16 and 32.
	LocalWorkers  int
	RemoteWorkers int
	// Grace is how long handlers may go on after Run's context has ended before
	// their own context is cancelled; zero means 20 s, less than zero not at all.
	Grace time.Duration
	// Shards is in how many parts keys are worked on; zero or less means 1. With
	// more than one a key is kept only while its shard is worked on here.
	Shards int
	// Registerer takes the queue's metrics; nil means none. One Registerer
	// takes the metrics of one Queue: a second one panics in New.
	Registerer prometheus.Registerer
	// Waited is told how long a key was ready when a worker takes it. It must
	// not block. nil: nobody is.
	Waited func(Key, time.Duration)
}

const (
	// A local call spends its few milliseconds waiting for the API server.
	defaultLocalWorkers = 16
	// A remote call spends its seconds waiting for somebody else; a goroutine
	// that waits costs a few kilobytes.
	defaultRemoteWorkers = 32
	// A pod has 30 s between SIGTERM and SIGKILL by default: this leaves ten for
	// cancelled calls, the lease and the last log lines.
	defaultGrace = 20 * time.Second
)

// Queue takes keys from anyone and gives them to handlers. It starts goroutines
// in New, which end with Run or with ShutDown.
type Queue struct {
	lanes   [laneCount]*lane
	shards  shards
	limits  *limits
	running *running
	metrics *metrics
	grace   time.Duration
	ran     atomic.Bool
}

var _ Adder = (*Queue)(nil)

// New makes a Queue that takes keys at once and handles them when it is Run.
func New(o Options) *Queue {
	q := &Queue{shards: make(shards, orDefault(o.Shards, 1)), limits: newLimits(), running: newRunning(), grace: o.Grace}
	if o.Grace == 0 {
		q.grace = defaultGrace
	}
	q.metrics = newMetrics(q.running)
	q.metrics.waited = o.Waited
	q.metrics.register(o.Registerer)
	q.lanes[Local] = newLane(orDefault(o.LocalWorkers, defaultLocalWorkers), q.limits, q.metrics)
	q.lanes[Remote] = newLane(orDefault(o.RemoteWorkers, defaultRemoteWorkers), q.limits, q.metrics)
	return q
}

func orDefault(n, otherwise int) int {
	if n <= 0 {
		return otherwise
	}
	return n
}

// Add has the key handled as soon as a worker of its lane is free. It may be
// called before Run; after Run or ShutDown it does nothing.
func (q *Queue) Add(key Key) { q.AddAfter(key, 0) }

// AddAfter has the key handled when d has passed. Of several times given for a
// key the earliest is kept: a key cannot be postponed. d <= 0 is Add.
func (q *Queue) AddAfter(key Key, d time.Duration) {
	if !key.Kind.known() {
		// A fault in a route or an entry; it must not stop what is sound.
		klog.Background().Error(nil, "Dropping a key of no known kind", "key", key.String())
		return
	}
	if !q.shards.wants(key) {
		return
	}
	q.lanes[key.Kind.Lane()].AddAfter(key, d)
}

// Len says how many keys are ready and not yet taken. Keys that wait for their
// time are not counted.
func (q *Queue) Len() int {
	n := 0
	for _, l := range q.lanes {
		n += l.Len()
	}
	return n
}

// ShutDown drops what is in the queue and ends its goroutines; a running Run
// stops taking keys. It is only needed by who makes a Queue and never runs it.
func (q *Queue) ShutDown() {
	for _, l := range q.lanes {
		l.ShutDown()
	}
}
