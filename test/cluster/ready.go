package cluster

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

// newClient returns a client that trusts the CA and calls as the owner of token.
// It knows no proxy, because the address need not be a loopback one.
func newClient(ca []byte, token string) *http.Client {
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(ca)
	return &http.Client{
		Timeout: 10 * time.Second,
		Transport: &bearer{token: token, base: &http.Transport{
			TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12},
		}},
	}
}

// bearer puts a token on each request.
type bearer struct {
	token string
	base  *http.Transport
}

func (b *bearer) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set("Authorization", "Bearer "+b.token)
	return b.base.RoundTrip(r)
}

// CloseIdleConnections is what http.Client.CloseIdleConnections looks for.
func (b *bearer) CloseIdleConnections() { b.base.CloseIdleConnections() }

// waitFor waits until a GET of path succeeds. The named component is the one to
// blame when it never does; if that or etcd dies there is nothing to wait for.
func (c *Cluster) waitFor(ctx context.Context, component, path string) error {
	ticker := time.NewTicker(50 * time.Millisecond)
	defer ticker.Stop()
	for {
		answer := c.try(ctx, path)
		if answer == nil {
			return nil
		}
		for _, name := range []string{Etcd, component} {
			if p := c.process(name); p.hasEnded() {
				return p.failure()
			}
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("wait for %s: %w; the last try: %w\n%s", component, context.Cause(ctx), answer, c.process(component).tail())
		case <-ticker.C:
		}
	}
}

func (c *Cluster) try(ctx context.Context, path string) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, c.URL()+path, nil)
	if err != nil {
		return fmt.Errorf("make a request for %s: %w", path, err)
	}
	response, err := c.client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, 1<<20))
	if err != nil || response.StatusCode != http.StatusOK {
		return fmt.Errorf("GET %s: %s: %s", path, response.Status, strings.TrimSpace(string(body)))
	}
	return nil
}

func (c *Cluster) process(name string) *process {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.processes[name]
}
