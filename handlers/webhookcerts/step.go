package webhookcerts

import "time"

// Cause is why something is made anew; it is a metric's label.
type Cause string

// The causes.
const (
	CAMissing      Cause = "ca-missing"
	CAUnusable     Cause = "ca-unusable"
	CAExpired      Cause = "ca-expired"
	CAExpiring     Cause = "ca-expiring"
	CAForced       Cause = "ca-forced"
	BundleDrift    Cause = "bundle-drift"
	ServerForeign  Cause = "server-of-another-ca"
	ServerMissing  Cause = "server-missing"
	ServerUnusable Cause = "server-unusable"
	ServerExpiring Cause = "server-expiring"
	ServerNames    Cause = "server-names"
	ServerForced   Cause = "server-forced"
	CARotated      Cause = "ca-rotated"
)

// Step is what is to be done next: one of the types below.
type Step interface{ step() }

type (
	// Rest leaves the set alone until the next event or that time has passed.
	Rest struct {
		After time.Duration
		// Warning is what a person should know meanwhile; empty: nothing.
		Warning string
	}
	// MakeCA makes a new CA, beside which the ones before stay in the bundles.
	MakeCA struct {
		Cause  Cause
		Why    string
		Remade int // in a row, this one included
	}
	// Sign makes a new server certificate.
	Sign struct {
		Cause Cause
		Why   string
		Owes  Cause // what a CA is owed for once this is done; empty: none is
	}
	// Spread puts the bundle of this moment into webhook configurations.
	Spread struct {
		Hooks []Hook
		Owes  Cause
		// NoCABefore is, for an overwritten bundle, until when no CA is made for it.
		NoCABefore time.Time
	}
	// Dress puts labels and annotations of the Secrets right.
	Dress struct{ CA, Server bool }
	// Retire lets the old CA go.
	Retire struct{ Why string }
)

func (Rest) step()   {}
func (MakeCA) step() {}
func (Sign) step()   {}
func (Spread) step() {}
func (Dress) step()  {}
func (Retire) step() {}
