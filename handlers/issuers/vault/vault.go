package vault

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/certwright/certwright/handlers/issuers"
	"github.com/certwright/certwright/queue"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	"k8s.io/utils/clock"
)

// Texts of the API contract, section 1.3.
const (
	reasonVerified  = "VaultVerified"
	reasonError     = "VaultError"
	messageVerified = "Vault verified"

	reasonPending = "VaultInitError"
	reasonSigning = "SigningError"
)

// ServiceAccounts gives out tokens of service accounts. Errors: the API
// server's; Forbidden where certwright may not create them.
type ServiceAccounts interface {
	Token(ctx context.Context, namespace, name string, audiences []string) (string, error)
}

// Options are what a Backend works with.
type Options struct {
	Secrets         issuers.Secrets
	ServiceAccounts ServiceAccounts
	// Wake has a key handled soon: an issuer whose Vault failed a request.
	Wake func(queue.Key)
	// IssuerAmbient and ClusterIssuerAmbient allow AWS credentials that the
	// daemon finds in its surroundings.
	IssuerAmbient, ClusterIssuerAmbient bool
	Clock                               clock.PassiveClock
}

// Backend is the Vault issuer type.
type Backend struct {
	Options

	mu       sync.Mutex
	sessions map[string]*session
}

// New returns a backend.
func New(o Options) *Backend { return &Backend{Options: o, sessions: map[string]*session{}} }

// Places is how many requests of one issuer are signed at a time: as many as
// keep a Vault busy that answers in a hundredth of a second, and too few to
// hurt one that does not.
func (b *Backend) Places() int { return 16 }

// session is what is kept of an issuer.
func (b *Backend) session(i issuers.Issuer) *session {
	b.mu.Lock()
	defer b.mu.Unlock()
	s := b.sessions[i.Group()]
	if s == nil {
		s = &session{backend: b}
		b.sessions[i.Group()] = s
	}
	return s
}

const (
	// checkTime bounds a check, in which Vault is asked three or four times.
	checkTime = 20 * time.Second
	// recheckReady is how soon it is noticed that a Vault nobody asks for
	// signatures is away.
	recheckReady = time.Minute
	// retryAfter is when a request is tried again whose issuer is ready by now,
	// or was never found otherwise.
	retryAfter = 5 * time.Second
)

// Check tells whether the issuer can sign: whether Vault is there, takes the
// login, and would sign with the path.
func (b *Backend) Check(ctx context.Context, i issuers.Issuer) (issuers.Readiness, error) {
	ctx, cancel := context.WithTimeout(ctx, checkTime)
	defer cancel()
	s := b.session(i)
	err := b.examine(ctx, s, i)
	var f *fault
	switch {
	case err == nil:
		s.fitness.Works()
		return issuers.Readiness{Ready: true, Reason: reasonVerified, Message: messageVerified, Recheck: recheckReady}, nil
	case errors.As(err, &f):
		return issuers.Readiness{Reason: reasonError, Message: f.words, Recheck: s.fitness.Fails(f.away, f.after, b.Clock.Now())}, nil
	default:
		return issuers.Readiness{}, err
	}
}

// Sign has Vault sign a request. It waits where the issuer has to, and refuses
// only what Vault refuses of an issuer that is fit.
func (b *Backend) Sign(ctx context.Context, r issuers.Request) (issuers.Outcome, error) {
	out, err := b.sign(ctx, b.session(r.Issuer), r)
	var f *fault
	if !errors.As(err, &f) {
		return out, err
	}
	if f.refusal() {
		if unfit := b.again(ctx, r.Issuer); unfit == nil {
			return issuers.Outcome{}, issuers.Refuse(reasonSigning, "%s", f.words)
		} else if !errors.As(unfit, &f) {
			return issuers.Outcome{}, unfit
		}
	}
	b.wakeIssuer(r.Issuer)
	wait := issuers.Wait(reasonPending, "%s", f.words)
	wait.After = max(retryAfter, f.after)
	return wait, nil
}

// again examines the issuer of a request that was refused.
func (b *Backend) again(ctx context.Context, i issuers.Issuer) error {
	ctx, cancel := context.WithTimeout(ctx, checkTime)
	defer cancel()
	return b.examine(ctx, b.session(i), i)
}

// wakeIssuer has the issuer's condition tell what a request met.
func (b *Backend) wakeIssuer(i issuers.Issuer) {
	if i.Kind == cmapi.ClusterIssuerKind {
		b.Wake(queue.Key{Kind: queue.ClusterIssuer, Name: i.Name})
		return
	}
	b.Wake(queue.Key{Kind: queue.Issuer, Namespace: i.Namespace, Name: i.Name})
}
