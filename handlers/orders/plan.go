package orders

import (
	cmacme "github.com/cert-manager/cert-manager/pkg/apis/acme/v1"
)

// plan is what the Challenges of an Order should be.
type plan struct {
	missing  []Choice            // to be made
	unwanted []*cmacme.Challenge // to be deleted
	open     bool                // something is still to be proved
}

// plan compares the authorizations with the Challenges there are. The fault
// says that no solver fits.
func (o *Observed) plan() (p plan, fault string) {
	for _, ch := range living(o.Challenges) {
		if !o.current(ch) {
			p.unwanted = append(p.unwanted, ch)
		}
	}
	for _, a := range o.Order.Status.Authorizations {
		if a.InitialState != cmacme.Pending && a.InitialState != cmacme.Unknown {
			continue // valid already, or the order is lost, as the server will say
		}
		if fault := o.planOne(&p, a); fault != "" {
			return plan{}, fault
		}
	}
	return p, ""
}

// planOne sees that there is one Challenge for an authorization, never two: one
// by another solver has to be gone before its successor is made.
func (o *Observed) planOne(p *plan, a cmacme.ACMEAuthorization) (fault string) {
	var there []*cmacme.Challenge
	for _, ch := range o.Challenges {
		if ch.Spec.AuthorizationURL != a.URL {
			continue
		}
		if ch.Status.State == cmacme.Valid {
			return ""
		}
		there = append(there, ch)
	}
	p.open = true
	solvers := o.Issuer.GetSpec().ACME.Solvers
	c, ok := choose(solvers, a, o.Order)
	switch {
	case !ok && len(living(there)) > 0: // the issuer was changed, and what is under way may still succeed
		return ""
	case !ok:
		return noSolver(solvers, a, o.Order.Spec.IssuerRef)
	case len(there) == 0:
		p.missing = append(p.missing, c)
		return ""
	}
	for _, ch := range living(there) {
		if ch.Name != c.name(o.Order) {
			p.unwanted = append(p.unwanted, ch)
		}
	}
	return ""
}
