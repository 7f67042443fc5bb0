package cabundles

import (
	"crypto/x509"
	"fmt"
	"time"

	"github.com/certwright/certwright/internal/api"
)

// Observed is all that Next looks at.
type Observed struct {
	// Injection is what the object's annotations ask for.
	Injection api.Injection
	// CA is what the source holds.
	CA []*x509.Certificate
	// Fault is what is wrong with the source; there is no CA then.
	Fault *Tell
	// Target is the object; it is not read when there is a Fault.
	Target *Target
	// Set is the set of webhook certificates that keeps its bundles, or "".
	Set string
}

// Step is what is to be done next: one of the types below.
type Step interface{ step() }

type (
	// Rest leaves the object alone until the next event, or until a
	// certificate in its bundles expires.
	Rest struct{ Expires time.Time }
	// Tell says why no bundle can be injected.
	Tell struct {
		Reason, Message string
		// Early is true of what comes right by itself while things are being
		// made, and need not be told at once.
		Early bool
	}
	// Write puts bundles into the object.
	Write struct {
		Bundles []Bundle
		// Garbage is what was wrong with a bundle that is replaced.
		Garbage error
		Expires time.Time
	}
)

func (Rest) step()  {}
func (Tell) step()  {}
func (Write) step() {}

// Reasons of events.
const (
	reasonMalformed  = "InvalidReference"
	reasonNotFound   = "SourceNotFound"
	reasonForbidden  = "InjectionNotAllowed"
	reasonNoCA       = "NoCA"
	reasonExpired    = "CAExpired"
	reasonTwoWriters = "KeptByWebhookSet"
	reasonExcluded   = "CannotCarryBundle"
	reasonInjected   = "CABundleInjected"
	reasonGarbage    = "CABundleReplaced"
	reasonContested  = "CABundleContested"
)

// Next decides on the one step to take.
func Next(o Observed, now time.Time) Step {
	switch {
	case o.Fault != nil:
		return *o.Fault
	case len(alive(o.CA, now)) == 0:
		return Tell{Reason: reasonExpired, Message: fmt.Sprintf(
			"%s: the CA of %s has expired: renew it; the bundle is left as it is", field(o.Injection), o.Injection.Value)}
	case o.Target == nil || o.Target.Meta.DeletionTimestamp != nil:
		return Rest{}
	case o.Set != "":
		return Tell{Reason: reasonTwoWriters, Message: fmt.Sprintf(
			"%s: the set of webhook certificates %q keeps this object's bundles, and this is left alone: take out the annotation, or the object from the set",
			field(o.Injection), o.Set)}
	case o.Target.Excludes != "":
		return Tell{Reason: reasonExcluded, Message: fmt.Sprintf("%s: %s", o.Target.Excludes, o.Injection.Annotation)}
	default:
		return inject(o, now)
	}
}

func inject(o Observed, now time.Time) Step {
	var w Write
	for _, b := range o.Target.Bundles {
		m := merge(b.PEM, o.CA, now)
		if m.changed {
			w.Bundles = append(w.Bundles, Bundle{b.Path, m.pem})
		}
		if w.Garbage == nil {
			w.Garbage = m.garbage
		}
		if w.Expires.IsZero() || m.expires.Before(w.Expires) {
			w.Expires = m.expires
		}
	}
	if len(w.Bundles) == 0 {
		return Rest{w.Expires}
	}
	return w
}

// field names an annotation as messages do.
func field(i api.Injection) string { return "metadata.annotations[" + i.Annotation + "]" }
