package certificates

import (
	"context"
	"crypto/x509"
	"errors"
	"sync"
	"time"

	"github.com/certwright/certwright/internal/acme"
	"github.com/certwright/certwright/queue"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	"k8s.io/utils/clock"
)

// AskRenewal asks an ACME server when a certificate, in DER, should be renewed.
// Errors: *[acme.Error].
type AskRenewal func(ctx context.Context, d acme.Directory, leaf []byte) (acme.RenewalInfo, error)

const (
	// mostInquiries are under way at a time: servers give the answers from a
	// cache in milliseconds, and nobody waits for them.
	mostInquiries = 8
	// inquiryTime bounds one.
	inquiryTime = 30 * time.Second
)

// inquiries ask servers beside the workers, once at a time for a Certificate,
// and wake its key with the answer. What they know may be lost: it is asked for
// again.
type inquiries struct {
	ask    AskRenewal
	wake   func(queue.Key)
	clock  clock.PassiveClock
	places chan struct{}

	mu  sync.Mutex
	all map[queue.Key]*inquiry
}

type inquiry struct {
	leaf   string // DER of the certificate that it is about
	since  time.Time
	answer *Answer
}

func newInquiries(ask AskRenewal, wake func(queue.Key), c clock.PassiveClock) *inquiries {
	if ask == nil || wake == nil {
		return nil
	}
	return &inquiries{ask: ask, wake: wake, clock: c, places: make(chan struct{}, mostInquiries), all: map[queue.Key]*inquiry{}}
}

// of tells how asking about a certificate stands.
func (i *inquiries) of(k queue.Key, leaf *x509.Certificate) (r RenewalInfo) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if q := i.all[k]; q != nil && leaf != nil && q.leaf == string(leaf.Raw) {
		r.Asking, r.Since, r.Answer = q.answer == nil, q.since, q.answer
	}
	return r
}

// start asks, and returns at once.
func (i *inquiries) start(k queue.Key, d acme.Directory, leaf []byte) {
	q := &inquiry{leaf: string(leaf), since: i.clock.Now()}
	i.mu.Lock()
	i.all[k] = q
	i.mu.Unlock()
	go func() {
		i.places <- struct{}{}
		defer func() { <-i.places }()
		ctx, cancel := context.WithTimeout(context.Background(), inquiryTime) // an end of the process ends it anyway
		defer cancel()
		info, err := i.ask(ctx, d, leaf)
		answer := i.answer(info, err)
		i.mu.Lock()
		q.answer = answer
		i.mu.Unlock()
		i.wake(k)
	}()
}

func (i *inquiries) answer(info acme.RenewalInfo, err error) *Answer {
	a := &Answer{Info: info, RetryAfter: info.RetryAfter, At: i.clock.Now()}
	var e *acme.Error
	switch {
	case errors.As(err, &e):
		a.None, a.Fault, a.RetryAfter = e.Class == acme.Gone, e.Error(), e.RetryAfter
	case err != nil:
		a.Fault = err.Error()
	}
	return a
}

// drop forgets an answer that is stored, or whose Certificate is gone.
func (i *inquiries) drop(k queue.Key) {
	if i == nil {
		return
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	delete(i.all, k)
}

// stored forgets the answer that a status written now says.
func (i *inquiries) stored(k queue.Key, r RenewalInfo) {
	if r.Answer != nil && !r.Answer.None {
		i.drop(k)
	}
}

// observeRenewalInfo sees whether the stored certificate is an ACME server's,
// and how asking about it stands.
func (h *Handler) observeRenewalInfo(o *Observed, issuer cmapi.GenericIssuer) {
	if h.inquiries == nil || issuer == nil || issuer.GetSpec().ACME == nil || o.Stored.Certificate == nil {
		return
	}
	o.Renewal = h.inquiries.of(keyOf(o.Certificate), o.Stored.Certificate)
	o.Renewal.Served, o.Renewal.Hurried = true, h.memory.hurried(o.Certificate)
	o.directory = acme.DirectoryOf(issuer.GetSpec().ACME)
}

func keyOf(crt *cmapi.Certificate) queue.Key {
	return queue.Key{Kind: queue.Certificate, Namespace: crt.Namespace, Name: crt.Name}
}

// inquire has the server asked, and goes on meanwhile.
func (h *Handler) inquire(ctx context.Context, o *Observed) (queue.Result, error) {
	h.inquiries.start(keyOf(o.Certificate), o.directory, o.Stored.Certificate.Raw)
	now := h.Clock.Now()
	o.Renewal.Asking, o.Renewal.Since, o.Renewal.Answer = true, now, nil
	return h.perform(ctx, o, Next(*o, now))
}
