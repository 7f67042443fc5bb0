package gate_test

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/certwright/certwright/test/acme/gate"
	"github.com/certwright/certwright/test/harness"
)

// server counts what reaches it, and tells the Host it was asked by.
type server struct {
	address string
	reached atomic.Int64
}

func startServer(t *testing.T, authority *harness.Authority) *server {
	t.Helper()
	identity, err := authority.Server()
	if err != nil {
		t.Fatal(err)
	}
	own := tls.Certificate{Certificate: [][]byte{identity.Certificate.Raw}, PrivateKey: identity.Key}
	listener, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{own}})
	if err != nil {
		t.Fatal(err)
	}
	s := &server{address: listener.Addr().String()}
	behind := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.reached.Add(1)
		w.WriteHeader(http.StatusCreated)
		_, _ = io.Copy(w, io.MultiReader(bytes.NewBufferString(r.Host+" "), r.Body))
	})}
	go func() { _ = behind.Serve(listener) }()
	t.Cleanup(func() { _ = behind.Close() })
	return s
}

// open makes a gate before a server, and a way to ask through it.
func open(t *testing.T) (*gate.Gate, *server, func(path, payload string) (status int, answer string)) {
	t.Helper()
	authority, err := harness.NewRoot("gate")
	if err != nil {
		t.Fatal(err)
	}
	behind := startServer(t, authority)
	g, err := gate.Open(behind.address, authority)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = g.Close() })
	trusted := x509.NewCertPool()
	trusted.AddCert(authority.Certificate)
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: trusted}, DisableKeepAlives: true}}
	return g, behind, func(path, payload string) (int, string) {
		body := fmt.Sprintf(`{"protected":"","payload":%q}`, base64.RawURLEncoding.EncodeToString([]byte(payload)))
		response, err := client.Post("https://"+g.Address+path, "application/jose+json", bytes.NewBufferString(body))
		if err != nil {
			return 0, err.Error()
		}
		defer response.Body.Close()
		answer, _ := io.ReadAll(response.Body)
		return response.StatusCode, response.Header.Get("Retry-After") + string(answer)
	}
}

const order = `{"identifiers":[{"type":"dns","value":"b.test"},{"type":"dns","value":"a.test"}],"replaces":"x.y"}`

func TestPassesOnAndKeepsBook(t *testing.T) {
	g, _, ask := open(t)
	status, answer := ask("/order-plz", order)
	if host, _, _ := bytes.Cut([]byte(answer), []byte(" ")); status != http.StatusCreated || string(host) != g.Address {
		t.Errorf("got %d %q", status, answer)
	}
	ask("/authZ/1", "")
	made := g.OrdersFor("a.test", "b.test")
	if len(made) != 1 || made[0].Field("replaces") != "x.y" || len(g.OrdersFor("a.test")) != 0 {
		t.Errorf("orders: %v", made)
	}
	if got := g.Calls(gate.Authorization); len(got) != 1 || len(got[0].Payload) != 0 || len(g.Calls()) != 2 {
		t.Errorf("the book: %v", g.Calls())
	}
}

func TestAnswersItself(t *testing.T) {
	g, behind, ask := open(t)
	g.Answer(gate.NewOrder, 1, gate.Busy(7*time.Second))
	status, answer := ask("/order-plz", order)
	if status != http.StatusTooManyRequests || answer[0] != '7' || !bytes.Contains([]byte(answer), []byte("urn:ietf:params:acme:error:rateLimited")) {
		t.Errorf("got %d %q", status, answer)
	}
	if behind.reached.Load() != 0 || len(g.OrdersFor("a.test", "b.test")) != 0 {
		t.Error("it reached the server")
	}
	if status, _ := ask("/order-plz", order); status != http.StatusCreated {
		t.Errorf("the second: got %d", status)
	}
}

func TestShut(t *testing.T) {
	g, behind, ask := open(t)
	g.Shut(true)
	if status, _ := ask("/dir", ""); status != 0 || behind.reached.Load() != 0 {
		t.Errorf("got %d", status)
	}
	g.Shut(false)
	if status, _ := ask("/dir", ""); status != http.StatusCreated {
		t.Errorf("opened again: got %d", status)
	}
}

// TestTrouble: every kind of it comes, and what was done although its answer
// was lost is in the book.
func TestTrouble(t *testing.T) {
	g, behind, ask := open(t)
	g.Trouble(100)
	seen := map[int]int{}
	for range 60 {
		status, _ := ask("/order-plz", order)
		seen[status]++
	}
	made := len(g.OrdersFor("a.test", "b.test"))
	if seen[0] == 0 || seen[http.StatusInternalServerError] == 0 || len(seen) != 2 || made == 0 || made != int(behind.reached.Load()) || made >= seen[0] {
		t.Errorf("answers %v, %d reached the server, %d in the book", seen, behind.reached.Load(), made)
	}
}

func TestServerAway(t *testing.T) {
	authority, err := harness.NewRoot("gate")
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	nobody := listener.Addr().String()
	listener.Close()
	g, err := gate.Open(nobody, authority)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = g.Close() })
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}}
	if response, err := client.Get(g.Directory()); err == nil {
		response.Body.Close()
		t.Errorf("got %s, want no answer", response.Status)
	}
}
