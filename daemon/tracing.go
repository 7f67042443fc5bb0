package daemon

import (
	"context"
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/certwright/certwright/daemon/config"
	"github.com/certwright/certwright/internal/tracing"

	"k8s.io/klog/v2"
)

// startTracing begins to trace, if anybody asks for it, and returns how to end
// that. Errors: what is asked for cannot be done.
func (d *Daemon) startTracing(ctx context.Context) (stop func(), err error) {
	o, err := tracingOptions(d.cfg, os.Getenv)
	if err != nil {
		return nil, fmt.Errorf("traces: %w", err)
	}
	if o.Endpoint == "" {
		return func() {}, nil
	}
	logger := klog.FromContext(ctx)
	o.Version, o.Sent = d.standing.version, d.spansSent(logger)
	if d.clients.Collector != nil {
		o.Transport = d.clients.Collector
	}
	if d.tracer, err = tracing.New(o); err != nil {
		return nil, fmt.Errorf("traces: %w", err)
	}
	d.traces = newIssuances(d.tracer, d.set)
	logger.Info("Sending traces", "endpoint", o.Endpoint, "ratio", o.Ratio)
	return func() {
		flush, cancel := context.WithTimeout(context.WithoutCancel(ctx), flushTraces)
		defer cancel()
		if err := d.tracer.Stop(flush); err != nil {
			logger.Info("Some spans were not sent before the end", "problem", err.Error())
		}
	}, nil
}

// tracingOptions is where traces go. What is said to certwright goes before what
// is said to every program, by OpenTelemetry's variables.
func tracingOptions(cfg config.Config, getenv func(string) string) (tracing.Options, error) {
	o, err := tracing.FromEnvironment(getenv)
	if err != nil {
		return o, err
	}
	if cfg.TracingEndpoint != "" {
		if o.Endpoint, err = tracing.Endpoint(cfg.TracingEndpoint); err != nil {
			return o, fmt.Errorf("--tracing-endpoint: %w", err)
		}
	}
	if cfg.TracingSampleRatio < 1 {
		o.Ratio = float64(cfg.TracingSampleRatio)
	} else if getenv("OTEL_TRACES_SAMPLER") == "" {
		o.Ratio = 1
	}
	return o, nil
}

// complainEvery is how often it is told that a collector takes nothing.
const complainEvery = 10 * time.Minute

// spansSent counts spans, and says now and then why they are lost.
func (d *Daemon) spansSent(logger klog.Logger) func(int, error) {
	var mu sync.Mutex
	var told time.Time
	return func(n int, err error) {
		if err == nil {
			d.standing.spans.WithLabelValues("sent").Add(float64(n))
			return
		}
		d.standing.spans.WithLabelValues("lost").Add(float64(n))
		mu.Lock()
		defer mu.Unlock()
		if now := time.Now(); now.Sub(told) > complainEvery {
			told = now
			logger.Info("Traces cannot be sent, and are lost; the work goes on", "problem", err.Error(),
				"remedy", "see that the collector takes OTLP over HTTP there, or set --tracing-endpoint")
		}
	}
}
