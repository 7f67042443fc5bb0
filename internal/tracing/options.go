package tracing

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"
)

// Options are where spans go, and which.
type Options struct {
	// Endpoint is the URL that spans are sent to.
	Endpoint string
	// Ratio of the traces is sent, from 0 to 1.
	Ratio float64
	// Version is the program's.
	Version string
	// Headers go with each request. They may hold a password.
	Headers http.Header
	// Timeout of one request; zero: 10 s.
	Timeout time.Duration
	// Transport carries the requests; nil: the network.
	Transport http.RoundTripper
	// Sent is told of each batch, sent or lost; nil: nobody is.
	Sent func(spans int, err error)
}

// tracesPath is where a collector takes spans (OTLP 1.0, "OTLP/HTTP Request").
const tracesPath = "/v1/traces"

// Endpoint completes a URL that names a collector and no path. Errors: not an
// absolute URL of http or https.
func Endpoint(text string) (string, error) {
	u, err := url.Parse(text)
	switch {
	case strings.Contains(text, "@"):
		return "", fmt.Errorf("the URL of a collector must not hold a password: put it into the environment variable OTEL_EXPORTER_OTLP_HEADERS")
	case err != nil, u.Host == "", u.Scheme != "http" && u.Scheme != "https":
		return "", fmt.Errorf("%q is no URL of a collector: write for example http://collector.monitoring:4318 (OTLP over HTTP; port 4317 is gRPC, which is not spoken)", text)
	case u.Path == "", u.Path == "/":
		u.Path = tracesPath
	}
	return u.String(), nil
}

// FromEnvironment is the options that OpenTelemetry's environment variables
// give; getenv is as os.Getenv. An empty Endpoint means that they ask for no
// traces. Errors: a variable that cannot be used, named without its value.
func FromEnvironment(getenv func(string) string) (o Options, err error) {
	if disabled, _ := strconv.ParseBool(getenv("OTEL_SDK_DISABLED")); disabled || getenv("OTEL_TRACES_EXPORTER") == "none" {
		return Options{}, nil
	}
	first := func(name string) string {
		if v := getenv("OTEL_EXPORTER_OTLP_TRACES_" + name); v != "" {
			return v
		}
		return getenv("OTEL_EXPORTER_OTLP_" + name)
	}
	o.Endpoint = getenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
	if base := getenv("OTEL_EXPORTER_OTLP_ENDPOINT"); o.Endpoint == "" && base != "" {
		o.Endpoint = strings.TrimSuffix(base, "/") + tracesPath
	}
	if o.Ratio, err = ratio(getenv("OTEL_TRACES_SAMPLER"), getenv("OTEL_TRACES_SAMPLER_ARG")); err != nil {
		return Options{}, err
	}
	if o.Headers, err = headers(first("HEADERS")); err != nil {
		return Options{}, err
	}
	if ms := first("TIMEOUT"); ms != "" {
		n, err := strconv.Atoi(ms)
		if err != nil || n <= 0 {
			return Options{}, fmt.Errorf("OTEL_EXPORTER_OTLP_TIMEOUT: not a number of milliseconds")
		}
		o.Timeout = time.Duration(n) * time.Millisecond
	}
	if o.Transport, err = transport(first("CERTIFICATE"), first("CLIENT_CERTIFICATE"), first("CLIENT_KEY")); err != nil {
		return Options{}, err
	}
	return o, nil
}

// ratio is what a sampler keeps of all traces. Those that ask the parent are as
// those that do not: all our traces begin here.
func ratio(sampler, arg string) (float64, error) {
	switch strings.TrimPrefix(sampler, "parentbased_") {
	case "always_off":
		return 0, nil
	case "traceidratio":
		r, err := strconv.ParseFloat(arg, 64)
		if err != nil || r < 0 || r > 1 {
			return 0, fmt.Errorf("OTEL_TRACES_SAMPLER_ARG: not a number from 0 to 1")
		}
		return r, nil
	}
	return 1, nil
}

// headers reads key=value pairs with commas between, whose values are encoded
// as in a URL.
func headers(text string) (http.Header, error) {
	h := http.Header{}
	for pair := range strings.SplitSeq(text, ",") {
		if strings.TrimSpace(pair) == "" {
			continue
		}
		key, value, ok := strings.Cut(pair, "=")
		value, err := url.PathUnescape(strings.TrimSpace(value))
		if !ok || err != nil || strings.TrimSpace(key) == "" {
			return nil, fmt.Errorf("OTEL_EXPORTER_OTLP_HEADERS: not a list of key=value with commas between")
		}
		h.Set(strings.TrimSpace(key), value)
	}
	return h, nil
}

// transport trusts a CA of its own and shows a certificate, where there are
// files for that; nil: the network as it is.
func transport(ca, crt, key string) (http.RoundTripper, error) {
	if ca == "" && crt == "" {
		return nil, nil
	}
	settings := &tls.Config{MinVersion: tls.VersionTLS12}
	if ca != "" {
		pem, err := os.ReadFile(ca)
		if err != nil {
			return nil, fmt.Errorf("OTEL_EXPORTER_OTLP_CERTIFICATE: %w", err)
		}
		settings.RootCAs = x509.NewCertPool()
		if !settings.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("OTEL_EXPORTER_OTLP_CERTIFICATE: no certificate in PEM in %s", ca)
		}
	}
	if crt != "" {
		pair, err := tls.LoadX509KeyPair(crt, key)
		if err != nil {
			return nil, fmt.Errorf("OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE: %w", err)
		}
		settings.Certificates = []tls.Certificate{pair}
	}
	return &http.Transport{Proxy: http.ProxyFromEnvironment, TLSClientConfig: settings, ForceAttemptHTTP2: true}, nil
}
