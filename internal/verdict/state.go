package verdict

import (
	"time"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"

	"github.com/certwright/certwright/internal/api"
)

// State is a Certificate's state in one word. The lower it is, the sooner
// somebody should look.
type State uint8

// The states, worst first.
const (
	// Expired: what is in use is worth nothing any more.
	Expired State = iota
	// Failed: the last attempt failed, and the next is waited for.
	Failed
	// Stuck: it is valid, but cannot be renewed as things stand.
	Stuck
	// Waiting: there is no certificate in use that is right yet.
	Waiting
	// Renewing: it is valid, and a newer one is being made.
	Renewing
	// Deleting: it was deleted and is still there.
	Deleting
	// Ready: it waits for nothing.
	Ready
	stateCount
)

var stateWords = [stateCount]string{"Expired", "Failed", "Stuck", "Waiting", "Renewing", "Deleting", "Ready"}

// States lists all states, worst first.
func States() []State {
	all := make([]State, stateCount)
	for i := range all {
		all[i] = State(i)
	}
	return all
}

// String is the state's word.
func (s State) String() string {
	if s >= stateCount {
		return "Unknown"
	}
	return stateWords[s]
}

// MarshalText makes the word of it in JSON too.
func (s State) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// NeedsAttention tells the states that do not mend themselves, or are late.
func (s State) NeedsAttention() bool { return s <= Stuck }

// StateOf sums up what was observed and judged, as of now.
func StateOf(o Observed, v Verdict, now time.Time) State {
	crt := o.Certificate
	valid := api.CertificateIs(crt, cmapi.CertificateConditionReady)
	switch {
	case crt.DeletionTimestamp != nil:
		return Deleting
	case passed(crt.Status.NotAfter, now):
		return Expired
	case v.Waiting == "" && v.Because != "":
		return Stuck
	case v.Waiting == "":
		return Ready
	case waitsAfterFailure(o, now) || rejected(o, now):
		return Failed
	case valid:
		return Renewing
	default:
		return Waiting
	}
}

func waitsAfterFailure(o Observed, now time.Time) bool {
	_, is := failed(o, now)
	return is
}

func rejected(o Observed, now time.Time) bool {
	_, is := denied(o, now)
	return is
}
