package daemon

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"sync"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/labels"
)

// watcher is one watch, and the body of the answer to it.
type watcher struct {
	api      *apiServer
	target   target
	selector labels.Selector
	metadata bool
	lag      func() time.Duration // of each event; nil: none
	lost     <-chan struct{}      // the connection is cut

	ctx  context.Context
	stop context.CancelFunc

	mu     sync.Mutex
	frames []frame
	rest   []byte        // of the frame that is being read
	news   chan struct{} // there is a frame
}

// frame is a line that may be read when its time has come. io.EOF instead of
// one ends the stream.
type frame struct {
	due time.Time
	raw []byte
	end error
}

// watch opens a watch that goes on from a version. initial is that of a
// streamed list: all there is, and then a bookmark. The caller holds the lock.
func (a *apiServer) watch(ctx context.Context, w *watcher, version string, initial bool) error {
	from, err := strconv.ParseInt("0"+version, 10, 64)
	if err != nil {
		return apierrors.NewBadRequest(err.Error())
	}
	w.api, w.news = a, make(chan struct{}, 1)
	w.ctx, w.stop = context.WithCancel(ctx)
	if initial || version == "" || version == "0" {
		for _, o := range a.list(w.target, w.selector) {
			w.push("ADDED", o)
		}
		from = a.version
	}
	if initial {
		w.bookmark(a.version)
	}
	for _, c := range a.history {
		if c.version > from {
			w.tell(c)
		}
	}
	a.watchers[w] = true
	return nil
}

// tell passes on a change, as seen through the selector.
func (w *watcher) tell(c change) {
	if c.kind.plural != w.target.kind.plural {
		return
	}
	before, after := w.sees(c.before), w.sees(c.after)
	switch {
	case before && after:
		w.push("MODIFIED", c.after)
	case after:
		w.push("ADDED", c.after)
	case before:
		gone := c.before.DeepCopy()
		gone.SetResourceVersion(strconv.FormatInt(c.version, 10))
		w.push("DELETED", &object{Unstructured: *gone, raw: encode(gone.Object), version: c.version})
	}
}

func (w *watcher) sees(o *object) bool {
	return o != nil && within(w.target.namespace, o) && w.selector.Matches(labels.Set(o.GetLabels()))
}

func (w *watcher) push(event string, o *object) {
	w.send(frame{raw: fmt.Appendf(nil, `{"type":%q,"object":%s}`+"\n", event, present(o, w.metadata))})
}

// bookmark ends a streamed list.
func (w *watcher) bookmark(version int64) {
	o := unstructured.Unstructured{Object: map[string]any{}}
	o.SetGroupVersionKind(w.target.kind.GroupVersionKind)
	o.SetResourceVersion(strconv.FormatInt(version, 10))
	o.SetAnnotations(map[string]string{metav1.InitialEventsAnnotationKey: "true"})
	w.push("BOOKMARK", &object{Unstructured: o, raw: encode(o.Object)})
}

// send keeps the order of frames, however long each of them takes.
func (w *watcher) send(f frame) {
	w.mu.Lock()
	defer w.mu.Unlock()
	f.due = time.Now()
	if w.lag != nil {
		f.due = f.due.Add(w.lag())
	}
	if n := len(w.frames); n > 0 && w.frames[n-1].due.After(f.due) {
		f.due = w.frames[n-1].due
	}
	w.frames = append(w.frames, f)
	select {
	case w.news <- struct{}{}:
	default:
	}
}

// expire ends the watch as a server does that has forgotten what happened.
func (w *watcher) expire() {
	status := apierrors.NewResourceExpired("too old resource version").ErrStatus
	status.TypeMeta = metav1.TypeMeta{APIVersion: "v1", Kind: "Status"}
	w.send(frame{raw: fmt.Appendf(nil, `{"type":"ERROR","object":%s}`+"\n", encode(status))})
	w.send(frame{end: io.EOF})
}

// Read gives the frames that are due, and waits for the next.
func (w *watcher) Read(p []byte) (int, error) {
	for {
		n, wait, err := w.take(p)
		if n > 0 || err != nil {
			return n, err
		}
		var due <-chan time.Time
		if wait > 0 {
			timer := time.NewTimer(wait)
			defer timer.Stop()
			due = timer.C
		}
		select {
		case <-w.news:
		case <-due:
		case <-w.lost:
			return 0, errCut
		case <-w.ctx.Done():
			return 0, w.ctx.Err()
		}
	}
}

// take gives what can be read now, or how long that takes; 0 is unknown.
func (w *watcher) take(p []byte) (n int, wait time.Duration, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.rest) == 0 && len(w.frames) > 0 {
		head := w.frames[0]
		if wait := time.Until(head.due); wait > 0 {
			return 0, wait, nil
		}
		if head.end != nil {
			return 0, 0, head.end
		}
		w.rest, w.frames = head.raw, w.frames[1:]
	}
	n = copy(p, w.rest)
	w.rest = w.rest[n:]
	return n, 0, nil
}

// Close is called by a client that has had enough.
func (w *watcher) Close() error {
	w.stop()
	w.api.mu.Lock()
	defer w.api.mu.Unlock()
	delete(w.api.watchers, w)
	return nil
}

// present is an object as it was asked for: in full, or its metadata.
func present(o *object, metadata bool) []byte {
	if !metadata {
		return o.raw
	}
	return encode(map[string]any{
		"apiVersion": "meta.k8s.io/v1", "kind": "PartialObjectMetadata", "metadata": json.RawMessage(encode(o.Object["metadata"]))})
}
