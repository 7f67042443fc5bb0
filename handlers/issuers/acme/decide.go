package acme

import (
	cmacme "github.com/cert-manager/cert-manager/pkg/apis/acme/v1"
)

// Observed is all that Next looks at.
type Observed struct {
	Spec   *cmacme.ACMEIssuer
	Status *cmacme.ACMEIssuerStatus // nil before the first registration
	// Registered is true when the status tells of an account with the key and
	// at the server of the spec.
	Registered bool
	// Lost is true when the server denied that account.
	Lost bool
}

// Step is what is to be done for an account: one of the types below.
type Step interface{ step() }

type (
	// Rest leaves the account as it is.
	Rest struct{}
	// Register makes the account, or finds it.
	Register struct{}
	// UpdateEmail tells the server the contact of the spec.
	UpdateEmail struct{}
)

func (Rest) step()        {}
func (Register) step()    {}
func (UpdateEmail) step() {}

// Next decides on the one step to take.
func Next(o Observed) Step {
	switch {
	case !o.Registered || o.Lost:
		return Register{}
	case o.Status.LastRegisteredEmail != o.Spec.Email:
		return UpdateEmail{}
	default:
		return Rest{}
	}
}
