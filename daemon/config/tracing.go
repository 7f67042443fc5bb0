package config

import (
	"fmt"

	"github.com/certwright/certwright/internal/tracing"
)

func tracingOptions() []Option {
	const group = "Traces"
	return []Option{
		{"tracing-endpoint", group, "URL of a collector of OpenTelemetry traces, such as http://collector.monitoring:4318; empty sends none",
			"It shows where an issuance spent its time: in the queue, at the API server, at the issuer's server. Spans go by OTLP over HTTP, a collector's port 4318; gRPC (4317) is not spoken. OpenTelemetry's own variables (OTEL_EXPORTER_OTLP_ENDPOINT, OTEL_EXPORTER_OTLP_HEADERS and so on) are understood too. Spans name the objects that are worked on, and hold nothing secret.",
			func(c *Config) any { return &c.TracingEndpoint }},
		{"tracing-sample-ratio", group, "part of all issuances that is traced, from 0 to 1",
			"All processes pick the same ones. An issuance by a CA is about 20 spans, one by ACME over a hundred: less than 1 is for clusters with hundreds of issuances a minute.",
			func(c *Config) any { return &c.TracingSampleRatio }},
	}
}

func (c Config) tracingFaults() (faults []error) {
	if c.TracingEndpoint != "" {
		if _, err := tracing.Endpoint(c.TracingEndpoint); err != nil {
			faults = append(faults, fmt.Errorf("--tracing-endpoint: %w", err))
		}
	}
	return append(faults, faultIf(c.TracingSampleRatio < 0 || c.TracingSampleRatio > 1 || c.TracingSampleRatio != c.TracingSampleRatio,
		"--tracing-sample-ratio: %v is not from 0 to 1; write for example 0.1 for one issuance in ten", c.TracingSampleRatio)...)
}
