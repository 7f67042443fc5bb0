package daemon

import (
	"cmp"
	"strconv"
	"sync"
	"time"

	"github.com/certwright/certwright/handlers/certificates"
	"github.com/certwright/certwright/informers"
	"github.com/certwright/certwright/internal/api"
	"github.com/certwright/certwright/internal/tracing"
	"github.com/certwright/certwright/queue"

	cmacme "github.com/cert-manager/cert-manager/pkg/apis/acme/v1"
	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// issuances tells which issuance a key's work belongs to. Nothing is stored
// for that: the trace of an issuance is named by the Certificate, its next
// revision and how often that has failed; and the requests, Orders and
// Challenges made for it lead there by their owners.
type issuances struct {
	tracer *tracing.Tracer
	set    *informers.Set
	waits  waits

	mu sync.Mutex
	// requests remembers, because a Certificate's status moves on while what
	// was made for its last issuance is cleaned up.
	requests map[types.UID]tracing.Trace
	stages   map[queue.Key]stage
	swept    time.Time
}

// stage is a stretch of an object's life that no handler call spans.
type stage struct {
	uid   types.UID
	name  string // empty: nothing that anybody waits for
	since time.Time
	trace tracing.Trace
}

func newIssuances(t *tracing.Tracer, set *informers.Set) *issuances {
	return &issuances{tracer: t, set: set, waits: waits{all: map[queue.Key]time.Duration{}},
		requests: map[types.UID]tracing.Trace{}, stages: map[queue.Key]stage{}}
}

// traceOf names the issuance that a Certificate is in, or comes to next.
func traceOf(crt *cmapi.Certificate) tracing.Trace {
	next, failed := 1, 0
	if crt.Status.Revision != nil {
		next += *crt.Status.Revision
	}
	if crt.Status.FailedIssuanceAttempts != nil {
		failed = *crt.Status.FailedIssuanceAttempts
	}
	return tracing.TraceOf(string(crt.UID), strconv.Itoa(next), strconv.Itoa(failed))
}

// ended tells of the whole of an issuance.
func (i *issuances) ended(e certificates.Ending) {
	if i == nil || e.Began.IsZero() {
		return
	}
	crt := e.Certificate
	w := tracing.Work{Name: "issue a certificate", Began: e.Began, Ended: e.Ended, Attributes: []tracing.Attribute{
		tracing.String("k8s.namespace.name", crt.Namespace), tracing.String("k8s.object.name", crt.Name),
		tracing.String("certwright.issuer.type", issuerType(i.set, crt)), tracing.String("certwright.issuer.name", crt.Spec.IssuerRef.Name),
		tracing.String("certwright.issuer.kind", cmp.Or(crt.Spec.IssuerRef.Kind, cmapi.IssuerKind)),
	}}
	if e.Failed {
		w.Fault = "nothing was issued: see the Certificate's conditions"
	}
	i.tracer.Root(traceOf(crt), w)
}

// about is what a key's work may belong to.
type about struct {
	trace tracing.Trace
	// unless is set for a Certificate: at rest, its work is no issuance's.
	resting bool
}

// of is the trace that a call belongs to. A Certificate without a request has
// begun an issuance if the call began one.
func (a about) of(c *tracing.Call) tracing.Trace {
	if a.resting && !c.Did("generate key") && !c.Did("create certificaterequests") {
		return tracing.Trace{}
	}
	return a.trace
}

// look finds what a key's work belongs to, and tells of stages that are over.
func (i *issuances) look(key queue.Key) about {
	switch key.Kind {
	case queue.Certificate:
		if crt := i.set.Certificate(key.Namespace, key.Name); crt != nil {
			return about{traceOf(crt), !i.underWay(crt)}
		}
	case queue.CertificateRequest:
		if cr := i.set.Request(key.Namespace, key.Name); cr != nil {
			return about{trace: i.ofRequest(cr)}
		}
	case queue.Order:
		if o := i.set.Order(key.Namespace, key.Name); o != nil {
			t := i.ofOrder(o)
			i.enter(key, o.UID, orderStage(o), t)
			return about{trace: t}
		}
		i.leave(key)
	case queue.Challenge:
		if c := i.set.Challenge(key.Namespace, key.Name); c != nil {
			t := i.ofChallenge(c)
			i.enter(key, c.UID, challengeStage(c), t)
			return about{trace: t}
		}
		i.leave(key)
	}
	return about{}
}

// underWay reports whether there is a request for the next revision.
func (i *issuances) underWay(crt *cmapi.Certificate) bool {
	next := 1
	if crt.Status.Revision != nil {
		next += *crt.Status.Revision
	}
	for _, cr := range i.set.RequestsOf(crt) {
		if cr.Annotations[cmapi.CertificateRequestRevisionAnnotationKey] == strconv.Itoa(next) {
			return true
		}
	}
	return crt.Status.NextPrivateKeySecretName != nil
}

func (i *issuances) ofRequest(cr *cmapi.CertificateRequest) tracing.Trace {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.sweep()
	if t, known := i.requests[cr.UID]; known {
		return t
	}
	t := tracing.TraceOf(string(cr.UID)) // nobody's but its own
	if owner := metav1.GetControllerOf(cr); owner != nil && owner.Kind == cmapi.CertificateKind {
		if crt := i.set.Certificate(cr.Namespace, owner.Name); crt != nil && crt.UID == owner.UID {
			t = traceOf(crt)
		}
	}
	i.requests[cr.UID] = t
	return t
}

func (i *issuances) ofOrder(o *cmacme.Order) tracing.Trace {
	owner := metav1.GetControllerOf(o)
	if owner == nil {
		return tracing.Trace{}
	}
	if cr := i.set.Request(o.Namespace, owner.Name); cr != nil && cr.UID == owner.UID {
		return i.ofRequest(cr)
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.requests[owner.UID]
}

func (i *issuances) ofChallenge(c *cmacme.Challenge) tracing.Trace {
	if owner := metav1.GetControllerOf(c); owner != nil {
		if o := i.set.Order(c.Namespace, owner.Name); o != nil && o.UID == owner.UID {
			return i.ofOrder(o)
		}
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.stages[queue.Key{Kind: queue.Challenge, Namespace: c.Namespace, Name: c.Name}].trace
}

// mostRequests is how many requests are remembered before those are forgotten
// that are gone: a moment's work, now and then.
const mostRequests, sweepEvery = 10_000, time.Hour

// sweep forgets requests once there are many. A trace in the middle of that
// goes on, for its name can be found again. The caller holds the lock.
func (i *issuances) sweep() {
	now := time.Now()
	if len(i.requests) > mostRequests || now.Sub(i.swept) > sweepEvery {
		i.swept = now
		clear(i.requests)
	}
}

// enter notes the stage that an object is in, and tells of the one before.
func (i *issuances) enter(key queue.Key, uid types.UID, name string, t tracing.Trace) {
	now := time.Now()
	i.mu.Lock()
	defer i.mu.Unlock()
	before, known := i.stages[key]
	if known && before.uid == uid && before.name == name {
		return
	}
	i.stages[key] = stage{uid, name, now, t}
	if known && before.uid == uid {
		i.tell(key, before, now)
	}
}

// leave is enter for an object that is gone.
func (i *issuances) leave(key queue.Key) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if before, known := i.stages[key]; known {
		i.tell(key, before, time.Now())
		delete(i.stages, key)
	}
}

func (i *issuances) tell(key queue.Key, s stage, now time.Time) {
	if s.name != "" {
		i.tracer.Part(s.trace, tracing.Work{Name: s.name, Began: s.since, Ended: now, Attributes: []tracing.Attribute{
			tracing.String("certwright.kind", key.Kind.String()),
			tracing.String("k8s.namespace.name", key.Namespace), tracing.String("k8s.object.name", key.Name),
		}})
	}
}

func orderStage(o *cmacme.Order) string {
	switch s := o.Status.State; {
	case api.ACMEFinal(s):
		return ""
	case s == cmacme.Unknown:
		return "order: is made"
	case s == cmacme.Pending:
		return "order: names are proved"
	default:
		return "order: is finalized"
	}
}

func challengeStage(c *cmacme.Challenge) string {
	switch s := c.Status; {
	case api.ACMEFinal(s.State):
		return ""
	case !s.Processing:
		return "challenge: waits for a place"
	default:
		return "challenge: has its place"
	}
}
