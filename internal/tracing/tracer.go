package tracing

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"fmt"
	"strings"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

// Trace names a piece of work. The zero Trace names none.
type Trace struct {
	id   trace.TraceID
	root trace.SpanID
}

// TraceOf names what these words tell apart from everything else, the same in
// every process.
func TraceOf(words ...string) Trace {
	sum := sha256.Sum256([]byte("certwright\x00" + strings.Join(words, "\x00")))
	var t Trace
	copy(t.id[:], sum[:16])
	copy(t.root[:], sum[16:24])
	return t
}

// String is the trace's id as collectors show it; empty for the zero Trace.
func (t Trace) String() string {
	if !t.id.IsValid() {
		return ""
	}
	return t.id.String()
}

// over is a context whose spans are under the root of the trace.
func (t Trace) over(ctx context.Context) context.Context {
	if !t.id.IsValid() {
		return ctx
	}
	return trace.ContextWithRemoteSpanContext(ctx, trace.NewSpanContext(trace.SpanContextConfig{
		TraceID: t.id, SpanID: t.root, TraceFlags: trace.FlagsSampled, Remote: true,
	}))
}

// Tracer tells a collector of work. A nil Tracer tells nobody.
type Tracer struct {
	provider *sdktrace.TracerProvider
	spans    trace.Tracer
}

// New returns a Tracer that sends to o.Endpoint. Errors: options that cannot be
// used, named. That the collector cannot be reached is none.
func New(o Options) (*Tracer, error) {
	client, err := newClient(o)
	if err != nil {
		return nil, err
	}
	about, err := resource.New(context.Background(),
		resource.WithAttributes(attribute.String("service.name", "certwright"), attribute.String("service.version", o.Version),
			attribute.String("service.instance.id", rand.Text())),
		resource.WithFromEnv()) // OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES win
	if err != nil {
		return nil, fmt.Errorf("OTEL_RESOURCE_ATTRIBUTES: %w", err)
	}
	exporter := otlptrace.NewUnstarted(client)
	// What goes wrong with sending is told by the client; this is the rest.
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(error) {}))
	provider := sdktrace.NewTracerProvider(
		sdktrace.WithBatcher(exporter), sdktrace.WithResource(about), sdktrace.WithIDGenerator(ids{}),
		// By the id of the trace alone, so that all processes decide the same.
		sdktrace.WithSampler(sdktrace.TraceIDRatioBased(o.Ratio)))
	return &Tracer{provider: provider, spans: provider.Tracer("github.com/certwright/certwright")}, nil
}

// Root tells of the whole of a trace, once it is over.
func (t *Tracer) Root(whole Trace, w Work) {
	if t != nil {
		t.span(context.WithValue(context.Background(), rootKey{}, whole), w)
	}
}

// Part tells of a part of a trace.
func (t *Tracer) Part(of Trace, w Work) {
	if t != nil {
		t.span(of.over(context.Background()), w)
	}
}

// Stop sends what is left, for as long as the context lasts.
func (t *Tracer) Stop(ctx context.Context) error {
	if t == nil {
		return nil
	}
	return t.provider.Shutdown(ctx)
}

// ids gives the root of a trace its ids, and everything else random ones.
type ids struct{}

type rootKey struct{}

func (ids) NewIDs(ctx context.Context) (trace.TraceID, trace.SpanID) {
	if t, ok := ctx.Value(rootKey{}).(Trace); ok {
		return t.id, t.root
	}
	var id trace.TraceID
	_, _ = rand.Read(id[:]) // it cannot fail
	return id, ids{}.NewSpanID(ctx, id)
}

func (ids) NewSpanID(context.Context, trace.TraceID) (id trace.SpanID) {
	_, _ = rand.Read(id[:])
	return id
}
