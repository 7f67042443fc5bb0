package tracing

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"time"

	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"
)

const (
	// defaultTimeout of a request is OTLP's.
	defaultTimeout = 10 * time.Second
	// tries is how often a batch is sent before it is given up.
	tries = 3
	// firstPause lies between the first two tries; it doubles.
	firstPause = time.Second
)

// client sends batches. It is an otlptrace.Client whose errors are told by
// Sent, and not to a handler of the whole process.
type client struct {
	options Options
	http    http.Client
}

func newClient(o Options) (*client, error) {
	var err error
	if o.Endpoint, err = Endpoint(o.Endpoint); err != nil {
		return nil, err
	}
	if o.Timeout == 0 {
		o.Timeout = defaultTimeout
	}
	if o.Sent == nil {
		o.Sent = func(int, error) {}
	}
	return &client{options: o, http: http.Client{Transport: o.Transport, Timeout: o.Timeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}, nil
}

// Start makes client an otlptrace.Client.
func (c *client) Start(context.Context) error { return nil }

// Stop makes client an otlptrace.Client.
func (c *client) Stop(context.Context) error {
	c.http.CloseIdleConnections()
	return nil
}

// UploadTraces sends a batch, a few times if need be.
func (c *client) UploadTraces(ctx context.Context, batch []*tracepb.ResourceSpans) error {
	// It is the very message that a collector takes (ExportTraceServiceRequest),
	// on the wire, under a name that does not bring gRPC.
	body, err := proto.Marshal(&tracepb.TracesData{ResourceSpans: batch})
	if err != nil {
		return err
	}
	c.options.Sent(count(batch), c.send(ctx, body))
	return nil
}

// send posts until it is taken, refused, or was tried often enough.
func (c *client) send(ctx context.Context, body []byte) error {
	pause := firstPause
	for try := 1; ; try++ {
		again, err := c.post(ctx, body)
		if err == nil || !again || try == tries {
			return err
		}
		timer := time.NewTimer(pause)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return err
		}
		pause *= 2
	}
}

// post sends a batch once. again is true when another try may do.
func (c *client) post(ctx context.Context, body []byte) (again bool, err error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, c.options.Endpoint, bytes.NewReader(body))
	if err != nil {
		return false, err
	}
	for key, values := range c.options.Headers {
		r.Header[key] = values
	}
	r.Header.Set("Content-Type", "application/x-protobuf")
	answer, err := c.http.Do(r)
	if err != nil {
		return ctx.Err() == nil, err
	}
	defer func() { _ = answer.Body.Close() }()
	_, _ = io.Copy(io.Discard, io.LimitReader(answer.Body, 1<<16)) // so that the connection is used again
	switch s := answer.StatusCode; {
	case s < 300:
		return false, nil
	case s == http.StatusTooManyRequests, s >= 502 && s <= 504: // those that OTLP says to repeat
		return true, fmt.Errorf("the collector answers HTTP %d", s)
	default:
		return false, fmt.Errorf("the collector answers HTTP %d", s)
	}
}

func count(batch []*tracepb.ResourceSpans) (n int) {
	for _, r := range batch {
		for _, s := range r.ScopeSpans {
			n += len(s.Spans)
		}
	}
	return n
}
