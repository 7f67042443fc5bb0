package gate

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"time"
)

// Answer is what the gate says instead of the server.
type Answer struct {
	// Status is the HTTP status.
	Status int
	// Type is the ACME error, such as "rateLimited"; Detail its words.
	Type, Detail string
	// RetryAfter is told in whole seconds when it is not 0.
	RetryAfter time.Duration
}

// Busy is the answer of a server whose limit is reached.
func Busy(wait time.Duration) Answer {
	return Answer{
		Status: http.StatusTooManyRequests, Type: "rateLimited", RetryAfter: wait,
		Detail: "too many requests of this kind, see the documentation of the limits",
	}
}

func (a Answer) write(w http.ResponseWriter) {
	if a.RetryAfter > 0 {
		w.Header().Set("Retry-After", fmt.Sprint(int(a.RetryAfter.Seconds())))
	}
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(a.Status)
	_ = json.NewEncoder(w).Encode(map[string]any{ // whoever asked has gone, then
		"type": "urn:ietf:params:acme:error:" + a.Type, "detail": a.Detail, "status": a.Status,
	})
}

// Answer has the next n requests for an action answered so.
func (g *Gate) Answer(action Action, n int, answer Answer) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for range n {
		g.answers[action] = append(g.answers[action], answer)
	}
}

// Trouble has so many of a hundred requests fail: by a status of 500, by a
// connection that ends before the server gets the request, or by one that ends
// after the server has done it.
func (g *Gate) Trouble(percent int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.trouble = percent
}

// Shut makes the server unreachable, and reachable again.
func (g *Gate) Shut(closed bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.closed = closed
}

// fault is a kind of trouble.
type fault int

const (
	none fault = iota
	broken
	cutBefore
	cutAfter
)

func (g *Gate) decide(action Action) (answer *Answer, what fault, closed bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if waiting := g.answers[action]; len(waiting) > 0 {
		answer, g.answers[action] = &waiting[0], waiting[1:]
	}
	if rand.IntN(100) < g.trouble {
		what = fault(1 + rand.IntN(3))
	}
	return answer, what, g.closed
}
