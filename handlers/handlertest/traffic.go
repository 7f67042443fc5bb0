package handlertest

import (
	"errors"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	k8stesting "k8s.io/client-go/testing"
)

// Fate is what becomes of a write.
type Fate int

// The fates.
const (
	Stored  Fate = iota // and the caller hears of it
	Lost                // not stored, and the caller gets an error
	Unheard             // stored, and the caller gets an error all the same
)

// ErrOutOfReach is what a caller gets for a write that was lost or unheard.
var ErrOutOfReach = errors.New("the API server is out of reach")

// killed is the panic that ends a process between two writes.
type killed struct{}

// KillAfter ends the process once n more writes are stored: the last of them
// is, and nobody hears of it. See [Process.Settle].
func (w *World) KillAfter(n int) {
	w.fate = func(count int) Fate {
		if count > n {
			panic(killed{})
		}
		return Stored
	}
	w.after = func(count int) {
		if count == n {
			panic(killed{})
		}
	}
	w.count = 0
}

// Fail gives the nth write from now on a fate, and all others are stored.
func (w *World) Fail(n int, f Fate) {
	w.count, w.after = 0, nil
	w.fate = func(count int) Fate {
		if count == n {
			return f
		}
		return Stored
	}
}

// Mend ends KillAfter and Fail.
func (w *World) Mend() { w.fate, w.after, w.count = nil, nil, 0 }

// react answers what clients ask, in place of the fakes' own trackers.
func (w *World) react(a k8stesting.Action) (bool, runtime.Object, error) {
	switch a := a.(type) {
	case k8stesting.GetActionImpl:
		w.Reads = append(w.Reads, fmt.Sprintf("get %s %s", a.GetResource().Resource, a.GetName()))
		o, err := w.server.get(a.GetResource(), a.GetNamespace(), a.GetName())
		return answer(o, err)
	case k8stesting.CreateActionImpl:
		o := a.GetObject().DeepCopyObject().(object)
		o.SetNamespace(a.GetNamespace())
		return w.write(a, "create", o.GetName(), func() (object, error) {
			return w.server.create(a.GetResource(), o, a.CreateOptions.FieldManager)
		})
	case k8stesting.UpdateActionImpl:
		o := a.GetObject().(object)
		return w.write(a, "update", o.GetName(), func() (object, error) {
			return w.server.update(a.GetResource(), o, a.GetSubresource(), a.UpdateOptions.FieldManager)
		})
	case k8stesting.DeleteActionImpl:
		return w.write(a, "delete", a.GetName(), func() (object, error) {
			return nil, w.server.remove(a.GetResource(), a.GetNamespace(), a.GetName(), a.DeleteOptions.Preconditions)
		})
	case k8stesting.PatchActionImpl:
		if a.GetPatchType() == types.MergePatchType && a.GetResource() == requestsResource {
			return w.write(a, "patch", a.GetName(), func() (object, error) {
				return w.server.annotate(a.GetResource(), a.GetNamespace(), a.GetName(), a.GetPatch())
			})
		}
		if a.GetPatchType() != types.ApplyPatchType || a.GetResource() != secretsResource {
			break
		}
		return w.write(a, "apply", a.GetName(), func() (object, error) {
			return w.server.apply(a.GetNamespace(), a.GetName(), a.GetPatch(), a.PatchOptions.FieldManager)
		})
	}
	return true, nil, fmt.Errorf("handlertest: no handler should ask for %s %s", a.GetVerb(), a.GetResource().Resource)
}

// write records a write that reached the server, whatever came of it.
func (w *World) write(a k8stesting.Action, verb, name string, do func() (object, error)) (bool, runtime.Object, error) {
	w.count++
	fate := Stored
	if w.fate != nil {
		fate = w.fate(w.count)
	}
	if fate == Lost {
		return true, nil, ErrOutOfReach
	}
	resource := a.GetResource().Resource
	if a.GetSubresource() != "" {
		resource += "/" + a.GetSubresource()
	}
	o, err := do()
	line := fmt.Sprintf("%s %s %s", verb, resource, name)
	if err != nil {
		line += ": " + string(apierrors.ReasonForError(err))
	}
	w.Writes = append(w.Writes, line)
	if w.after != nil {
		w.after(w.count)
	}
	if err == nil && fate == Unheard {
		return true, nil, ErrOutOfReach
	}
	return answer(o, err)
}

// answer keeps a nil object of ours from becoming a non-nil one of theirs.
func answer(o object, err error) (bool, runtime.Object, error) {
	if o == nil || err != nil {
		return true, nil, err
	}
	return true, o, nil
}
