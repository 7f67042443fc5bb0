package tracing

import (
	"context"
	"sync"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"
)

// Attribute says something about a piece of work. It must not be secret.
type Attribute = attribute.KeyValue

// String makes an Attribute.
func String(key, value string) Attribute { return attribute.String(key, value) }

// Int makes an Attribute.
func Int(key string, value int) Attribute { return attribute.Int(key, value) }

// Work is something that was done.
type Work struct {
	// Name is one of few: it holds no name of an object.
	Name string
	// Outside is true for a request to another program.
	Outside      bool
	Began, Ended time.Time
	Attributes   []Attribute
	// Fault says in a word or two why it failed; empty: it did not. Words of
	// others, which may hold anything, do not belong here.
	Fault string
}

// Call is one handler call under way. Notes may come from any goroutine, also
// after the call has ended: from what it began and left running.
type Call struct {
	tracer *Tracer

	mu    sync.Mutex
	notes []Work
	ended bool
	// told is the context that what comes late belongs under; nil: the call
	// did nothing so far, and tell tells of it when something comes after all.
	told context.Context
	tell func() context.Context
}

type callKey struct{}

// Begin has what is noted under the context belong to a call. A nil Tracer
// gives back the context and a nil Call, whose methods do nothing.
func (t *Tracer) Begin(ctx context.Context) (context.Context, *Call) {
	if t == nil {
		return ctx, nil
	}
	c := &Call{tracer: t}
	return context.WithValue(ctx, callKey{}, c), c
}

// Traced reports whether anybody wants to know what is done under a context.
func Traced(ctx context.Context) bool { return ctx.Value(callKey{}) != nil }

// Note tells that work was done in the call that the context belongs to. Without
// one it does nothing.
func Note(ctx context.Context, w Work) {
	if c, ok := ctx.Value(callKey{}).(*Call); ok {
		c.note(w)
	}
}

// Measure notes the work that lasts until the function it returns is called
// with what became of it:
//
//	defer tracing.Measure(ctx, "sign")(&err)
func Measure(ctx context.Context, name string, attributes ...Attribute) func(*error) {
	c, ok := ctx.Value(callKey{}).(*Call)
	if !ok {
		return unmeasured
	}
	began := time.Now()
	return func(err *error) {
		w := Work{Name: name, Began: began, Ended: time.Now(), Attributes: attributes}
		if err != nil && *err != nil {
			w.Fault = "error"
		}
		c.note(w)
	}
}

func unmeasured(*error) {}

func (c *Call) note(w Work) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.ended {
		c.notes = append(c.notes, w)
		return
	}
	if c.told == nil {
		c.told = c.tell()
	}
	c.tracer.span(c.told, w)
}

// Did reports whether work of this name, or any at all for "", was noted.
func (c *Call) Did(name string) bool {
	if c == nil {
		return false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, w := range c.notes {
		if name == "" || w.Name == name {
			return true
		}
	}
	return false
}

// End tells of the call, as a part of a trace or, for the zero Trace, as one of
// its own. A call that did nothing and did not fail is told of only if what it
// left running does something.
func (c *Call) End(part Trace, w Work) {
	if c == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ended = true
	c.tell = func() context.Context { return c.tracer.span(part.over(context.Background()), w) }
	if len(c.notes) == 0 && w.Fault == "" {
		return
	}
	c.told = c.tell()
	for _, n := range c.notes {
		c.tracer.span(c.told, n)
	}
	c.notes = nil
}

// span tells of work, under the span of the context, and returns the context
// for what is under it.
func (t *Tracer) span(ctx context.Context, w Work) context.Context {
	kind := trace.SpanKindInternal
	if w.Outside {
		kind = trace.SpanKindClient
	}
	ctx, s := t.spans.Start(ctx, w.Name, trace.WithTimestamp(w.Began), trace.WithSpanKind(kind), trace.WithAttributes(w.Attributes...))
	if w.Fault != "" {
		s.SetStatus(codes.Error, w.Fault)
	}
	s.End(trace.WithTimestamp(w.Ended))
	return ctx
}
