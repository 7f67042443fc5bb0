package daemon

import (
	"context"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	authorizationv1 "k8s.io/api/authorization/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/rest"
)

// actor is one process's connection to the API server: a http.RoundTripper
// that keeps account of the calls, and that can be slow, faulty or cut.
type actor struct {
	api  *apiServer
	name string
	// latency is how long a call takes, half of it before it has effect.
	latency time.Duration
	// fault decides what goes wrong with a call; nil: nothing.
	fault func(call) fault
	// lagging is by how much an event of a resource's watch is late; nil: not at all.
	lagging func(resource string) time.Duration
	// forbidden lists what review refuses, such as "create secrets".
	forbidden []string

	mu     sync.Mutex
	calls  []call
	did    map[string]bool // every verb and resource so far
	before func(call)      // is called before each call has effect
	lost   chan struct{}   // closed when the connection is cut
}

func newActor(api *apiServer, name string) *actor {
	return &actor{api: api, name: name, latency: time.Millisecond, did: map[string]bool{}, lost: make(chan struct{})}
}

// clients are those that the daemon itself makes, over this connection.
func (a *actor) clients() Clients {
	c, err := clientsOver(&rest.Config{Host: "http://api.invalid", UserAgent: a.name, QPS: -1}, &http.Client{Transport: a})
	if err != nil {
		panic(err)
	}
	c.Admission = nil // this API server knows no dry run
	return c
}

// cut ends the connection for good, calls and watches under way included: what
// a process that is killed leaves behind.
func (a *actor) cut() {
	a.mu.Lock()
	defer a.mu.Unlock()
	select {
	case <-a.lost:
	default:
		close(a.lost)
	}
}

// call is one request.
type call struct {
	at                               time.Time
	verb, resource, namespace, named string
}

func (c call) String() string {
	return strings.TrimSpace(c.verb + " " + c.resource + " " + strings.Trim(c.namespace+"/"+c.named, "/"))
}

// group names the resource in an error.
func (c call) group() schema.GroupResource {
	plural, _, _ := strings.Cut(c.resource, "/")
	return kinds[plural].group()
}

func (c call) writes() bool { return !slices.Contains([]string{"get", "list", "watch"}, c.verb) }

// fault is what goes wrong with a call.
type fault struct {
	err   error         // the answer, instead of the real one
	after bool          // the call has its effect all the same
	pause time.Duration // before the answer
}

// What a connection dies of, and what there is instead of one.
var (
	errCut     = errors.New("connection reset by peer")
	errRefused = errors.New("connection refused")
)

// beforeCall may have been set while the daemon runs.
func (a *actor) beforeCall() func(call) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.before
}

// RoundTrip makes one call.
func (a *actor) RoundTrip(r *http.Request) (*http.Response, error) {
	c := callOf(r)
	a.note(c)
	var f fault
	if a.fault != nil {
		f = a.fault(c)
	}
	if err := a.pause(r.Context(), a.latency-a.latency/2+f.pause); err != nil {
		return nil, err
	}
	if f.err != nil && !f.after {
		return answerTo(r, f.err)
	}
	if before := a.beforeCall(); before != nil {
		before(c)
	}
	if a.isCut() {
		return nil, errCut
	}
	answer := a.api.serve(a, r)
	if err := a.pause(r.Context(), a.latency/2); err != nil {
		_ = answer.Body.Close()
		return nil, err
	}
	if f.err != nil {
		_ = answer.Body.Close()
		return answerTo(r, f.err)
	}
	return answer, nil
}

// pause lets time pass, unless the caller gives up or the connection is cut.
func (a *actor) pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-a.lost:
		return errCut
	}
}

func (a *actor) isCut() bool {
	select {
	case <-a.lost:
		return true
	default:
		return false
	}
}

// answerTo is an API server's error, or a broken connection.
func answerTo(r *http.Request, err error) (*http.Response, error) {
	code, status := statusOf(err)
	if _, said := err.(apierrors.APIStatus); !said {
		return nil, err
	}
	return response(r, code, io.NopCloser(strings.NewReader(string(status)))), nil
}

// callOf names a request as an audit log would.
func callOf(r *http.Request) call {
	c := call{at: time.Now(), verb: verbOf(r), resource: r.URL.Path}
	if t, ok := targetOf(r.URL.Path); ok {
		c.resource, c.namespace, c.named = t.kind.plural, t.namespace, t.name
		if t.subresource != "" {
			c.resource += "/" + t.subresource
		}
	}
	return c
}

func verbOf(r *http.Request) string {
	if r.Method != http.MethodGet {
		return map[string]string{
			http.MethodPost: "create", http.MethodPut: "update", http.MethodPatch: "patch", http.MethodDelete: "delete"}[r.Method]
	}
	if r.URL.Query().Get("watch") != "" {
		return "watch"
	}
	if t, ok := targetOf(r.URL.Path); ok && t.name == "" {
		return "list"
	}
	return "get"
}

func (a *actor) note(c call) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.calls = append(a.calls, c)
	a.did[c.verb+" "+c.resource] = true
}

// take gives the calls so far that ok accepts, and forgets all of them.
func (a *actor) take(ok func(call) bool) []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	var found []string
	for _, c := range a.calls {
		if ok(c) {
			found = append(found, c.String())
		}
	}
	a.calls = nil
	return found
}

// work is what the contract counts as a write: Events, leases and questions
// about rights are none.
func work(c call) bool {
	return c.writes() && c.resource != "events" && c.resource != "leases" && !strings.HasPrefix(c.resource, "/")
}

func (a *actor) lag(t target) func() time.Duration {
	if a.lagging == nil {
		return nil
	}
	return func() time.Duration { return a.lagging(t.kind.plural) }
}

// review answers whether the actor may do something.
func (a *actor) review(r *http.Request) (io.ReadCloser, error) {
	body, err := readBody(r)
	if err != nil {
		return nil, err
	}
	var review authorizationv1.SelfSubjectAccessReview
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(body, &review); err != nil {
		return nil, err
	}
	at := review.Spec.ResourceAttributes
	resource := at.Resource
	if at.Subresource != "" {
		resource += "/" + at.Subresource
	}
	review.APIVersion, review.Kind = "authorization.k8s.io/v1", "SelfSubjectAccessReview"
	review.Status.Allowed = !slices.Contains(a.forbidden, at.Verb+" "+resource)
	return document(review), nil
}
