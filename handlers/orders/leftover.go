package orders

import (
	"context"
	"slices"
	"time"

	"github.com/certwright/certwright/internal/acme"

	cmacme "github.com/cert-manager/cert-manager/pkg/apis/acme/v1"
)

const (
	// mostLooked bounds how many orders of an account are looked at: a list may
	// hold thousands, and a second order costs less than reading them.
	mostLooked = 20
	// leastLeft is what must be left of the life of an order to take it over.
	leastLeft = 30 * time.Minute
)

// leftover finds the order that an earlier process, or a try without an answer,
// may have made for an Order; nil when there is none, or it cannot be told. It
// looks only where that may be so, and takes over only what cannot be meant for
// another Order.
func (h *Handler) leftover(ctx context.Context, o Observed, account acme.Account, wanted acme.NewOrder) (*acme.Order, error) {
	var unsure bool
	h.memory.change(o.Order, func(r *recollection) { unsure = r.unsure })
	if !unsure && !h.memory.older(o.Order) || wanted.Profile != "" || !wanted.NotAfter.IsZero() || len(h.Cache.OrdersLike(o.Order)) > 1 {
		return nil, nil
	}
	urls, err := h.Server.Orders(ctx, account)
	if err != nil {
		return nil, onlyPause(err)
	}
	slices.Reverse(urls) // most servers list the newest last
	looked := 0
	for _, url := range urls {
		if looked == mostLooked {
			break
		}
		if h.known(url, o.Order) {
			continue
		}
		looked++
		got, err := h.Server.Order(ctx, account, url)
		switch {
		case err != nil && onlyPause(err) != nil:
			return nil, err
		case err == nil && h.serves(got, wanted):
			return &got, nil
		}
	}
	return nil, nil
}

// onlyPause drops all but a pause: a list that cannot be had is not needed.
func onlyPause(err error) error {
	if is(err, acme.Paused) {
		return err
	}
	return nil
}

func (h *Handler) known(url string, o *cmacme.Order) bool {
	holder := h.memory.claimed(url)
	if holder != "" && holder != o.UID {
		return true
	}
	return slices.ContainsFunc(h.Cache.OrdersByURL(url), func(other *cmacme.Order) bool { return other.UID != o.UID })
}

func (h *Handler) serves(got acme.Order, wanted acme.NewOrder) bool {
	if got.State != acme.Pending && got.State != acme.Ready {
		return false
	}
	if !got.Expires.IsZero() && got.Expires.Before(h.Clock.Now().Add(leastLeft)) {
		return false
	}
	return slices.Equal(sortedIdentifiers(got.Identifiers), sortedIdentifiers(wanted.Identifiers))
}

func sortedIdentifiers(all []acme.Identifier) []string {
	var texts []string
	for _, i := range all {
		texts = append(texts, i.Type+":"+i.Value)
	}
	slices.Sort(texts)
	return slices.Compact(texts)
}
