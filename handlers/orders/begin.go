package orders

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/certwright/certwright/internal/acme"
	"github.com/certwright/certwright/internal/api"
	"github.com/certwright/certwright/queue"

	cmacme "github.com/cert-manager/cert-manager/pkg/apis/acme/v1"
	"k8s.io/apimachinery/pkg/types"
)

// begin makes the order at the server and writes down, in one write, where it is
// and what is to be proved for it.
func (h *Handler) begin(ctx context.Context, o Observed, s Begin) (queue.Result, error) {
	live, same, err := h.require(ctx, o.Order)
	if err != nil || !same {
		return queue.Result{}, err
	}
	account, err := h.Accounts.Of(ctx, o.Issuer)
	if err != nil {
		return h.fault(ctx, o, err)
	}
	got, err := h.make(ctx, o, account)
	if err != nil {
		return h.fault(ctx, o, err)
	}
	if other := h.rivalOf(o.Order, got.order.URL); other != nil {
		h.memory.change(o.Order, func(r *recollection) { r.rival, r.made = other, nil })
		return queue.Result{After: time.Millisecond}, nil // to say so
	}
	next := live.DeepCopy()
	next.Status = begun(got)
	if err := h.write(ctx, live, next); err != nil {
		return queue.Result{}, err
	}
	h.memory.change(o.Order, func(r *recollection) {
		r.made, r.unsure, r.quiet, r.polls, r.faults, r.asked = nil, false, time.Time{}, 0, 0, h.Clock.Now()
		if s.Again {
			r.restarts++
		}
	})
	return queue.Result{}, nil
}

// begun is the status of an order that was made.
func begun(m *made) cmacme.OrderStatus {
	status := cmacme.OrderStatus{URL: m.order.URL, FinalizeURL: m.order.FinalizeURL, State: state(m.order.State)}
	if api.ACMEFinal(status.State) {
		status.State = cmacme.Pending // its end has yet to be looked into
	}
	for _, a := range m.authorizations {
		wildcard := a.Wildcard
		to := cmacme.ACMEAuthorization{URL: a.URL, Identifier: a.Identifier.Value, Wildcard: &wildcard, InitialState: state(a.State)}
		for _, c := range a.Challenges {
			to.Challenges = append(to.Challenges, cmacme.ACMEChallenge{URL: c.URL, Token: c.Token, Type: c.Type})
		}
		status.Authorizations = append(status.Authorizations, to)
	}
	return status
}

// state says what the server says in the words of the API.
func state(s acme.State) cmacme.State {
	switch s {
	case acme.Deactivated, acme.Revoked:
		return cmacme.Invalid
	case "":
		return cmacme.Pending
	}
	return cmacme.State(s)
}

// make is the order at the server, as it was made in an earlier try, as another
// process left it, or new; with its authorizations.
func (h *Handler) make(ctx context.Context, o Observed, account acme.Account) (*made, error) {
	var got *made
	h.memory.change(o.Order, func(r *recollection) { got = r.made })
	if got == nil {
		order, err := h.order(ctx, o, account)
		if err != nil {
			return nil, err
		}
		got = &made{order: order}
		h.memory.change(o.Order, func(r *recollection) { r.made, r.unsure = got, false })
	}
	got.authorizations = nil
	for _, url := range got.order.Authorizations {
		a, err := h.Server.Authorization(ctx, account, url)
		if is(err, acme.Gone) { // and the order with it
			h.memory.change(o.Order, func(r *recollection) { r.made = nil })
			return nil, fmt.Errorf("the ACME server lost an order that it had just made: %w", transient(err))
		}
		if err != nil {
			return nil, err
		}
		got.authorizations = append(got.authorizations, a)
	}
	return got, nil
}

// order takes over the order that an earlier process may have made, or makes one.
func (h *Handler) order(ctx context.Context, o Observed, account acme.Account) (acme.Order, error) {
	wanted := h.wanted(o)
	if left, err := h.leftover(ctx, o, account, wanted); err != nil || left != nil {
		return value(left), err
	}
	order, err := h.Server.NewOrder(ctx, account, wanted)
	if wanted.Replaces != "" && aboutReplacing(err) {
		wanted.Replaces = "" // only a hint; RFC 9773, section 5
		order, err = h.Server.NewOrder(ctx, account, wanted)
	}
	if is(err, acme.Transient) {
		h.memory.change(o.Order, func(r *recollection) { r.unsure = true })
	}
	return order, err
}

func value(o *acme.Order) acme.Order {
	if o == nil {
		return acme.Order{}
	}
	return *o
}

// wanted is what is asked for.
func (h *Handler) wanted(o Observed) acme.NewOrder {
	spec := o.Order.Spec
	n := acme.NewOrder{Identifiers: identifiers(&spec), Profile: spec.Profile, Replaces: spec.Replaces}
	if spec.Duration != nil && o.Issuer.GetSpec().ACME.EnableDurationFeature {
		n.NotAfter = h.Clock.Now().Add(spec.Duration.Duration)
	}
	return n
}

func identifiers(spec *cmacme.OrderSpec) []acme.Identifier {
	dns, ips := api.OrderNames(spec)
	var all []acme.Identifier
	for _, name := range dns {
		all = append(all, acme.Identifier{Type: "dns", Value: name})
	}
	for _, ip := range ips {
		all = append(all, acme.Identifier{Type: "ip", Value: ip})
	}
	return all
}

// aboutReplacing reports whether a refusal may be about `replaces`, which some
// servers refuse in words of their own (RFC 9773, section 5, has alreadyReplaced).
func aboutReplacing(err error) bool {
	var e *acme.Error
	if !errors.As(err, &e) || e.Class != acme.Refused && e.Class != acme.Gone {
		return false
	}
	return e.Type == "alreadyReplaced" || e.Type == "malformed" || e.Type == "conflict" || strings.Contains(strings.ToLower(e.Detail), "replac")
}

// rivalOf is another Order under way that stands for the same order at the
// server, or nil.
func (h *Handler) rivalOf(order *cmacme.Order, url string) *rival {
	for _, other := range h.Cache.OrdersByURL(url) {
		if other.UID != order.UID && unfinished(other) {
			return &rival{types.NamespacedName{Namespace: other.Namespace, Name: other.Name}, other.UID}
		}
	}
	if h.memory.claim(url, order) {
		return nil
	}
	return h.memory.holder(url)
}
