package informers

import (
	"strings"

	"github.com/certwright/certwright/internal/api"
	"github.com/certwright/certwright/queue"

	cmacme "github.com/cert-manager/cert-manager/pkg/apis/acme/v1"
	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/cache"
)

// Orders and Challenges are watched when one of their parts runs.

const (
	byOwner = "owner"  // Orders, Challenges: the UID of what controls them
	byToken = "token"  // HTTP-01 Challenges without an end: the token asked for
	solving = "http01" // the same, also those only presented: their namespace
	byURL   = "url"    // Orders: the URL of the order at the ACME server
	byNames = "names"  // Orders that no server knows of yet: issuer and names
)

func (s *Set) orderSpec() spec[*cmacme.Order, *cmacme.OrderList] {
	return spec[*cmacme.Order, *cmacme.OrderList]{
		resource: cmacme.SchemeGroupVersion.WithResource("orders"),
		example:  &cmacme.Order{}, client: s.options.CertManager, transform: trim,
		typed: func(ns string) listWatcher[*cmacme.OrderList] {
			return s.options.CertManager.AcmeV1().Orders(ns)
		},
		indexers: cache.Indexers{
			byOwner: indexBy(controllerUID[*cmacme.Order]), byWaitingIssuer: indexBy(orderIssuer),
			byURL: indexBy(orderURL), byNames: indexBy(orderNames),
		},
	}
}

func (s *Set) challengeSpec() spec[*cmacme.Challenge, *cmacme.ChallengeList] {
	return spec[*cmacme.Challenge, *cmacme.ChallengeList]{
		resource: cmacme.SchemeGroupVersion.WithResource("challenges"),
		example:  &cmacme.Challenge{}, client: s.options.CertManager, transform: trim,
		typed: func(ns string) listWatcher[*cmacme.ChallengeList] {
			return s.options.CertManager.AcmeV1().Challenges(ns)
		},
		indexers: cache.Indexers{
			byOwner:         indexBy(controllerUID[*cmacme.Challenge]),
			byWaitingIssuer: indexBy(challengeIssuer),
			byToken:         indexBy(challengeToken),
			solving:         indexBy(challengeSolving),
		},
	}
}

func controllerUID[T metav1.Object](o T) []string {
	owner := metav1.GetControllerOf(o)
	if owner == nil {
		return nil
	}
	return []string{string(owner.UID)}
}

// orderIssuer files only Orders without an end.
func orderIssuer(o *cmacme.Order) []string {
	if api.ACMEFinal(o.Status.State) {
		return nil
	}
	return []string{issuerValue(o.Namespace, o.Spec.IssuerRef)}
}

func orderURL(o *cmacme.Order) []string {
	if o.Status.URL == "" {
		return nil
	}
	return []string{o.Status.URL}
}

// orderNames files only Orders that have still to be made at the server.
func orderNames(o *cmacme.Order) []string {
	if o.Status.URL != "" || api.ACMEFinal(o.Status.State) {
		return nil
	}
	return []string{orderValue(o)}
}

func orderValue(o *cmacme.Order) string {
	dns, ips := api.OrderNames(&o.Spec)
	return issuerValue(o.Namespace, o.Spec.IssuerRef) + " " + strings.Join(append(dns, ips...), ",")
}

// challengeIssuer files only Challenges without an end.
func challengeIssuer(ch *cmacme.Challenge) []string {
	if api.ACMEFinal(ch.Status.State) {
		return nil
	}
	return []string{issuerValue(ch.Namespace, ch.Spec.IssuerRef)}
}

func challengeToken(ch *cmacme.Challenge) []string {
	if ch.Spec.Type != cmacme.ACMEChallengeTypeHTTP01 || !ch.Status.Processing || api.ACMEFinal(ch.Status.State) {
		return nil
	}
	return []string{ch.Spec.Token}
}

// challengeSolving files those for which something is, or may be, presented.
func challengeSolving(ch *cmacme.Challenge) []string {
	if ch.Spec.Type != cmacme.ACMEChallengeTypeHTTP01 || api.ACMEFinal(ch.Status.State) || !ch.Status.Processing && !ch.Status.Presented {
		return nil
	}
	return []string{ch.Namespace}
}

// Order returns an Order, or nil.
func (s *Set) Order(namespace, name string) *cmacme.Order {
	if s.orders == nil {
		return nil
	}
	o, _ := s.orders.get(namespace, name)
	return o
}

