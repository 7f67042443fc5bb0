package secretfiles

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/certwright/certwright/internal/filedir"
	"github.com/certwright/certwright/queue"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/klog/v2"
	"k8s.io/utils/clock"
)

// linger is how long a version stays after it was replaced, for readers that
// have resolved its directory and not yet opened its files.
const linger = 2 * time.Second

// Handler serves the keys of Secrets that are written into directories.
type Handler struct {
	// Secret answers from the cache; nil when it does not exist.
	Secret        func(namespace, name string) *corev1.Secret
	Outputs       []Output
	Dir           filedir.Dir // mode and owner
	RemoveDeleted bool
	Clock         clock.PassiveClock

	mu    sync.Mutex
	stand map[queue.Key]bool
}

// Key is the queue key of an output.
func (o Output) Key() queue.Key {
	return queue.Key{Kind: queue.SecretFiles, Namespace: o.Namespace, Name: o.Name}
}

// Handle brings the files of one Secret up to date.
func (h *Handler) Handle(ctx context.Context, key queue.Key) (queue.Result, error) {
	for _, o := range h.Outputs {
		if o.Key() == key {
			return h.output(ctx, o)
		}
	}
	return queue.Result{}, nil
}

func (h *Handler) output(ctx context.Context, o Output) (queue.Result, error) {
	dir := h.Dir
	dir.Path = o.Directory
	observed := Observed{Output: o, Secret: h.Secret(o.Namespace, o.Name), Files: dir.Current(), RemoveDeleted: h.RemoveDeleted}
	step := Next(observed)
	h.note(o.Key(), observed.Files != nil)
	if err := h.perform(ctx, o, dir, step); err != nil {
		return queue.Result{}, err
	}
	more, err := dir.Prune(linger, h.Clock.Now())
	if err != nil {
		return queue.Result{}, fmt.Errorf("remove replaced files: %w", err)
	}
	if more {
		return queue.Result{After: linger}, nil
	}
	return queue.Result{}, nil
}

func (h *Handler) perform(ctx context.Context, o Output, dir filedir.Dir, step Step) error {
	logger := klog.FromContext(ctx)
	switch s := step.(type) {
	case Keep:
		return queue.Terminal(fmt.Errorf("the files in %s are left as they are: %w", o.Directory, s.Why))
	case Remove:
		if err := dir.Remove(); err != nil {
			return fmt.Errorf("remove the files: %w", err)
		}
		h.note(o.Key(), false)
		logger.Info("Removed the files of a Secret that is gone", "directory", o.Directory)
	case Write:
		if err := dir.Publish(s.Files, h.Clock.Now()); err != nil {
			return fmt.Errorf("write the files: %w", err)
		}
		h.note(o.Key(), true)
		logger.Info("Wrote the files of a Secret", "directory", o.Directory)
	}
	return nil
}

// note remembers whether the files of a key stand.
func (h *Handler) note(key queue.Key, stand bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.stand == nil {
		h.stand = map[queue.Key]bool{}
	}
	h.stand[key] = stand
}

// AllStand reports whether there are files of every Secret chosen.
func (h *Handler) AllStand() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, o := range h.Outputs {
		if !h.stand[o.Key()] {
			return false
		}
	}
	return true
}
