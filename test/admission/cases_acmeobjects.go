package admission

import (
	cmacme "github.com/cert-manager/cert-manager/pkg/apis/acme/v1"
	cmmeta "github.com/cert-manager/cert-manager/pkg/apis/meta/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// reordered is the case of an Order that is edited after it was made.
func reordered(name, field string, edit func(*cmacme.Order)) Case {
	before := &cmacme.Order{
		TypeMeta: metav1.TypeMeta{APIVersion: "acme.cert-manager.io/v1", Kind: "Order"},
		ObjectMeta: metav1.ObjectMeta{Namespace: Namespace, Finalizers: []string{"example.com/finalizer"},
			Annotations: map[string]string{"cert-manager.io/certificate-name": "web"}},
		Spec: cmacme.OrderSpec{Request: signingRequest(), IssuerRef: cmmeta.IssuerReference{Name: "root"}, DNSNames: []string{"a.example.com"}},
	}
	after := before.DeepCopy()
	edit(after)
	return Case{Name: "Order: changed " + name, Field: field, Old: before, New: after}
}

// rechallenged is the case of a Challenge that is edited after it was made.
func rechallenged(name, field string, edit func(*cmacme.Challenge)) Case {
	before := &cmacme.Challenge{
		TypeMeta:   metav1.TypeMeta{APIVersion: "acme.cert-manager.io/v1", Kind: "Challenge"},
		ObjectMeta: metav1.ObjectMeta{Namespace: Namespace, Finalizers: []string{cmacme.ACMEDomainQualifiedFinalizer}},
		Spec: cmacme.ChallengeSpec{URL: "https://acme.example.com/c/1", AuthorizationURL: "https://acme.example.com/a/1", DNSName: "a.example.com",
			Type: cmacme.ACMEChallengeTypeHTTP01, Token: "token", Key: "key", IssuerRef: cmmeta.IssuerReference{Name: "root"},
			Solver: cmacme.ACMEChallengeSolver{HTTP01: &cmacme.ACMEChallengeSolverHTTP01{Ingress: &cmacme.ACMEChallengeSolverHTTP01Ingress{}}}},
	}
	after := before.DeepCopy()
	edit(after)
	return Case{Name: "Challenge: changed " + name, Field: field, Old: before, New: after}
}

func acmeObjects() []Case {
	return []Case{
		reordered("in metadata", "", func(o *cmacme.Order) {
			o.Finalizers, o.Annotations = nil, map[string]string{"cert-manager.io/certificate-name": "b"}
		}),
		reordered("in the request", "spec.request", func(o *cmacme.Order) { o.Spec.Request = signingRequest() }),
		reordered("in the names", "spec.dnsNames", func(o *cmacme.Order) { o.Spec.DNSNames = []string{"b.example.com"} }),
		reordered("in the issuer's kind", "spec.issuerRef", func(o *cmacme.Order) { o.Spec.IssuerRef.Kind = "ClusterIssuer" }),
		reordered("in the profile", "spec.profile", func(o *cmacme.Order) { o.Spec.Profile = "shortlived" }),

		rechallenged("in metadata", "", func(c *cmacme.Challenge) { c.Finalizers = nil }),
		rechallenged("in the name", "spec.dnsName", func(c *cmacme.Challenge) { c.Spec.DNSName = "b.example.com" }),
		rechallenged("in the key", "spec.key", func(c *cmacme.Challenge) { c.Spec.Key = "other" }),
		rechallenged("to a wildcard", "spec.wildcard", func(c *cmacme.Challenge) { c.Spec.Wildcard = true }),
		rechallenged("in the solver", "spec.solver", func(c *cmacme.Challenge) {
			c.Spec.Solver.HTTP01.Ingress.Name = "edge"
		}),
	}
}
