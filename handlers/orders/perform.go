package orders

import (
	"context"
	"fmt"
	"time"

	"github.com/certwright/certwright/internal/acme"
	"github.com/certwright/certwright/queue"

	cmacme "github.com/cert-manager/cert-manager/pkg/apis/acme/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Reasons of events (contract 1.4).
const (
	reasonCreated  = "Created"
	reasonSolver   = "Solver"
	reasonComplete = "Complete"

	messageComplete = "Order completed successfully"
)

func (h *Handler) perform(ctx context.Context, o Observed, step Step) (queue.Result, error) {
	switch s := step.(type) {
	case Rest:
		return queue.Result{After: s.After}, nil
	case Hold:
		return queue.Result{After: s.After}, h.say(ctx, o.Order, s.Reason)
	case Begin:
		return h.begin(ctx, o, s)
	case Prove:
		return h.prove(ctx, o, s)
	case Withdraw:
		return queue.Result{}, h.withdraw(ctx, s.Challenges)
	case Poll:
		return h.poll(ctx, o, s)
	case Finalize:
		return h.finalize(ctx, o, s)
	case Collect:
		return h.collect(ctx, o, s)
	case Fail:
		return queue.Result{}, h.fail(ctx, o, s)
	}
	return queue.Result{}, fmt.Errorf("no effect is known for step %T", step)
}

// say writes what an Order waits for, once; nothing when it waits no more.
func (h *Handler) say(ctx context.Context, order *cmacme.Order, reason string) error {
	if order.Status.Reason == reason {
		return nil
	}
	next := order.DeepCopy()
	next.Status.Reason = reason
	return h.write(ctx, order, next)
}

func (h *Handler) write(ctx context.Context, before, next *cmacme.Order) error {
	if equality.Semantic.DeepEqual(before.Status, next.Status) {
		return nil
	}
	written, err := h.Client.Orders(next.Namespace).UpdateStatus(ctx, next, metav1.UpdateOptions{})
	if err != nil {
		return fmt.Errorf("write status of the Order: %w", err)
	}
	h.own.Stored(keyOf(before), written, h.Clock.Now())
	return nil
}

// prove makes the Challenges that are missing.
func (h *Handler) prove(ctx context.Context, o Observed, s Prove) (queue.Result, error) {
	account, err := h.Accounts.Of(ctx, o.Issuer)
	if err != nil {
		return h.fault(ctx, o, err)
	}
	for _, c := range s.Choices {
		ch, err := newChallenge(o.Order, c, account)
		if err != nil {
			return queue.Result{}, err
		}
		_, err = h.Client.Challenges(ch.Namespace).Create(ctx, ch, metav1.CreateOptions{})
		switch {
		case apierrors.IsAlreadyExists(err): // the cache will show it, or that it is going
		case err != nil:
			return queue.Result{}, fmt.Errorf("create Challenge %q: %w", ch.Name, err)
		default:
			h.Events.Event(o.Order, corev1.EventTypeNormal, reasonCreated, fmt.Sprintf("Created Challenge %q for %q", ch.Name, fullName(c.Authorization)))
		}
	}
	return queue.Result{}, nil
}

func (h *Handler) withdraw(ctx context.Context, all []*cmacme.Challenge) error {
	for _, ch := range all {
		uid := ch.UID // the very one that was looked at, not a namesake
		err := h.Client.Challenges(ch.Namespace).Delete(ctx, ch.Name, metav1.DeleteOptions{Preconditions: &metav1.Preconditions{UID: &uid}})
		if err != nil && !apierrors.IsNotFound(err) {
			return fmt.Errorf("delete Challenge %q: %w", ch.Name, err)
		}
	}
	return nil
}

// ask asks the server about the order.
func (h *Handler) ask(ctx context.Context, o *Observed) error {
	account, err := h.Accounts.Of(ctx, o.Issuer)
	if err != nil {
		return err
	}
	got, err := h.Server.Order(ctx, account, o.Order.Status.URL)
	if err != nil && !is(err, acme.Gone) {
		return err
	}
	o.Remote = &Remote{Order: got, Gone: err != nil}
	h.memory.change(o.Order, func(r *recollection) { r.faults, r.asked, r.quiet = 0, h.Clock.Now(), time.Time{} })
	return nil
}

// poll leaves the server to its work, and takes back what was said of a wait
// that is over.
func (h *Handler) poll(ctx context.Context, o Observed, s Poll) (queue.Result, error) {
	h.memory.change(o.Order, func(r *recollection) {
		if s.Busy {
			r.polls++
			r.quiet = h.Clock.Now().Add(s.After)
		}
	})
	return queue.Result{After: s.After}, h.say(ctx, o.Order, o.stuck())
}

// require reads an Order live before an act that cannot be undone, and reports
// whether it is as it was observed.
func (h *Handler) require(ctx context.Context, order *cmacme.Order) (*cmacme.Order, bool, error) {
	live, err := h.Client.Orders(order.Namespace).Get(ctx, order.Name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, fmt.Errorf("read the Order before going on: %w", err)
	}
	same := live.UID == order.UID && live.DeletionTimestamp == nil && unfinished(live) && live.Status.URL == order.Status.URL
	return live, same, nil
}
