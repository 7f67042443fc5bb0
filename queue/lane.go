package queue

import (
	"fmt"

	"k8s.io/client-go/util/workqueue"
)

// Lane is a queue with workers of its own. There are two, so that calls to the
// world outside (ACME, DNS, Vault), which take seconds or time out, never hold
// up work that only needs the API server.
type Lane uint8

// The lanes.
const (
	// Local is for kinds that only talk to the API server.
	Local Lane = iota
	// Remote is for kinds that call other services.
	Remote

	laneCount
)

// String gives the lane's name in logs: "local" or "remote".
func (l Lane) String() string {
	switch l {
	case Local:
		return "local"
	case Remote:
		return "remote"
	}
	return fmt.Sprintf("lane(%d)", uint8(l))
}

// lane is one Lane at work.
type lane struct {
	workqueue.TypedRateLimitingInterface[Key]
	workers int
}

func newLane(workers int, limits *limits, m *metrics) *lane {
	clock := quietClock{}
	ready := workqueue.NewTypedWithConfig(workqueue.TypedQueueConfig[Key]{
		Clock: clock,
		Queue: &turns{metrics: m},
	})
	delaying := workqueue.NewTypedDelayingQueueWithConfig(workqueue.TypedDelayingQueueConfig[Key]{
		Clock: clock,
		Queue: ready,
	})
	return &lane{
		TypedRateLimitingInterface: workqueue.NewTypedRateLimitingQueueWithConfig(limits, workqueue.TypedRateLimitingQueueConfig[Key]{
			Clock:         clock,
			DelayingQueue: delaying,
		}),
		workers: workers,
	}
}
