package webhookcerts

import (
	"fmt"
	"time"

	"github.com/certwright/certwright/internal/webhookset"
)

// Next decides on the one step to take. The table is drawn in the package doc.
func Next(o Observed, now time.Time) Step {
	if cause, why := o.caFault(now); cause != "" {
		return o.replaceCA(cause, why, now)
	}
	leaf := o.leaf(now)
	if step := o.mendServer(leaf, now); step != nil {
		return step
	}
	if step := o.spread(now); step != nil {
		return step
	}
	if step := o.rotateCA(now); step != nil {
		return step
	}
	if step := o.renewServer(leaf, now); step != nil {
		return step
	}
	if d := (Dress{CA: !o.caContent(now).isIn(o.CA.Secret), Server: !o.serverContent().isIn(o.Server.Secret)}); d.CA || d.Server {
		return d
	}
	return o.finish(now)
}

// phase follows from what the Secrets hold.
func (o *Observed) phase() webhookset.Phase {
	switch {
	case len(o.Old) == 0:
		return webhookset.Steady
	case o.Server.Cert == nil || !signedBy(o.Server.Cert, o.CA.Cert):
		return webhookset.Spreading
	}
	return webhookset.Serving
}

func (o *Observed) steady() bool { return len(o.Old) == 0 }

func (o *Observed) caFault(now time.Time) (Cause, string) {
	switch {
	case o.CA.Secret == nil:
		return CAMissing, o.CA.Fault
	case o.CA.Fault != "":
		return CAUnusable, o.CA.Fault
	case !now.Before(o.CA.Cert.NotAfter):
		return CAExpired, fmt.Sprintf("it ended at %s", o.CA.Cert.NotAfter.UTC().Format(time.RFC3339))
	case now.Before(o.CA.Cert.NotBefore):
		return CAUnusable, fmt.Sprintf("it begins only at %s", o.CA.Cert.NotBefore.UTC().Format(time.RFC3339))
	}
	return "", ""
}

// replaceCA makes a CA where there is none to go on with.
func (o *Observed) replaceCA(cause Cause, why string, now time.Time) Step {
	allowed := o.Made.Add(pauseWithout(o.Remade))
	if now.Before(allowed) {
		return Rest{After: allowed.Sub(now), Warning: fmt.Sprintf(
			"the CA is spoilt again and again, so the next one is made at %s: find out who does it", allowed.UTC().Format(time.RFC3339))}
	}
	return MakeCA{Cause: cause, Why: why, Remade: o.remadeWith(now)}
}

// mayRemake tells from when a CA may be made because somebody spoilt
// something that was mended.
func (o *Observed) mayRemake() time.Time { return o.Made.Add(pause(o.Remade)) }

// mendServer puts a spoilt server certificate right at once, by the CA that
// the bundles hold. During a rotation that is not known, and renewServer does it.
func (o *Observed) mendServer(leaf verdict, now time.Time) Step {
	switch {
	case !o.steady():
		return nil
	case leaf.state == absent:
		return Sign{Cause: ServerMissing, Why: leaf.why}
	case leaf.state == broken:
		return Sign{Cause: ServerUnusable, Why: leaf.why}
	case leaf.state == due && now.Before(dueAt(o.CA.Cert, o.Set.RenewBefore)):
		// Not after the bundles: one that may not be written must not let it end.
		return Sign{Cause: leaf.cause, Why: leaf.why}
	case leaf.state != foreign:
		return nil
	case !o.bundlesVerifyServer():
		return Sign{Cause: ServerForeign, Why: leaf.why, Owes: o.owes(ServerForeign, now)}
	case now.Before(o.mayRemake()):
		return Rest{After: o.mayRemake().Sub(now), Warning: "the CA Secret holds another CA than the bundles and the server certificate: put the old one back, or wait for the new one"}
	}
	// The CA was swapped. What is served is still verified: rotate away from it.
	return MakeCA{Cause: ServerForeign, Why: leaf.why, Remade: o.remadeWith(now)}
}

// owes is the cause of the CA that is owed for something that gets mended,
// unless it was just made for that, or mending is all that is wanted.
func (o *Observed) owes(cause Cause, now time.Time) Cause {
	if o.Fresh || !o.steady() || now.Before(o.mayRemake()) || cause == BundleDrift && o.Set.OnBundleDrift == webhookset.Restore {
		return ""
	}
	return cause
}

func (o *Observed) spread(now time.Time) Step {
	want := webhookset.Fingerprint(o.bundle())
	var s Spread
	drifted := false
	for _, h := range o.Hooks {
		if !h.holds(want) {
			s.Hooks = append(s.Hooks, h)
			drifted = drifted || h.overwritten()
		}
	}
	if len(s.Hooks) == 0 {
		return nil
	}
	if drifted && now.Before(o.MayMend) {
		return Rest{After: o.MayMend.Sub(now)}
	}
	if drifted {
		s.Owes = o.owes(BundleDrift, now)
		if o.Set.OnBundleDrift == webhookset.Recreate && o.steady() && s.Owes == "" {
			s.NoCABefore = o.mayRemake()
		}
	}
	return s
}

