package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
)

// observer sees Certificates become Ready, through one watch of which it reads
// only the fields that say so. The API server encodes each event once for all
// watchers, so it costs little beside the daemon's own watch.
type observer struct {
	mu    sync.Mutex
	marks map[string]*mark
	want  int // revision that counts as done
	ready int

	changed chan struct{}
	failed  chan error
	stream  io.Closer
}

// mark is the life of one Certificate in one phase.
type mark struct {
	asked, ready time.Time
}

// watched is the little we read of a watch event.
type watched struct {
	Type   string
	Object struct {
		Metadata struct{ Namespace, Name string }
		Message  string // of a Status, when Type is ERROR
		Status   json.RawMessage
	}
}

type watchedStatus struct {
	Revision   int
	Conditions []struct{ Type, Status string }
}

// observe begins to watch all Certificates of the cluster.
func observe(ctx context.Context, client rest.Interface) (*observer, error) {
	stream, err := client.Get().Resource("certificates").
		VersionedParams(&metav1.ListOptions{Watch: true}, metav1.ParameterCodec).Stream(ctx)
	if err != nil {
		return nil, fmt.Errorf("watch Certificates: %w", err)
	}
	o := &observer{
		marks: map[string]*mark{}, changed: make(chan struct{}, 1), failed: make(chan error, 1), stream: stream,
	}
	go o.read(stream)
	return o, nil
}

// phase forgets what was seen and counts Certificates of that revision from now.
func (o *observer) phase(revision int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.marks, o.want, o.ready = map[string]*mark{}, revision, 0
}

// begin notes that something is asked for, just before it is.
func (o *observer) begin(namespace, name string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.marks[namespace+"/"+name] = &mark{asked: time.Now()}
}

func (o *observer) read(stream io.Reader) {
	events := json.NewDecoder(stream)
	for {
		var event watched
		if err := events.Decode(&event); err != nil {
			o.failed <- fmt.Errorf("the watch of Certificates ended: %w", err)
			return
		}
		if event.Type == "ERROR" {
			o.failed <- errors.New("the watch of Certificates failed: " + event.Object.Message)
			return
		}
		o.see(event, time.Now())
	}
}

func (o *observer) see(event watched, now time.Time) {
	var status watchedStatus
	if len(event.Object.Status) == 0 || json.Unmarshal(event.Object.Status, &status) != nil {
		return
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	m := o.marks[event.Object.Metadata.Namespace+"/"+event.Object.Metadata.Name]
	if m == nil || !m.ready.IsZero() || !status.done(o.want) {
		return
	}
	m.ready = now
	o.ready++
	select {
	case o.changed <- struct{}{}:
	default:
	}
}

func (s watchedStatus) done(revision int) bool {
	ready := false
	for _, c := range s.Conditions {
		if c.Type == "Issuing" && c.Status == "True" {
			return false
		}
		ready = ready || c.Type == "Ready" && c.Status == "True"
	}
	return ready && s.Revision >= revision
}

// stall is how long nothing may happen before the run is given up.
const stall = 2 * time.Minute

// wait waits until n are done, telling show how many are, and returns the
// latencies and the time from the first call to the last Ready.
func (o *observer) wait(ctx context.Context, n int, show func(done int)) ([]time.Duration, time.Duration, error) {
	timer := time.NewTimer(stall)
	defer timer.Stop()
	for {
		done := o.done()
		show(done)
		if done == n {
			latencies, span := o.latencies()
			return latencies, span, nil
		}
		select {
		case <-o.changed:
			timer.Reset(stall)
		case err := <-o.failed:
			return nil, 0, err
		case <-timer.C:
			return nil, 0, fmt.Errorf("%d of %d are done, and none more in %s: for example %s is not",
				done, n, stall, o.pending())
		case <-ctx.Done():
			return nil, 0, context.Cause(ctx)
		}
	}
}

func (o *observer) done() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.ready
}

func (o *observer) pending() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	for name, m := range o.marks {
		if m.ready.IsZero() {
			return name
		}
	}
	return ""
}

func (o *observer) latencies() (each []time.Duration, span time.Duration) {
	o.mu.Lock()
	defer o.mu.Unlock()
	var first, last time.Time
	for _, m := range o.marks {
		each = append(each, m.ready.Sub(m.asked))
		if first.IsZero() || m.asked.Before(first) {
			first = m.asked
		}
		if m.ready.After(last) {
			last = m.ready
		}
	}
	return each, last.Sub(first)
}

func (o *observer) close() { o.stream.Close() }
