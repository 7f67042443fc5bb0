package http01

import (
	"context"
	"errors"
	"fmt"

	"github.com/certwright/certwright/handlers/challenges"

	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
)

// kept is a kind of object as this package keeps it.
type kept[T metav1.Object] struct {
	kind  string
	store store[T]
	// ours tells whether an object of the right name is what we made.
	ours func(have T) bool
	// merge makes of what there is what it should be, in a copy, and leaves to
	// others what is theirs. It reports when only a new object can be that.
	merge func(have, want T) (next T, anew bool)
	// first is true when there is none yet, as far as can be told.
	first bool
}

// ensure makes an object be as it should, with no write when it is.
func (k kept[T]) ensure(ctx context.Context, want T) (T, error) {
	if k.first {
		made, err := k.create(ctx, want)
		if !apierrors.IsAlreadyExists(err) {
			return made, err
		}
	}
	have, err := k.store.Get(ctx, want.GetName(), metav1.GetOptions{})
	switch {
	case apierrors.IsNotFound(err):
		return k.create(ctx, want)
	case err != nil:
		return have, k.explain("read", want, err)
	case !k.ours(have):
		return have, challenges.Faulty("%s %s/%s exists, and was made by somebody else: delete or rename it, its name is needed for HTTP-01 challenges", k.kind, want.GetNamespace(), want.GetName())
	case have.GetDeletionTimestamp() != nil:
		return have, fmt.Errorf("%s %s/%s is being deleted, and is made anew after that", k.kind, want.GetNamespace(), want.GetName())
	}
	next, anew := k.merge(have, want)
	if anew {
		if err := k.delete(ctx, have); err != nil {
			return have, err
		}
		return k.create(ctx, want)
	}
	if equality.Semantic.DeepEqual(have, next) {
		return have, nil
	}
	have, err = k.store.Update(ctx, next, metav1.UpdateOptions{})
	return have, k.explain("update", want, err)
}

func (k kept[T]) create(ctx context.Context, want T) (T, error) {
	made, err := k.store.Create(ctx, want, metav1.CreateOptions{})
	return made, k.explain("create", want, err)
}

// remove deletes an object that is ours, if there is one.
func (k kept[T]) remove(ctx context.Context, namespace, name string) error {
	have, err := k.store.Get(ctx, name, metav1.GetOptions{})
	switch {
	case apierrors.IsNotFound(err): // also when the whole API is gone
		return nil
	case err != nil:
		return fmt.Errorf("read %s %s/%s: %w", k.kind, namespace, name, err)
	case !k.ours(have) || have.GetDeletionTimestamp() != nil:
		return nil
	}
	return k.delete(ctx, have)
}

// delete deletes what was looked at, and nothing that has taken its place.
func (k kept[T]) delete(ctx context.Context, have T) error {
	err := k.store.Delete(ctx, have.GetName(), metav1.DeleteOptions{
		Preconditions:     &metav1.Preconditions{UID: ptr.To(have.GetUID())},
		PropagationPolicy: ptr.To(metav1.DeletePropagationBackground),
	})
	if apierrors.IsNotFound(err) {
		return nil
	}
	return k.explain("delete", have, err)
}

// explain tells what somebody has to mend from what may pass.
func (k kept[T]) explain(verb string, o T, err error) error {
	switch {
	case err == nil:
		return nil
	case verb == "create" && apierrors.IsNotFound(err) && absentAPI(err):
		return challenges.Faulty("%s %s/%s: the API server does not know this kind of object: install its API (for HTTPRoute the CRDs of the Gateway API), or choose another solver", k.kind, o.GetNamespace(), o.GetName())
	case apierrors.IsForbidden(err) && !apierrors.HasStatusCause(err, namespaceTerminating), apierrors.IsInvalid(err), apierrors.IsBadRequest(err):
		return challenges.Faulty("%s %s %s/%s: the API server refuses: %v", verb, k.kind, o.GetNamespace(), o.GetName(), err)
	default:
		return fmt.Errorf("%s %s %s/%s: %w", verb, k.kind, o.GetNamespace(), o.GetName(), err)
	}
}

// namespaceTerminating is the cause of a refusal to make anything in a
// namespace that goes: then the challenge goes too.
const namespaceTerminating metav1.CauseType = "NamespaceTerminating"

// absentAPI tells an API that is not served from a namespace that is gone.
func absentAPI(err error) bool {
	var status apierrors.APIStatus
	if !errors.As(err, &status) {
		return false
	}
	details := status.Status().Details
	return details == nil || details.Kind != "namespaces"
}

// dress puts labels, annotations and owner where they are missing or wrong.
func dress(have, want metav1.Object) {
	have.SetLabels(over(have.GetLabels(), want.GetLabels()))
	have.SetAnnotations(over(have.GetAnnotations(), want.GetAnnotations()))
	have.SetOwnerReferences(want.GetOwnerReferences())
}

// over is a copy of have in which what is wanted is as wanted.
func over(have, want map[string]string) map[string]string {
	if len(have)+len(want) == 0 {
		return have
	}
	all := make(map[string]string, len(have)+len(want))
	for k, v := range have {
		all[k] = v
	}
	for k, v := range want {
		all[k] = v
	}
	return all
}