// rotateCA begins a rotation, one at a time.
func (o *Observed) rotateCA(now time.Time) Step {
	due := dueAt(o.CA.Cert, o.Set.RenewBefore)
	switch {
	case !o.steady():
		return nil
	case o.Owed != "":
		return MakeCA{Cause: o.Owed, Why: "something was overwritten by hand, and is mended", Remade: o.remadeWith(now)}
	case o.asked() == webhookset.RotateCA:
		return MakeCA{Cause: CAForced, Why: "it was asked for by hand", Remade: o.Remade}
	case !now.Before(due):
		return MakeCA{Cause: CAExpiring, Why: fmt.Sprintf("it ends at %s", o.CA.Cert.NotAfter.UTC().Format(time.RFC3339)), Remade: o.Remade}
	}
	return nil
}

// renewServer makes a server certificate by the CA, once the bundles are
// certain to verify it.
func (o *Observed) renewServer(leaf verdict, now time.Time) Step {
	var s Sign
	switch leaf.state {
	case good:
		if o.asked() != webhookset.RotateServer {
			return nil
		}
		s = Sign{Cause: ServerForced, Why: "it was asked for by hand"}
	case due:
		s = Sign{Cause: leaf.cause, Why: leaf.why}
	case absent:
		s = Sign{Cause: ServerMissing, Why: leaf.why}
	case broken:
		s = Sign{Cause: ServerUnusable, Why: leaf.why}
	default:
		s = Sign{Cause: CARotated, Why: "the CA is new"}
	}
	if o.phase() != webhookset.Spreading || o.NoOverlap || len(o.Hooks) == 0 {
		return s
	}
	if ready := o.spreadAt(now); now.Before(ready) {
		if d := (Dress{CA: !o.caContent(now).isIn(o.CA.Secret)}); d.CA {
			return d
		}
		return Rest{After: ready.Sub(now)}
	}
	return s
}

// hurry is how long somebody who keeps overwriting bundles can hold a rotation
// up. After that, a bundle that is in place just now must do: the server
// certificate would come to its end otherwise.
const hurry = 10 * time.Minute

// spreadAt is when the bundles are certain to be known to every API server.
func (o *Observed) spreadAt(now time.Time) time.Time {
	ready := o.SpreadSince.Add(o.Set.PropagationTime)
	if last := o.phaseSince(now).Add(max(hurry, 10*o.Set.PropagationTime)); last.Before(ready) {
		return last
	}
	return ready
}

// phaseSince is when the phase began, as the CA Secret says; now, when Dress
// is still to write that.
func (o *Observed) phaseSince(now time.Time) time.Time {
	since, err := time.Parse(time.RFC3339, o.CA.annotation(webhookset.SinceAnnotation))
	if err != nil {
		return now
	}
	return since
}

// finish ends a rotation, or waits for what comes next.
func (o *Observed) finish(now time.Time) Step {
	if o.steady() {
		next := dueAt(o.CA.Cert, o.Set.RenewBefore)
		if d := dueAt(o.Server.Cert, o.Set.RenewBefore); d.Before(next) {
			next = d
		}
		return Rest{After: next.Sub(now), Warning: o.unmatched()}
	}
	graceEnds := o.phaseSince(now).Add(o.Set.GraceTime)
	switch {
	case o.NoOverlap:
		return Retire{Why: "overlap is off"}
	case o.Sight == SeenFormer && now.After(graceEnds):
		return Rest{After: o.poll(), Warning: "a server still serves the certificate of the old CA, long after the new one was stored; the old CA stays in the bundles: does the server reload its certificate?"}
	case o.Sight == SeenFormer:
		return Rest{After: o.poll()}
	case o.Sight == SeenNew && !now.Before(o.SeenSince.Add(o.Set.PropagationTime)):
		return Retire{Why: "the new certificate is seen served"}
	case o.Sight == Unseen && !now.Before(graceEnds):
		return Retire{Why: "the grace time has passed"}
	case o.Set.Probe:
		return Rest{After: o.poll()}
	}
	return Rest{After: graceEnds.Sub(now)}
}

// poll is how often to look at what is served.
func (o *Observed) poll() time.Duration {
	return min(max(o.Set.PropagationTime/2, time.Second), 10*time.Second)
}

// unmatched says which named webhook configurations do not exist.
func (o *Observed) unmatched() string {
	if len(o.Hooks) == 0 {
		return "no webhook configuration of the set exists: create it, or correct webhooks in the configuration"
	}
	found := map[string]bool{}
	for _, h := range o.Hooks {
		found[h.Kind+h.Meta.Name] = true
	}
	for kind, names := range map[string][]string{webhookset.MutatingKind: o.Set.Mutating, webhookset.ValidatingKind: o.Set.Validating} {
		for _, n := range names {
			if !found[kind+n] {
				return fmt.Sprintf("%s %q does not exist: create it, or correct webhooks in the configuration", kind, n)
			}
		}
	}
	return ""
}
