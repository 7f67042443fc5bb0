package venafi

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/certwright/certwright/handlers/issuers"
	"github.com/certwright/certwright/queue"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/clock"
)

// Reasons as the reference has them (v1.21): that of a fit issuer is a sentence.
const (
	reasonReady = "Certificate Manager issuer started"
	reasonSetup = "ErrorSetup"
	reasonAuth  = "AuthFailed"

	reasonInit     = "VenafiInitError"
	reasonPending  = "IssuancePending"
	reasonRequest  = "RequestError"
	reasonRetrieve = "RetrieveError"
	reasonFields   = "CustomFieldsError"
)

// Meters measure what the contract has metrics for (section 1.6).
type Meters interface {
	// Call is one call of the library, by its name there in small letters.
	Call(name string, took time.Duration)
	// Token is one request for a token, or for a check of one.
	Token(good bool, took time.Duration)
}

// Options are what a Backend works with.
type Options struct {
	Secrets issuers.Secrets
	// Wake has a key handled soon: an issuer whose server failed a request.
	Wake   func(queue.Key)
	Meters Meters
	Clock  clock.PassiveClock
}

// Backend is the Venafi issuer type.
type Backend struct {
	Options

	mu       sync.Mutex
	sessions map[string]*session
	// seen is since when a request is known to be pending.
	seen map[types.UID]time.Time
}

// New returns a backend.
func New(o Options) *Backend {
	return &Backend{Options: o, sessions: map[string]*session{}, seen: map[types.UID]time.Time{}}
}

// Places is how many requests of one issuer are under way at a time.
func (b *Backend) Places() int { return 8 }

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
	// checkTime bounds a check: a self-hosted server may have to wake up.
	checkTime = 90 * time.Second
	// recheckReady is how soon it is noticed that a token has ended which
	// nobody uses.
	recheckReady = 5 * time.Minute
	// retryAfter is when a request is tried again whose issuer is ready by now.
	retryAfter = 5 * time.Second
)

// Check tells whether the server takes the credentials and knows the zone.
func (b *Backend) Check(ctx context.Context, i issuers.Issuer) (issuers.Readiness, error) {
	ctx, cancel := context.WithTimeout(ctx, checkTime)
	defer cancel()
	s := b.session(i)
	err := b.examine(ctx, s, i)
	var f *fault
	switch {
	case err == nil:
		s.fitness.Works()
		return issuers.Readiness{Ready: true, Reason: reasonReady, Message: reasonReady, Recheck: recheckReady}, nil
	case errors.As(err, &f):
		reason := reasonSetup
		if f.denied {
			reason = reasonAuth
		}
		return issuers.Readiness{Reason: reason, Message: f.words, Recheck: s.fitness.Fails(f.away, f.after, b.Clock.Now())}, nil
	default:
		return issuers.Readiness{}, err
	}
}

func (b *Backend) examine(ctx context.Context, s *session, i issuers.Issuer) error {
	m, err := b.gather(ctx, i)
	if err != nil {
		return err
	}
	return s.use(ctx, m, func(l *line) error {
		if err := l.verify(); err != nil {
			return err
		}
		_, err := l.zone()
		return err
	})
}

// Sign has the server take a request, or looks for what came of it.
func (b *Backend) Sign(ctx context.Context, r issuers.Request) (issuers.Outcome, error) {
	out, err := b.sign(ctx, r)
	var f *fault
	if !errors.As(err, &f) {
		return out, err
	}
	if f.refused != "" {
		return issuers.Outcome{}, issuers.Refuse(f.refused, "%s", f.words)
	}
	b.wakeIssuer(r.Issuer)
	wait := issuers.Wait(reasonInit, "%s", f.words)
	wait.After = max(retryAfter, f.after)
	return wait, nil
}

func (b *Backend) sign(ctx context.Context, r issuers.Request) (out issuers.Outcome, err error) {
	m, err := b.gather(ctx, r.Issuer)
	if err != nil {
		return out, err
	}
	asked, err := newAsked(r, m)
	if err != nil {
		return out, err
	}
	pickup, name := r.Annotation(cmapi.VenafiPickupIDAnnotationKey)
	err = b.session(r.Issuer).use(ctx, m, func(l *line) error {
		if pickup == "" {
			id, err := l.request(asked)
			out = issuers.Outcome{Annotate: map[string]string{name: id}}
			return err
		}
		var status string
		out, status, err = l.retrieve(asked, pickup, r)
		if err == nil && out.Chain == nil {
			out = b.pending(r, status)
		}
		return err
	})
	return out, err
}

// pending waits for people or machines behind the server: at first every two
// seconds, after some minutes once in a minute.
func (b *Backend) pending(r issuers.Request, status string) issuers.Outcome {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := b.Clock.Now()
	since, ok := b.seen[r.Owner.UID]
	if !ok {
		if len(b.seen) >= 4096 {
			clear(b.seen) // they are asked for sooner, once
		}
		since = now
		b.seen[r.Owner.UID] = now
	}
	said := ""
	if status != "" {
		said = fmt.Sprintf(" (%s)", status)
	}
	wait := issuers.Wait(reasonPending, "%s has the request and has not issued it yet%s: approve it there, if it waits for that", r.Issuer.Spec.Venafi.Zone, said)
	wait.Pending = "the zone " + wait.Pending
	wait.After = min(time.Minute, max(2*time.Second, now.Sub(since)/4))
	return wait
}

// wakeIssuer has the issuer's condition tell what a request met.
func (b *Backend) wakeIssuer(i issuers.Issuer) {
	if i.Kind == cmapi.ClusterIssuerKind {
		b.Wake(queue.Key{Kind: queue.ClusterIssuer, Name: i.Name})
		return
	}
	b.Wake(queue.Key{Kind: queue.Issuer, Namespace: i.Namespace, Name: i.Name})
}
