package status

import (
	"cmp"
	"context"
	"slices"

	cmacme "github.com/cert-manager/cert-manager/pkg/apis/acme/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/certwright/certwright/internal/api"
)

// readOrder reads what an ACME server is asked for the request, and the names
// that are proved for it.
func (r Reader) readOrder(ctx context.Context, o *Observed) {
	if r.ACME == nil || o.Request == nil || api.RequestFinal(o.Request) {
		return
	}
	err := eachPage(ctx, r.ACME.Orders(o.Request.Namespace).List, func(order *cmacme.Order) {
		if metav1.IsControlledBy(order, o.Request) {
			o.Order = order
		}
	})
	if !noted(o, err, "Orders") || o.Order == nil {
		return
	}
	err = eachPage(ctx, r.ACME.Challenges(o.Order.Namespace).List, func(ch *cmacme.Challenge) {
		if metav1.IsControlledBy(ch, o.Order) {
			o.Challenges = append(o.Challenges, ch)
		}
	})
	noted(o, err, "Challenges")
	slices.SortFunc(o.Challenges, func(a, b *cmacme.Challenge) int { return cmp.Compare(a.Name, b.Name) })
}
