package acme_test

import (
	"bytes"
	"context"
	"crypto/elliptic"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/certwright/certwright/internal/acme"
	"github.com/certwright/certwright/internal/acme/acmetest"
)

// twisted answers like another server, but for what is posted to it.
type twisted struct {
	http.RoundTripper
	status int
	kind   string
	body   string
}

func (w twisted) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := w.RoundTripper.RoundTrip(r)
	if err != nil || r.Method != http.MethodPost {
		return resp, err
	}
	resp.StatusCode, resp.Body = w.status, io.NopCloser(strings.NewReader(w.body))
	resp.Header.Set("Content-Type", w.kind)
	return resp, nil
}

// Whatever a server answers, nothing breaks, and it is an error with a class and
// a text of one line that fits into a status.
func TestHostileAnswers(t *testing.T) {
	t.Parallel()
	s := acmetest.New(t, acmetest.Options{})
	a := account(t, client(s), s, ecKey(t, elliptic.P256()))
	const garbage = "https://acme.test/order/1"
	for _, status := range []int{200, 201, 403, 599} {
		for _, kind := range []string{"application/json", "application/problem+json", "application/pem-certificate-chain", "text/html", ""} {
			for _, body := range []string{
				"", "null", "[]", "{}", "0", `"x"`, "{", strings.Repeat("[", 10000), strings.Repeat("a ", 1<<17),
				`{"status": 7}`, `{"status": "strange"}`, `{"status": "valid", "expires": "yesterday"}`, `{"status":"pending","challenges":[null,{"error":{"subproblems":[{"identifier":7}]}}]}`,
				`{"type": "urn:ietf:params:acme:error:` + strings.Repeat("x", 5000) + `", "detail": "` + strings.Repeat(`\u0000\n`, 3000) + `"}`,
				"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "\xff\xfe\x00",
			} {
				c := acme.NewClient(acme.Options{Transport: twisted{s.Transport(), status, kind, body}})
				for name, call := range verbs(c, a, garbage) {
					err := call(t.Context())
					var e *acme.Error
					switch {
					case err == nil && status < 300 && (slices.Contains(bodiless, name) || strings.Contains(body, `"valid"`) || strings.Contains(body, `"pending"`)):
					case !errors.As(err, &e):
						t.Fatalf("%s, %d %q %.40q: got %v, want an *acme.Error", name, status, kind, body, err)
					case len(err.Error()) > 1000 || strings.ContainsAny(err.Error(), "\n\x00"):
						t.Fatalf("%s, %d %q %.40q: it says %d bytes, %.100q", name, status, kind, body, len(err.Error()), err.Error())
					}
				}
			}
		}
	}
}

// bodiless are the verbs that can do with an answer that says nothing: its
// status, or its Location, is enough.
var bodiless = []string{"register", "find", "orders", "email", "deactivate", "revoke"}

func verbs(c *acme.Client, a acme.Account, url string) map[string]func(context.Context) error {
	leaf := bytes.Repeat([]byte{0x30}, 10)
	return map[string]func(context.Context) error{
		"register":      func(ctx context.Context) error { _, err := c.Register(ctx, a, acme.Registration{}); return err },
		"find":          func(ctx context.Context) error { _, err := c.Find(ctx, a); return err },
		"email":         func(ctx context.Context) error { return c.UpdateEmail(ctx, a, "x@example.com") },
		"newOrder":      func(ctx context.Context) error { _, err := c.NewOrder(ctx, a, acme.NewOrder{}); return err },
		"order":         func(ctx context.Context) error { _, err := c.Order(ctx, a, url); return err },
		"orders":        func(ctx context.Context) error { _, err := c.Orders(ctx, a); return err },
		"authorization": func(ctx context.Context) error { _, err := c.Authorization(ctx, a, url); return err },
		"accept":        func(ctx context.Context) error { _, err := c.Accept(ctx, a, url); return err },
		"challenge":     func(ctx context.Context) error { _, err := c.Challenge(ctx, a, url); return err },
		"deactivate":    func(ctx context.Context) error { return c.Deactivate(ctx, a, url) },
		"finalize": func(ctx context.Context) error {
			_, err := c.Finalize(ctx, a, acme.Order{FinalizeURL: url}, nil)
			return err
		},
		"certificate": func(ctx context.Context) error { _, err := c.Certificate(ctx, a, url, "x"); return err },
		"revoke":      func(ctx context.Context) error { return c.Revoke(ctx, a, leaf, 0) },
	}
}