// Orders returns every Order, for metrics.
func (s *Set) Orders() []*cmacme.Order {
	if s.orders == nil {
		return nil
	}
	return s.orders.list()
}

// OrdersOf returns the Orders that an object controls.
func (s *Set) OrdersOf(owner metav1.Object) []*cmacme.Order {
	if s.orders == nil {
		return nil
	}
	return s.orders.byAnywhere(byOwner, string(owner.GetUID()))
}

// OrdersByURL returns the Orders that stand for one order at an ACME server,
// which is one Order but for servers that give the same order twice.
func (s *Set) OrdersByURL(url string) []*cmacme.Order {
	if s.orders == nil {
		return nil
	}
	return s.orders.byAnywhere(byURL, url)
}

// OrdersLike returns the Orders by the same issuer for the same names as o that
// have still to be made at the server; o is one of them.
func (s *Set) OrdersLike(o *cmacme.Order) []*cmacme.Order {
	if s.orders == nil {
		return nil
	}
	return s.orders.byAnywhere(byNames, orderValue(o))
}

// Challenge returns a Challenge, or nil.
func (s *Set) Challenge(namespace, name string) *cmacme.Challenge {
	if s.challenges == nil {
		return nil
	}
	ch, _ := s.challenges.get(namespace, name)
	return ch
}

// ChallengesOf returns the Challenges that an Order controls.
func (s *Set) ChallengesOf(o *cmacme.Order) []*cmacme.Challenge {
	if s.challenges == nil {
		return nil
	}
	return s.challenges.by(byOwner, o.Namespace, string(o.UID))
}

// Challenges returns every Challenge, for metrics.
func (s *Set) Challenges() []*cmacme.Challenge {
	if s.challenges == nil {
		return nil
	}
	return s.challenges.list()
}

// ChallengesByToken returns the HTTP-01 Challenges in flight that ask for a token.
func (s *Set) ChallengesByToken(token string) []*cmacme.Challenge {
	if s.challenges == nil {
		return nil
	}
	return s.challenges.byAnywhere(byToken, token)
}

// SolvingHTTP01 returns the HTTP-01 Challenges of a namespace that have no end
// yet and are at work, or presented.
func (s *Set) SolvingHTTP01(namespace string) []*cmacme.Challenge {
	if s.challenges == nil {
		return nil
	}
	return s.challenges.by(solving, namespace, namespace)
}

// itsOrder wakes the Order that controls a Challenge.
func itsOrder(_ *Set, o metav1.Object) []queue.Key {
	owner := metav1.GetControllerOf(o)
	if owner == nil || owner.Kind != cmacme.OrderKind {
		return nil
	}
	return []queue.Key{{Kind: queue.Order, Namespace: o.GetNamespace(), Name: owner.Name}}
}

// itsAsker wakes the request of either kind that controls an Order.
func itsAsker(_ *Set, o metav1.Object) []queue.Key {
	owner := metav1.GetControllerOf(o)
	switch {
	case owner == nil:
		return nil
	case owner.Kind == cmapi.CertificateRequestKind:
		return []queue.Key{{Kind: queue.CertificateRequest, Namespace: o.GetNamespace(), Name: owner.Name}}
	case owner.Kind == "CertificateSigningRequest":
		return []queue.Key{{Kind: queue.SigningRequest, Name: owner.Name}}
	default:
		return nil
	}
}

// places wakes the one who gives places to Challenges, and notes for him whose
// event it was: see [Set.ChangedChallenges].
func places(s *Set, o metav1.Object) []queue.Key {
	s.changed.note(o)
	return []queue.Key{queue.Places}
}

// waitingOrders wakes the Orders and Challenges without an end of an issuer.
func waitingOrders(kind string) target {
	return func(s *Set, o metav1.Object) []queue.Key {
		if s.orders == nil {
			return nil
		}
		value := kind + "/" + o.GetName()
		if o.GetNamespace() != "" {
			value = kind + "/" + o.GetNamespace() + "/" + o.GetName()
		}
		woken := keys(queue.Order, s.orders.byAnywhere(byWaitingIssuer, value))
		return append(woken, keys(queue.Challenge, s.challenges.byAnywhere(byWaitingIssuer, value))...)
	}
}
