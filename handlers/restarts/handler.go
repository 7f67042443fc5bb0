package restarts

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/certwright/certwright/queue"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	appsclient "k8s.io/client-go/kubernetes/typed/apps/v1"
	"k8s.io/client-go/tools/record"
	"k8s.io/utils/clock"
)

// Cache is what the handler reads.
type Cache interface {
	// RestartsSynced reports whether all workloads are known: who goes first
	// cannot be told before.
	RestartsSynced() bool
	// Those that ask to be restarted, in a namespace.
	RestartedDeployments(namespace string) []*appsv1.Deployment
	RestartedStatefulSets(namespace string) []*appsv1.StatefulSet
	RestartedDaemonSets(namespace string) []*appsv1.DaemonSet
	// OwnSecret returns a Secret that certwright keeps, or nil.
	OwnSecret(namespace, name string) *corev1.Secret
}

// Handler serves one key for each namespace.
type Handler struct {
	Cache  Cache
	Client appsclient.AppsV1Interface
	Events record.EventRecorder
	Clock  clock.PassiveClock

	mu      sync.Mutex
	rolling map[string]map[types.UID]Turn // by namespace
}

// recheck is how soon a key comes back while the caches fill.
const recheck = time.Second

// Handle takes one step in a namespace.
func (h *Handler) Handle(ctx context.Context, key queue.Key) (queue.Result, error) {
	if !h.Cache.RestartsSynced() {
		return queue.Result{After: recheck}, nil
	}
	o := h.observe(key.Namespace)
	return h.perform(ctx, o, Next(o, h.Clock.Now()))
}

func (h *Handler) observe(namespace string) Observed {
	o := Observed{Have: map[string]string{}}
	for _, d := range h.Cache.RestartedDeployments(namespace) {
		o.Workloads = append(o.Workloads, FromDeployment(d))
	}
	for _, d := range h.Cache.RestartedStatefulSets(namespace) {
		o.Workloads = append(o.Workloads, FromStatefulSet(d))
	}
	for _, d := range h.Cache.RestartedDaemonSets(namespace) {
		o.Workloads = append(o.Workloads, FromDaemonSet(d))
	}
	slices.SortFunc(o.Workloads, func(a, b Workload) int { return strings.Compare(a.Kind+"/"+a.Meta.Name, b.Kind+"/"+b.Meta.Name) })
	o.Turns = h.turns(namespace, o.Workloads)
	for _, w := range o.Workloads {
		for _, s := range w.Secrets {
			o.Have[s] = digest(h.Cache.OwnSecret(namespace, s))
		}
	}
	return o
}

// turns returns what is remembered of the workloads that still roll out.
func (h *Handler) turns(namespace string, all []Workload) map[types.UID]Turn {
	h.mu.Lock()
	defer h.mu.Unlock()
	kept := map[types.UID]Turn{}
	for _, w := range all {
		if t, ok := h.rolling[namespace][w.Meta.UID]; ok && (w.Rolling || t.behind(w)) {
			kept[w.Meta.UID] = t
		}
	}
	h.remember(namespace, kept)
	return maps.Clone(kept)
}

func (h *Handler) setTurn(w Workload, t Turn) {
	h.mu.Lock()
	defer h.mu.Unlock()
	turns := h.rolling[w.Meta.Namespace]
	if turns == nil {
		turns = map[types.UID]Turn{}
	}
	turns[w.Meta.UID] = t
	h.remember(w.Meta.Namespace, turns)
}

func (h *Handler) remember(namespace string, turns map[types.UID]Turn) {
	if h.rolling == nil {
		h.rolling = map[string]map[types.UID]Turn{}
	}
	if h.rolling[namespace] = turns; len(turns) == 0 {
		delete(h.rolling, namespace)
	}
}

