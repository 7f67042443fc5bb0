package challenges

import (
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	cmacme "github.com/cert-manager/cert-manager/pkg/apis/acme/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/klog/v2"
)

func TestMain(m *testing.M) {
	klog.LogToStderr(false)
	klog.SetOutput(io.Discard)
	os.Exit(m.Run())
}

// lagging is a cache that shows the server as it was some changes ago.
type lagging struct {
	server *apiServer

	mu      sync.Mutex
	seen    int // of server.history
	objects map[types.NamespacedName]*cmacme.Challenge
	changed map[types.UID]types.NamespacedName // nil before the first question
}

// newCache makes one that begins with what it sees now.
func newCache(s *apiServer) *lagging {
	c := &lagging{server: s, objects: map[types.NamespacedName]*cmacme.Challenge{}}
	c.catchUp(0)
	return c
}

// catchUp has the cache see all but the last few changes. It never goes back.
func (c *lagging) catchUp(behind int) {
	c.server.mu.Lock()
	defer c.server.mu.Unlock()
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, ch := range c.server.history[c.seen:max(c.seen, len(c.server.history)-behind)] {
		c.seen++
		if ch.object == nil {
			delete(c.objects, ch.name)
		} else {
			c.objects[ch.name] = ch.object
		}
		if c.changed != nil {
			c.changed[ch.uid] = ch.name
		}
	}
}

func (c *lagging) Challenge(namespace, name string) *cmacme.Challenge {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.objects[types.NamespacedName{Namespace: namespace, Name: name}]
}

func (c *lagging) ChangedChallenges() map[types.UID]types.NamespacedName {
	c.mu.Lock()
	defer c.mu.Unlock()
	changed := c.changed
	if changed == nil {
		changed = map[types.UID]types.NamespacedName{}
		for name, ch := range c.objects {
			changed[ch.UID] = name
		}
	}
	c.changed = map[types.UID]types.NamespacedName{}
	return changed
}

// recorder writes events down.
type recorder struct {
	mu  sync.Mutex
	all []string
}

func (r *recorder) Event(_ runtime.Object, kind, reason, message string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.all = append(r.all, fmt.Sprintf("%s %s: %s", kind, reason, message))
}

func (r *recorder) Eventf(o runtime.Object, kind, reason, format string, args ...any) {
	r.Event(o, kind, reason, fmt.Sprintf(format, args...))
}

func (r *recorder) AnnotatedEventf(o runtime.Object, _ map[string]string, kind, reason, format string, args ...any) {
	r.Eventf(o, kind, reason, format, args...)
}

// told returns the events since the last call. Started comes first: the one who
// gives out the places tells of it beside the work that it begins.
func (r *recorder) told() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	all := r.all
	r.all = nil
	slices.SortStableFunc(all, func(a, b string) int { return count(isStart(b)) - count(isStart(a)) })
	return all
}

func isStart(event string) bool { return strings.HasPrefix(event, "Normal Started") }

// epoch is when every test begins.
var epoch = time.Date(2026, time.March, 1, 12, 0, 0, 0, time.UTC)

// proof is a Challenge that waits for a place.
func proof(namespace, name, dnsName string, age time.Duration) *cmacme.Challenge {
	return &cmacme.Challenge{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name, UID: types.UID(namespace + "/" + name),
			CreationTimestamp: metav1.NewTime(epoch.Add(-age)), Finalizers: []string{cmacme.ACMEDomainQualifiedFinalizer}},
		Spec: cmacme.ChallengeSpec{DNSName: dnsName, Type: cmacme.ACMEChallengeTypeHTTP01, Token: "t-" + name, Key: "k-" + name,
			URL: "https://acme.test/challenge/" + name, AuthorizationURL: "https://acme.test/authorization/" + name},
	}
}
