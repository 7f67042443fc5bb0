package issuers

import (
	"context"
	"errors"
	"sync"

	"k8s.io/apimachinery/pkg/types"
)

// Remote is a Backend whose Sign asks a server, which may take seconds and
// cannot be undone. Who calls it does so beside the workers (queue.Beside), on
// the request as the API server has it then, and through [Answers].
type Remote interface {
	Backend
	// Places is how many requests of one issuer are signed at a time.
	Places() int
}

// Group names the places that the requests of an issuer share.
func (i Issuer) Group() string { return i.Kind + "/" + i.Namespace + "/" + i.Name }

// Answers keeps what a server answered until it is stored, so that a conflict
// or an API server that is away does not have a request signed twice. What it
// keeps ends with the process: between a server's answer and the write of it
// nobody can stand. The zero Answers is good.
type Answers struct {
	mu   sync.Mutex
	kept map[types.UID]answer
}

// keepMost bounds what is kept for requests that nobody asks about any more.
const keepMost = 4096

type answer struct {
	out Outcome
	err error
}

// Sign gives the answer kept for r, or has s sign it. An answer is kept when
// asking again would have the server do something again, or refuse it again.
func (a *Answers) Sign(ctx context.Context, s Signer, r Request) (Outcome, error) {
	id := r.Owner.UID
	a.mu.Lock()
	known, ok := a.kept[id]
	a.mu.Unlock()
	if ok {
		return known.out, known.err
	}
	out, err := s.Sign(ctx, r)
	var refusal *Refusal
	if id != "" && (errors.As(err, &refusal) || err == nil && (out.Chain != nil || out.Annotate != nil)) {
		a.mu.Lock()
		defer a.mu.Unlock()
		if len(a.kept) >= keepMost || a.kept == nil {
			a.kept = map[types.UID]answer{} // of requests that were deleted meanwhile, nearly all
		}
		a.kept[id] = answer{out, err}
	}
	return out, err
}

// Forget drops the answer to the request with this UID: it is stored, or the
// request has come to an end otherwise.
func (a *Answers) Forget(id types.UID) {
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.kept, id)
}
