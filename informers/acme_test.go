package informers

import (
	"testing"

	"github.com/certwright/certwright/queue"

	cmacme "github.com/cert-manager/cert-manager/pkg/apis/acme/v1"
	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	cmmeta "github.com/cert-manager/cert-manager/pkg/apis/meta/v1"
	certificatesv1 "k8s.io/api/certificates/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// withACME has Orders and Challenges watched.
func withACME(o *Options) { o.ACME = true }

func order(namespace, name, issuerKind, issuerName string) *cmacme.Order {
	return &cmacme.Order{ObjectMeta: named(namespace, name),
		Spec: cmacme.OrderSpec{IssuerRef: cmmeta.IssuerReference{Kind: issuerKind, Name: issuerName}}}
}

func challenge(namespace, name, issuerKind, issuerName string) *cmacme.Challenge {
	return &cmacme.Challenge{ObjectMeta: named(namespace, name),
		Spec: cmacme.ChallengeSpec{Type: cmacme.ACMEChallengeTypeHTTP01, Token: "token-of-" + name,
			IssuerRef: cmmeta.IssuerReference{Kind: issuerKind, Name: issuerName}}}
}

// ownedBy makes one object the controller of another.
func ownedBy[T object](o T, owner metav1.Object, kind schema.GroupVersionKind) T {
	o.SetOwnerReferences([]metav1.OwnerReference{*metav1.NewControllerRef(owner, kind)})
	return o
}

func orderKey(name string) queue.Key {
	return queue.Key{Kind: queue.Order, Namespace: "shop", Name: name}
}

func challengeKey(name string) queue.Key {
	return queue.Key{Kind: queue.Challenge, Namespace: "shop", Name: name}
}

func TestRoutesFromOrdersAndChallenges(t *testing.T) {
	asker := request("shop", "web-1", "Issuer", "le")
	csr := &certificatesv1.CertificateSigningRequest{ObjectMeta: named("", "csr")}
	theOrder := order("shop", "web-1-77", "Issuer", "le")
	testRoutes(t, []routeRow{
		{"an order of nobody", nil, put(theOrder), []queue.Key{orderKey("web-1-77")}},
		{"an order of a request", nil, put(ownedBy(order("shop", "web-1-77", "Issuer", "le"), asker, cmapi.SchemeGroupVersion.WithKind(cmapi.CertificateRequestKind))),
			[]queue.Key{orderKey("web-1-77"), requestKey("web-1")}},
		{"an order of a Kubernetes request", nil, put(ownedBy(order("shop", "csr-77", "Issuer", "le"), csr, certificatesv1.SchemeGroupVersion.WithKind("CertificateSigningRequest"))),
			[]queue.Key{orderKey("csr-77"), {Kind: queue.SigningRequest, Name: "csr"}}},
		{"a challenge", nil, put(ownedBy(challenge("shop", "proof", "Issuer", "le"), theOrder, cmacme.SchemeGroupVersion.WithKind(cmacme.OrderKind))),
			[]queue.Key{challengeKey("proof"), orderKey("web-1-77"), queue.Places}},
	}, withACME)
}

// An issuer's change wakes what waits for it, and not what has come to its end.
func TestIssuersWakeOrdersAndChallenges(t *testing.T) {
	done := order("shop", "done", "Issuer", "le")
	done.Status.State = cmacme.Valid
	over := challenge("shop", "over", "Issuer", "le")
	over.Status.State = cmacme.Invalid
	there := []object{order("shop", "local", "Issuer", "le"), order("shop", "cluster", "ClusterIssuer", "le"), order("bank", "local", "Issuer", "le"),
		challenge("shop", "proof", "Issuer", "le"), challenge("shop", "public", "ClusterIssuer", "le"), done, over}
	testRoutes(t, []routeRow{
		{"an Issuer", there, put(issuer("shop", "le", "x")), []queue.Key{issuerKey("le"), orderKey("local"), challengeKey("proof")}},
		{"a ClusterIssuer", there, put(clusterIssuer("le", "x")), []queue.Key{clusterIssuerKey("le"), orderKey("cluster"), challengeKey("public")}},
	}, withACME)
}

// A responder gives away a token only while its challenge is in flight.
func TestChallengesByToken(t *testing.T) {
	bubble(t, func(t *testing.T, c *cluster) {
		waiting, inFlight, done, dns := challenge("shop", "waiting", "", "le"), challenge("shop", "flying", "", "le"), challenge("shop", "done", "", "le"), challenge("shop", "dns", "", "le")
		inFlight.Status.Processing, done.Status.Processing, dns.Status.Processing = true, true, true
		done.Status.State, dns.Spec.Type = cmacme.Valid, cmacme.ACMEChallengeTypeDNS01
		c.put(waiting, inFlight, done, dns)
		set, _ := c.watched(withACME)
		for name, want := range map[string]int{"waiting": 0, "flying": 1, "done": 0, "dns": 0, "nobody": 0} {
			if got := len(set.ChallengesByToken("token-of-" + name)); got != want {
				t.Errorf("%s: %d challenges, want %d", name, got, want)
			}
		}
	})
}

// What an order at the server is for, and who waits for one like it.
func TestOrdersByURLAndNames(t *testing.T) {
	bubble(t, func(t *testing.T, c *cluster) {
		named := func(name, issuer string, names ...string) *cmacme.Order {
			o := order("shop", name, "ClusterIssuer", issuer)
			o.Spec.DNSNames = names
			return o
		}
		one, two := named("one", "le", "b.example.com", "a.example.com"), named("two", "le", "A.example.com", "b.example.com")
		two.Namespace = "bank"
		made, other, done := named("made", "le", "a.example.com", "b.example.com"), named("other", "other", "a.example.com", "b.example.com"), named("done", "le", "a.example.com", "b.example.com")
		made.Status.URL, done.Status.State = "https://acme/1", cmacme.Errored
		fewer := named("fewer", "le", "a.example.com")
		c.put(one, two, made, other, done, fewer)
		set, _ := c.watched(withACME)
		if got := set.OrdersLike(one); len(got) != 2 || got[0].Name == got[1].Name {
			t.Errorf("like one: %d Orders, want one and two", len(got))
		}
		if got := set.OrdersByURL("https://acme/1"); len(got) != 1 || got[0].Name != "made" {
			t.Errorf("by URL: %d Orders", len(got))
		}
		if got := set.OrdersByURL(""); len(got) != 0 {
			t.Errorf("by no URL: %d Orders", len(got))
		}
	})
}
