package commands

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"k8s.io/cli-runtime/pkg/genericiooptions"
)

func TestSolveSaysWhatIsMissing(t *testing.T) {
	b := newBench(nil)
	for line, want := range map[string]string{
		"solve":                      "Error: --domain: it is not said which name is to be proved; name one\n",
		"solve --domain=a.test":      "Error: --token: it is not said which token is asked for; name the challenge's\n",
		"solve --domain=a --token=t": "Error: --key: it is not said what to answer; give the key authorization, TOKEN.THUMBPRINT\n",
		"solve --domain=a --token=t --key=t.x --listen-port=70000": "Error: --listen-port: 70000 is no port; write for example 8089\n",
	} {
		b.expect(t, line, exitUsage, "", want+"See \"certwright solve --help\".\n")
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, port, _ := net.SplitHostPort(l.Addr().String())
	if code := b.run(t, "solve --domain=a --token=t --key=t.x --listen-address=127.0.0.1 --listen-port="+port); code != exitFailure || !strings.Contains(b.err.String(), "choose another --listen-port") {
		t.Errorf("%d %s", code, b.err.String())
	}
}

// lines is a log that somebody waits for.
type lines struct {
	mu   sync.Mutex
	buf  bytes.Buffer
	came chan struct{}
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	defer close(l.came) // the one line there is
	return l.buf.Write(p)
}

// The arguments are those of a solver pod.
func TestSolveAnswers(t *testing.T) {
	b, log := newBench(nil), &lines{came: make(chan struct{})}
	b.streams = genericiooptions.IOStreams{In: strings.NewReader(""), Out: io.Discard, ErrOut: log}
	ctx, cancel := context.WithCancel(t.Context())
	code := make(chan int, 1)
	go func() {
		code <- b.execute(ctx, strings.Fields("solve --listen-address=127.0.0.1 --listen-port=0 --domain=www.example.com --token=tok --key=tok.print"))
	}()
	select {
	case <-log.came:
	case <-time.After(20 * time.Second):
		t.Fatal("it does not begin")
	}
	words := strings.Fields(log.buf.String())
	address := words[len(words)-1]
	for path, want := range map[string]string{
		"/.well-known/acme-challenge/tok": "200 tok.print", "/healthz": "200 ok", "/.well-known/acme-challenge/tok2": "404 ", "/": "404 ", "/healthz/x": "404 ",
	} {
		r, err := http.Get("http://" + address + path)
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(r.Body)
		_ = r.Body.Close()
		if got := r.Status[:4] + strings.TrimSpace(string(body)); got != want {
			t.Errorf("%s: got %q, want %q", path, got, want)
		}
	}
	cancel()
	select {
	case c := <-code:
		if c != exitOK {
			t.Errorf("exit code %d: %s", c, log.buf.String())
		}
	case <-time.After(20 * time.Second):
		t.Fatal("it does not end")
	}
}

func TestSolveIsHealthyForThoseWhoGet(t *testing.T) {
	w := httptest.NewRecorder()
	solving(solveOptions{domain: "a", token: "t", key: "k"}).ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/healthz", nil))
	if w.Code != http.StatusNotFound {
		t.Error(w.Code)
	}
}
