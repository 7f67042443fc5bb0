package orders

import (
	"fmt"
	"maps"
	"strings"

	"github.com/certwright/certwright/internal/acme"

	cmacme "github.com/cert-manager/cert-manager/pkg/apis/acme/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// newChallenge is the Challenge of a Choice (contract 1.4). It is made with its
// finalizer, so that what is presented for it is always taken away again.
func newChallenge(o *cmacme.Order, c Choice, account acme.Account) (*cmacme.Challenge, error) {
	key, err := proof(c, account)
	if err != nil {
		return nil, fmt.Errorf("work out the proof for %q: %w", fullName(c.Authorization), err)
	}
	annotations := maps.Clone(o.Annotations)
	delete(annotations, corev1.LastAppliedConfigAnnotation) // it is about another object
	return &cmacme.Challenge{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: o.Namespace, Name: c.name(o), Labels: o.Labels, Annotations: annotations,
			Finalizers:      []string{cmacme.ACMEDomainQualifiedFinalizer},
			OwnerReferences: []metav1.OwnerReference{*metav1.NewControllerRef(o, cmacme.SchemeGroupVersion.WithKind(cmacme.OrderKind))},
		},
		Spec: cmacme.ChallengeSpec{
			URL: c.Offer.URL, AuthorizationURL: c.Authorization.URL, Type: c.Type, Token: c.Offer.Token, Key: key,
			DNSName: strings.TrimPrefix(c.Authorization.Identifier, "*."), Wildcard: isWildcard(c.Authorization),
			Solver: c.Solver, IssuerRef: o.Spec.IssuerRef,
		},
	}, nil
}

// proof is what the server will look for: the key authorization over HTTP (RFC
// 8555, section 8.3), its digest in the DNS (section 8.4).
func proof(c Choice, account acme.Account) (string, error) {
	if c.Type == cmacme.ACMEChallengeTypeHTTP01 {
		return account.KeyAuthorization(c.Offer.Token)
	}
	return account.DNSRecord(c.Offer.Token)
}
