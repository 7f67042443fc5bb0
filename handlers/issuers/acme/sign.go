package acme

import (
	"context"
	"fmt"

	"github.com/certwright/certwright/handlers/issuers"
	"github.com/certwright/certwright/internal/pki"

	cmacme "github.com/cert-manager/cert-manager/pkg/apis/acme/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Sign has a request signed by an Order, and tells how that stands. The Order's
// own events bring the request back.
func (b *Backend) Sign(ctx context.Context, r issuers.Request) (issuers.Outcome, error) {
	wanted, err := orderFor(r)
	if err != nil {
		return issuers.Outcome{}, err
	}
	current := b.cache.Order(wanted.Namespace, wanted.Name)
	if current == nil {
		return b.create(ctx, wanted)
	}
	return outcome(current, r)
}

// create makes the Order. That it exists already means that the cache is behind,
// and its event is on the way.
func (b *Backend) create(ctx context.Context, o *cmacme.Order) (issuers.Outcome, error) {
	_, err := b.orders.Orders(o.Namespace).Create(ctx, o, metav1.CreateOptions{})
	switch {
	case err == nil, apierrors.IsAlreadyExists(err):
		return waiting(o, "OrderCreated"), nil
	case apierrors.IsInvalid(err):
		return issuers.Outcome{}, issuers.Refuse(reasonInvalid, "the Order for this request is not valid: %v", err)
	default:
		return issuers.Outcome{}, fmt.Errorf("create Order %s/%s: %w", o.Namespace, o.Name, err)
	}
}

// waiting says the same from the Order's creation to its end, unless the Order
// itself has something to say, so that the request is written once.
func waiting(o *cmacme.Order, reason string) issuers.Outcome {
	if o.Status.Reason != "" {
		return issuers.Wait(reason, "Waiting for Order %s/%s: %s", o.Namespace, o.Name, o.Status.Reason)
	}
	return issuers.Wait(reason, "Waiting for Order %s/%s", o.Namespace, o.Name)
}

// outcome is what an Order says about its request.
func outcome(o *cmacme.Order, r issuers.Request) (issuers.Outcome, error) {
	owner := metav1.GetControllerOf(o)
	switch {
	case o.DeletionTimestamp != nil:
		return issuers.Wait(reasonPending, "Waiting for Order %s/%s, which is being deleted, to be gone", o.Namespace, o.Name), nil
	case owner != nil && owner.UID != r.Owner.UID && owner.Kind == r.Owner.Kind && owner.Name == r.Owner.Name:
		return issuers.Wait(reasonPending, "Waiting for Order %s/%s, which is of an earlier request of this name, to be gone", o.Namespace, o.Name), nil
	case owner == nil || owner.UID != r.Owner.UID || !sameRequest(o, r):
		return issuers.Outcome{}, issuers.Refuse(reasonInvalid, "Order %s/%s exists and is not of this request: delete it, and make a new request", o.Namespace, o.Name)
	}
	switch o.Status.State {
	case cmacme.Valid:
		return issued(o, r)
	case cmacme.Invalid, cmacme.Errored, cmacme.Expired:
		return issuers.Outcome{}, issuers.Refuse(reasonFailed, "Order %s/%s is %s%s", o.Namespace, o.Name, o.Status.State, because(o))
	default:
		return waiting(o, reasonPending), nil
	}
}

func because(o *cmacme.Order) string {
	if o.Status.Reason == "" {
		return ""
	}
	return ": " + o.Status.Reason
}

// issued passes on a certificate that is for the request's key.
func issued(o *cmacme.Order, r issuers.Request) (issuers.Outcome, error) {
	if len(o.Status.Certificate) == 0 { // it is stored with or after the state
		return waiting(o, reasonPending), nil
	}
	certs, err := pki.ParseBundle(o.Status.Certificate)
	switch {
	case err != nil:
		return issuers.Outcome{}, issuers.Refuse(reasonFailed, "Order %s/%s: status.certificate: %v: make a new request", o.Namespace, o.Name, err)
	case len(certs) == 0 || !pki.SamePublicKey(certs[0].PublicKey, r.Template.PublicKey):
		return issuers.Outcome{}, issuers.Refuse(reasonFailed, "Order %s/%s: status.certificate: it is not for the key of this request: make a new request", o.Namespace, o.Name)
	}
	return issuers.Outcome{Chain: o.Status.Certificate}, nil
}
