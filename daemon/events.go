package daemon

import (
	"context"
	"sync"
	"time"

	cmscheme "github.com/cert-manager/cert-manager/pkg/client/clientset/versioned/scheme"
	certificatesv1 "k8s.io/api/certificates/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime"
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/kubernetes"
	typedcorev1 "k8s.io/client-go/kubernetes/typed/core/v1"
	"k8s.io/client-go/tools/record"
	"k8s.io/client-go/util/retry"
	"k8s.io/klog/v2"
)

const (
	// eventMemory is how many recent events are kept to count repetitions of.
	// The library's 4096 cost ten megabytes in a busy daemon.
	eventMemory = 512
	// maxPending bounds what waits to be sent, at about a kilobyte each. The
	// library's sink drops everything beyond a thousand, which a few hundred
	// Certificates made at once exceed.
	maxPending = 20_000
	// flushTime is how long a daemon told to stop goes on sending.
	flushTime = 5 * time.Second
)

// silence is how an event is sent again while the API server does not answer:
// four times in half a minute.
var silence = wait.Backoff{Duration: 2 * time.Second, Factor: 2, Steps: 5}

// recorder tells users by events what happened, and returns how to stop it.
// Sending never delays the work: it goes one event at a time, beside it.
func (d *Daemon) recorder(ctx context.Context) (record.EventRecorder, func()) {
	b := record.NewBroadcaster(record.WithContext(ctx))
	s := newSender(d.clients.Side)
	b.StartEventWatcher(s.add)
	var sending sync.WaitGroup
	sending.Go(func() { s.run(context.WithoutCancel(ctx)) })
	stop := func() {
		b.Shutdown()
		s.close()
		sending.Wait()
	}
	return d.events.over(b.NewRecorder(eventful(), corev1.EventSource{Component: "certwright"})), stop
}

// eventful knows every type that an event may be about.
func eventful() *runtime.Scheme {
	s := runtime.NewScheme()
	utilruntime.Must(cmscheme.AddToScheme(s))
	utilruntime.Must(certificatesv1.AddToScheme(s))
	return s
}

// sender sends events to the API server in the order they were told.
type sender struct {
	sink       record.EventSink
	correlator *record.EventCorrelator

	mu      sync.Mutex
	pending []*corev1.Event
	dropped int
	closing time.Time     // when set: until when to go on
	more    chan struct{} // there is something to send, or to stop for
}

func newSender(client kubernetes.Interface) *sender {
	return &sender{
		sink:       &typedcorev1.EventSinkImpl{Interface: client.CoreV1().Events("")},
		correlator: record.NewEventCorrelatorWithOptions(record.CorrelatorOptions{LRUCacheSize: eventMemory}),
		more:       make(chan struct{}, 1),
	}
}

func (s *sender) add(e *corev1.Event) {
	s.mu.Lock()
	if len(s.pending) < maxPending {
		s.pending = append(s.pending, e)
	} else {
		s.dropped++
	}
	s.mu.Unlock()
	s.wake()
}

func (s *sender) wake() {
	select {
	case s.more <- struct{}{}:
	default: // it is awake already
	}
}

// close lets run send what is pending, for a while.
func (s *sender) close() {
	s.mu.Lock()
	s.closing = time.Now().Add(flushTime)
	s.mu.Unlock()
	s.wake()
}

// take returns what is pending.
func (s *sender) take() []*corev1.Event {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.dropped > 0 {
		klog.Background().Info("Events were dropped: more happened than could be told", "dropped", s.dropped)
	}
	events := s.pending
	s.pending, s.dropped = nil, 0
	return events
}

func (s *sender) run(ctx context.Context) {
	for {
		<-s.more
		for _, e := range s.take() {
			if s.late() {
				return
			}
			s.send(ctx, e)
		}
		if s.stopped() {
			return
		}
	}
}

func (s *sender) late() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return !s.closing.IsZero() && time.Now().After(s.closing)
}

func (s *sender) stopped() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return !s.closing.IsZero() && len(s.pending) == 0
}

// send creates an event, or counts up the one it repeats.
func (s *sender) send(ctx context.Context, e *corev1.Event) {
	result, err := s.correlator.EventCorrelate(e)
	if err != nil || result.Skip {
		return
	}
	again := func(err error) bool { return !isAnswer(err) && !s.late() }
	if err := retry.OnError(silence, again, func() error { return s.write(result) }); err != nil {
		klog.FromContext(ctx).V(1).Info("Event not stored", "reason", e.Reason, "object", e.InvolvedObject.Name, "err", err)
	}
}

// write stores an event, and remembers how, so that its repetition counts it up.
func (s *sender) write(r *record.EventCorrelateResult) error {
	var stored *corev1.Event
	var err error
	if r.Event.Count > 1 {
		stored, err = s.sink.Patch(r.Event, r.Patch)
	}
	if r.Event.Count <= 1 || apierrors.IsNotFound(err) { // the earlier one may have expired
		r.Event.ResourceVersion = ""
		stored, err = s.sink.Create(r.Event)
	}
	if err == nil {
		s.correlator.UpdateState(stored)
	}
	return err
}

// isAnswer tells a refusal, which another try would meet again, from silence.
func isAnswer(err error) bool {
	_, ok := err.(apierrors.APIStatus)
	return ok && !apierrors.IsTooManyRequests(err) && !apierrors.IsServerTimeout(err)
}
