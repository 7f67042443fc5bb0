package httpapi_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/certwright/certwright/handlers/challenges/dns01/httpapi"
)

func TestErrorsSayTheSameEachTime(t *testing.T) {
	t.Parallel()
	slow := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/refused":
			w.WriteHeader(http.StatusTeapot)
			_, _ = w.Write([]byte("short\n\tand  stout"))
		case "/html":
			_, _ = w.Write([]byte("<html>"))
		case "/slow":
			<-slow
		case "/cut":
			w.Header().Set("Content-Length", "100")
			_, _ = w.Write([]byte("{"))
		}
	}))
	t.Cleanup(server.Close)
	t.Cleanup(func() { close(slow) })
	client := &httpapi.Client{Base: server.URL, Words: func(b []byte) string { return string(b) }, HTTP: &http.Client{Timeout: 200 * time.Millisecond}}
	for path, want := range map[string]string{
		"/refused": "it answers HTTP status 418: short and stout",
		"/html":    "it answers what is not the JSON of its API: is something between us and it?",
		"/slow":    "it does not answer in time",
		"/cut":     "its answer ended early",
		"/empty":   "",
	} {
		var result struct{}
		err := client.Do(t.Context(), http.MethodGet, path, nil, &result)
		if got := text(err); got != want {
			t.Errorf("%s: %q, want %q", path, got, want)
		}
	}
	gone := &httpapi.Client{Base: "http://127.0.0.1:1"}
	if got := text(gone.Do(t.Context(), http.MethodGet, "/", nil, nil)); got != "it cannot be reached: dial tcp 127.0.0.1:1: connect: connection refused" {
		t.Errorf("%q", got)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if err := client.Do(ended, http.MethodGet, "/", nil, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}

func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func TestStable(t *testing.T) {
	t.Parallel()
	for words, want := range map[string]string{
		" a\r\n\tb ": "a b",
		"read tcp 10.0.0.7:52144->192.0.2.1:443: connection reset by peer": "read tcp 192.0.2.1:443: connection reset by peer",
		strings.Repeat("x", 400): strings.Repeat("x", 300) + " ...",
	} {
		if got := httpapi.Stable(words); got != want {
			t.Errorf("%q: %q", words, got)
		}
	}
}
