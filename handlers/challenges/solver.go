package challenges

import (
	"context"
	"fmt"

	cmacme "github.com/cert-manager/cert-manager/pkg/apis/acme/v1"
)

// Task is what a solver is told of a challenge.
type Task struct {
	// Challenge is shared: copy it before changing it.
	Challenge *cmacme.Challenge
	// SecretNamespace is where the issuer's Secrets are: the Issuer's own
	// namespace, or the one for cluster resources.
	SecretNamespace string
	// Ambient allows credentials from the daemon's surroundings, such as an
	// instance role, where the solver names none of its own.
	Ambient bool
	// KeyAuthorization computes the key authorization of the challenge's token
	// (RFC 8555 section 8.1) from the issuer's account. Solvers whose library
	// makes the TXT value itself ask for it; spec.key is enough for all others.
	KeyAuthorization func(context.Context) (string, error)
	// First is true when nothing was presented for the challenge yet, unless an
	// earlier process did so and ended before it could say so.
	First bool
	// Doubt is true when the proof was put there so long ago that somebody may
	// have taken it away, so that a look at that is worth its price.
	Doubt bool
}

// Solver proves names in one way. Each method may be called again at any time,
// also after a restart, and then makes sure of the same without doing it twice.
// Each may take as long as its context lasts: none is called by a worker that
// others wait for.
//
// Errors are a *[Fault] when somebody has to mend something, any other when
// trying again may help. Their text is stable: the same cause, the same text.
type Solver interface {
	// Present puts the proof where the server will look for it.
	Present(ctx context.Context, t Task) error
	// Visible is the self check: nil when the server would find the proof now,
	// else an error that says what was found instead.
	Visible(ctx context.Context, t Task) error
	// Remove takes away all that Present has put anywhere, and nothing else. It
	// is not an error when there is nothing.
	Remove(ctx context.Context, t Task) error
}

// Fault is an error that names a field, its fault and the remedy.
type Fault struct{ Message string }

func (f *Fault) Error() string { return f.Message }

// Faulty makes a Fault.
func Faulty(format string, args ...any) error {
	return &Fault{fmt.Sprintf(format, args...)}
}
