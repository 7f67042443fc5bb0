package pki

import (
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// RenewalTime says when a certificate with these dates should be renewed, in
// whole seconds. What was issued counts, not what was asked for: renewBefore
// or a percentage (of the issued lifetime) before the end. Where neither is
// given, or what is given cannot be met by this lifetime, it is a third of the
// lifetime before the end.
//
// Renewal windows are not applied; see NextWindow.
func RenewalTime(notBefore, notAfter time.Time, renewBefore *metav1.Duration, percentage *int32) time.Time {
	lifetime := notAfter.Sub(notBefore)
	before := lifetime / 3
	switch {
	case renewBefore != nil && renewBefore.Duration > 0 && renewBefore.Duration < lifetime:
		before = renewBefore.Duration
	case percentage != nil && *percentage > 0 && *percentage < 100:
		// Divided first: a lifetime of decades times 99 overflows.
		before = lifetime / 100 * time.Duration(*percentage)
	}
	// The API keeps whole seconds. With a fraction a wake-up at the stored
	// time would come before the renewal time and do nothing.
	return notAfter.Add(-before).Truncate(time.Second)
}
