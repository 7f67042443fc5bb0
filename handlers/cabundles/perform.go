package cabundles

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/certwright/certwright/internal/api"
	"github.com/certwright/certwright/internal/quarrel"
	"github.com/certwright/certwright/queue"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func (h *Handler) perform(ctx context.Context, key queue.Key, m *metav1.PartialObjectMetadata, o Observed, rec *memo, step Step) (queue.Result, error) {
	switch s := step.(type) {
	case Tell:
		return h.tell(key, m, s, rec), nil
	case Write:
		return h.write(ctx, key, o, s, rec)
	case Rest:
		rec.settled()
		if o.Target != nil {
			rec.right, rec.expires = state{o.Target.Meta.ResourceVersion, fingerprint(o.CA)}, s.Expires
		}
		return until(s.Expires, h.Clock.Now()), nil
	}
	return queue.Result{}, nil
}

func (h *Handler) tell(key queue.Key, m *metav1.PartialObjectMetadata, t Tell, rec *memo) queue.Result {
	now, wait := rec.tell(t, h.Clock.Now())
	if now {
		h.Events.Event(ref(key, &m.ObjectMeta), corev1.EventTypeWarning, t.Reason, t.Message)
	}
	return queue.Result{After: wait}
}

// write puts the bundles into the object, unless somebody keeps taking them out.
func (h *Handler) write(ctx context.Context, key queue.Key, o Observed, w Write, rec *memo) (queue.Result, error) {
	now, ca := h.Clock.Now(), fingerprint(o.CA)
	if wait := rec.writes.Pause(ca, now); wait > 0 {
		if first, _ := rec.tell(contested, now); first {
			h.Events.Event(ref(key, &o.Target.Meta), corev1.EventTypeWarning, contested.Reason, contested.Message)
		}
		return queue.Result{After: wait}, nil
	}
	version, err := h.patch(ctx, key, o.Target, w.Bundles)
	if err != nil {
		return queue.Result{}, err
	}
	rec.right, rec.expires = state{version, ca}, w.Expires
	if rec.writes.Count(ca, now) <= quarrel.Prompt {
		rec.settled()
		h.told(key, o, w)
	}
	return until(w.Expires, now), nil
}

// contested is told instead of the writes that follow.
var contested = Tell{Reason: reasonContested, Message: "caBundle: somebody else keeps taking out what is injected; it is put back ever more slowly: " +
	"leave caBundle out of what your deployment tool manages"}

func (h *Handler) told(key queue.Key, o Observed, w Write) {
	target := ref(key, &o.Target.Meta)
	if w.Garbage != nil {
		h.Events.Event(target, corev1.EventTypeWarning, reasonGarbage, fmt.Sprintf("caBundle: what was there could not be read and is replaced: %v", w.Garbage))
	}
	h.Events.Event(target, corev1.EventTypeNormal, reasonInjected, fmt.Sprintf("The CA of %s is in the CA bundle (%s)", sourceName(o.Injection), o.Injection.Annotation))
}

func sourceName(i api.Injection) string {
	if i.From == api.InjectFromAPIServer {
		return "the API server"
	}
	return noun(i) + " " + i.Value
}

// operation is a line of a JSON patch (RFC 6902).
type operation struct {
	Op    string `json:"op"`
	Path  string `json:"path"`
	Value any    `json:"value"`
}

// patch changes the bundles of the object as it was seen; if it has changed
// since, there is a conflict. It returns the resourceVersion that follows.
func (h *Handler) patch(ctx context.Context, key queue.Key, t *Target, bundles []Bundle) (string, error) {
	operations := []operation{{"replace", "/metadata/resourceVersion", t.Meta.ResourceVersion}}
	for _, b := range bundles {
		operations = append(operations, operation{"add", b.Path, b.PEM})
	}
	text, err := json.Marshal(operations)
	if err != nil {
		return "", fmt.Errorf("encode the patch: %w", err)
	}
	answer, err := h.Objects.Patch(ctx, key.Kind, key.Name, text)
	if err != nil {
		return "", fmt.Errorf("set the CA bundle: %w", err)
	}
	var got metav1.PartialObjectMetadata
	if err := json.Unmarshal(answer, &got); err != nil {
		return "", fmt.Errorf("decode the answer: %w", err)
	}
	return got.ResourceVersion, nil
}

// ref is what events are told about.
func ref(key queue.Key, m *metav1.ObjectMeta) *corev1.ObjectReference {
	kind := api.InjectableKind(key.Kind.String())
	return &corev1.ObjectReference{
		APIVersion: kind.GroupVersion().String(), Kind: kind.Kind, Name: key.Name, UID: m.UID, ResourceVersion: m.ResourceVersion,
	}
}