func (h *Handler) perform(ctx context.Context, o Observed, step Step) (queue.Result, error) {
	switch s := step.(type) {
	case Mark:
		_, err := h.patch(ctx, s.Workload, s.Seen, false)
		return queue.Result{}, err
	case Wait:
		if _, known := o.Turns[s.Workload.Meta.UID]; !known {
			h.setTurn(s.Workload, Turn{Since: h.Clock.Now()})
		}
		return queue.Result{After: s.For}, nil
	case Skip:
		over := o.Turns[s.Workload.Meta.UID]
		over.Over = true
		h.setTurn(s.Workload, over)
		h.Events.Event(s.Workload.ref(), corev1.EventTypeWarning, "RolloutNotFinished", fmt.Sprintf(
			"the restart for a renewed certificate has not finished within %s: see its pods; the next workload is restarted meanwhile", patience))
		return queue.Result{After: recheck}, nil
	case Restart:
		generation, err := h.patch(ctx, s.Workload, s.Seen, true)
		if err != nil || generation == 0 {
			return queue.Result{}, err
		}
		h.setTurn(s.Workload, Turn{Generation: generation, Since: h.Clock.Now()})
		h.Events.Event(s.Workload.ref(), corev1.EventTypeNormal, "RestartedForCertificate", s.text())
	}
	return queue.Result{}, nil
}

// text tells of a restart, or of one that somebody else has to finish.
func (s Restart) text() string {
	secrets := strings.Join(s.Secrets, ", ")
	if s.Workload.Held {
		return fmt.Sprintf("The certificate in Secret %s was renewed; the pods get it when you resume the rollout, or delete them", secrets)
	}
	return fmt.Sprintf("Restarted, because the certificate in Secret %s was renewed", secrets)
}

// patch writes a mark, and into the pod template when the pods are to be
// replaced, all in one; it returns the generation that follows, 0 when the
// workload is gone.
func (h *Handler) patch(ctx context.Context, w Workload, seen map[string]string, restart bool) (int64, error) {
	mark, err := json.Marshal(seen) // in the order of the keys
	if err != nil {
		return 0, fmt.Errorf("encode the mark: %w", err)
	}
	body := map[string]any{"metadata": map[string]any{"uid": w.Meta.UID, "annotations": map[string]string{markAnnotation: string(mark)}}}
	if restart {
		body["spec"] = map[string]any{"template": map[string]any{"metadata": map[string]any{
			"annotations": map[string]string{templateAnnotation: combined(mark)}}}}
	}
	text, err := json.Marshal(body)
	if err != nil {
		return 0, fmt.Errorf("encode the patch: %w", err)
	}
	m, err := h.send(ctx, w, text)
	if apierrors.IsNotFound(err) {
		return 0, nil // the cache will learn of it
	}
	if err != nil {
		return 0, fmt.Errorf("patch %s %q: %w", w.Kind, w.Meta.Name, err)
	}
	return m.GetGeneration(), nil
}

func (h *Handler) send(ctx context.Context, w Workload, patch []byte) (metav1.Object, error) {
	o, ns := metav1.PatchOptions{}, w.Meta.Namespace
	switch w.Kind {
	case "Deployment":
		return h.Client.Deployments(ns).Patch(ctx, w.Meta.Name, types.MergePatchType, patch, o)
	case "StatefulSet":
		return h.Client.StatefulSets(ns).Patch(ctx, w.Meta.Name, types.MergePatchType, patch, o)
	default:
		return h.Client.DaemonSets(ns).Patch(ctx, w.Meta.Name, types.MergePatchType, patch, o)
	}
}

// ref is what events are told about.
func (w Workload) ref() *corev1.ObjectReference {
	return &corev1.ObjectReference{
		APIVersion: appsv1.SchemeGroupVersion.String(), Kind: w.Kind,
		Namespace: w.Meta.Namespace, Name: w.Meta.Name, UID: w.Meta.UID, ResourceVersion: w.Meta.ResourceVersion,
	}
}
