package handlertest

import (
	"slices"

	"github.com/certwright/certwright/internal/api"

	cmacme "github.com/cert-manager/cert-manager/pkg/apis/acme/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/record"
)

// Order returns an Order, or nil.
func (c *Cache) Order(namespace, name string) *cmacme.Order {
	return find[*cmacme.Order](c, namespace, name)
}

// OrdersOf returns the Orders that an object controls.
func (c *Cache) OrdersOf(owner metav1.Object) []*cmacme.Order {
	return choose(c, func(o *cmacme.Order) bool { return isController(owner, o) })
}

// OrdersByURL returns the Orders that stand for one order at an ACME server.
func (c *Cache) OrdersByURL(url string) []*cmacme.Order {
	return choose(c, func(o *cmacme.Order) bool { return o.Status.URL == url })
}

// Challenge returns a Challenge, or nil.
func (c *Cache) Challenge(namespace, name string) *cmacme.Challenge {
	return find[*cmacme.Challenge](c, namespace, name)
}

// ChallengesOf returns the Challenges that an Order controls.
func (c *Cache) ChallengesOf(o *cmacme.Order) []*cmacme.Challenge {
	return choose(c, func(ch *cmacme.Challenge) bool { return isController(o, ch) })
}

// Challenges returns every Challenge.
func (c *Cache) Challenges() []*cmacme.Challenge {
	return choose(c, func(*cmacme.Challenge) bool { return true })
}

func isController(owner, o metav1.Object) bool {
	c := metav1.GetControllerOf(o)
	return c != nil && c.UID == owner.GetUID()
}

// Recorder is where handlers that a test makes itself tell their events.
func (w *World) Recorder() record.EventRecorder { return recorder{w} }

// OrdersLike returns the Orders by the same issuer for the same names as o that
// have still to be made at the server.
func (c *Cache) OrdersLike(o *cmacme.Order) []*cmacme.Order {
	names := func(o *cmacme.Order) []string {
		dns, ips := api.OrderNames(&o.Spec)
		return append(append([]string{o.Spec.IssuerRef.Kind, o.Spec.IssuerRef.Name}, dns...), ips...)
	}
	return choose(c, func(other *cmacme.Order) bool {
		return other.Status.URL == "" && !api.ACMEFinal(other.Status.State) && slices.Equal(names(o), names(other))
	})
}
