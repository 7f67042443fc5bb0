package challenges

import (
	"context"
	"fmt"
	"hash/fnv"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/certwright/certwright/internal/api"
	"github.com/certwright/certwright/queue"

	cmacme "github.com/cert-manager/cert-manager/pkg/apis/acme/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	clocktesting "k8s.io/utils/clock/testing"
	"pgregory.net/rapid"
)

// temper is how a challenge behaves when it has its turn.
type temper int

const (
	good     temper = iota // is proved soon
	hopeless               // fails its self check for ever
	hanging                // gives no sign of life
	tempers
)

// history is a cluster in which anything happens, and the leader of the day.
type history struct {
	*rapid.T
	server  *apiServer
	clock   *clocktesting.FakePassiveClock
	places  *Places
	cache   *lagging
	max     int
	tempers map[types.UID]temper
	turns   map[types.UID]int
	made    int
	faults  uint64 // 0: none
	log     []string
	broken  string // an invariant, by a write; told of outside the server's lock
}

// Whatever happens, the API server never stores one place too many, nor two
// challenges about one name; and once it is over, everybody has his turn.
func TestPlacesOverRandomHistories(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		h := &history{T: rt, server: newAPIServer(), clock: clocktesting.NewFakePassiveClock(epoch),
			tempers: map[types.UID]temper{}, turns: map[types.UID]int{}, max: rapid.IntRange(1, 4).Draw(rt, "places")}
		h.server.after = h.watch
		h.newLeader()
		rt.Repeat(map[string]func(*rapid.T){
			"create":     h.create,
			"delete":     h.deleteOne,
			"pass":       h.pass,
			"pass again": h.pass,
			"work":       h.work,
			"wait":       func(rt *rapid.T) { h.wait(time.Duration(rapid.IntRange(1, 40).Draw(rt, "seconds")) * time.Second) },
			"arrive":     func(*rapid.T) { h.server.arrive() },
			"new leader": func(*rapid.T) { h.newLeader() },
			"other flag": func(rt *rapid.T) { h.server.arrive(); h.max = rapid.IntRange(1, 4).Draw(rt, "places"); h.newLeader() },
			"mark":       h.mark,
			"": func(*rapid.T) {
				if h.broken != "" {
					h.Fatalf("%s\n%s", h.broken, h.story())
				}
			},
		})
		h.heal()
	})
}

// watch looks at each write when it is stored, under the server's lock.
func (h *history) watch(s *apiServer, write string) {
	h.log = append(h.log, write)
	if !strings.HasPrefix(write, "place ") || !strings.HasSuffix(write, " true") {
		return
	}
	proofs := map[Proof]string{}
	for name, ch := range s.objects {
		if !ch.Status.Processing {
			continue
		}
		if other, ok := proofs[proofOf(ch)]; ok {
			h.broken = fmt.Sprintf("%s and %s are at work on one name", other, name)
		}
		proofs[proofOf(ch)] = name.String()
	}
	if len(proofs) > h.max {
		h.broken = fmt.Sprintf("%d are at work at %d places", len(proofs), h.max)
	}
	for name, ch := range s.objects {
		if write == "place "+name.String()+" true" {
			h.turns[ch.UID]++
		}
	}
}

func (h *history) story() string { return strings.Join(h.log, "\n") }

// newLeader begins anew with an empty memory, and with a cache that may lag.
// What the leader before it wrote has come to its end: see [Places].
func (h *history) newLeader() {
	h.server.arrive()
	h.log = append(h.log, fmt.Sprintf("new leader, %d places", h.max))
	h.cache = &lagging{server: h.server, objects: map[types.NamespacedName]*cmacme.Challenge{}}
	h.cache.catchUp(rapid.IntRange(0, 5).Draw(h.T, "behind"))
	_, h.places = New(Options{Cache: struct {
		*lagging
		noIssuers
	}{lagging: h.cache}, Client: h.server, Max: h.max, WriteLimit: time.Second, Events: &recorder{}, Clock: h.clock, Wake: func(queue.Key) {}})
	h.places.writers = 1
}

func (h *history) create(rt *rapid.T) {
	if len(h.server.objects) > 14 {
		rt.Skip("enough")
	}
	h.made++
	ch := proof(rapid.SampledFrom([]string{"a", "b", "c"}).Draw(rt, "namespace"), fmt.Sprintf("c%d", rapid.IntRange(1, 20).Draw(rt, "name")),
		fmt.Sprintf("%d.test", rapid.IntRange(1, 6).Draw(rt, "proof")), 0)
	if h.server.stored(keyOf(ch)) != nil {
		rt.Skip("exists")
	}
	ch.UID = types.UID(fmt.Sprintf("uid-%d", h.made))
	ch.CreationTimestamp = metav1.NewTime(h.clock.Now())
	h.tempers[ch.UID] = temper(rapid.IntRange(0, int(tempers)-1).Draw(rt, "temper"))
	h.server.put(ch)
}

// any picks an object.
func (h *history) any(rt *rapid.T) types.NamespacedName {
	var names []types.NamespacedName
	for name := range h.server.objects {
		names = append(names, name)
	}
	if len(names) == 0 {
		rt.Skip("none")
	}
	slices.SortFunc(names, func(x, y types.NamespacedName) int { return strings.Compare(x.String(), y.String()) })
	return rapid.SampledFrom(names).Draw(rt, "object")
}

func (h *history) deleteOne(rt *rapid.T) {
	at := rapid.Bool().Draw(rt, "at once")
	h.server.edit(h.any(rt), func(ch *cmacme.Challenge) {
		now := metav1.NewTime(h.clock.Now())
		ch.DeletionTimestamp = &now
		if at {
			ch.Finalizers = nil
		}
	})
}

// mark is a write by somebody else that has nothing to do with places.
func (h *history) mark(rt *rapid.T) {
	h.server.edit(h.any(rt), func(ch *cmacme.Challenge) { ch.Labels = map[string]string{"seen": h.clock.Now().String()} })
}

func (h *history) wait(d time.Duration) { h.clock.SetTime(h.clock.Now().Add(d)) }

func (h *history) pass(rt *rapid.T) {
	h.faults = rapid.Uint64().Draw(rt, "faults")
	h.handle(rapid.IntRange(0, 6).Draw(rt, "behind"))
	h.faults = 0
}

// handle is one pass of the leader, whose yields must have a reason.
func (h *history) handle(behind int) {
	h.server.fate = h.fateOf
	h.cache.catchUp(behind)
	from := len(h.log)
	_, _ = h.places.Handle(context.Background(), queue.Places)
	yields := 0
	for _, write := range h.log[from:] {
		if strings.HasSuffix(write, " false") {
			yields++
		}
	}
	h.server.fate = nil
	if h.places.book == nil || yields == 0 {
		return
	}
	if _, waiting := h.places.book.Counts(); waiting == 0 {
		h.Fatalf("%d gave their places away for nobody\n%s", yields, h.story())
	}
}

// fateOf is the same for the same write and faults.
func (h *history) fateOf(write string) fate {
	if h.faults%3 == 0 {
		return stored
	}
	sum := fnv.New64()
	fmt.Fprint(sum, h.faults, write)
	return []fate{stored, stored, stored, lost, unheard, late, refused}[sum.Sum64()%7]
}

// work has those at work come a step further.
func (h *history) work(*rapid.T) {
	for _, ch := range h.all() {
		switch {
		case !ch.Status.Processing && ch.DeletionTimestamp != nil:
			h.server.edit(keyOf(ch), func(ch *cmacme.Challenge) { ch.Finalizers = nil })
		case !ch.Status.Processing:
		case ch.DeletionTimestamp != nil:
			h.server.edit(keyOf(ch), func(ch *cmacme.Challenge) { ch.Finalizers = nil })
		case h.tempers[ch.UID] == good:
			h.server.edit(keyOf(ch), func(ch *cmacme.Challenge) {
				ch.Status = cmacme.ChallengeStatus{State: cmacme.Valid}
			})
		case h.tempers[ch.UID] == hopeless:
			h.places.turns.tell(ch.UID, Stuck)
		}
	}
}

func (h *history) all() []*cmacme.Challenge {
	h.server.mu.Lock()
	defer h.server.mu.Unlock()
	var all []*cmacme.Challenge
	for _, ch := range h.server.objects {
		all = append(all, ch)
	}
	slices.SortFunc(all, func(x, y *cmacme.Challenge) int { return strings.Compare(string(x.UID), string(y.UID)) })
	return all
}

// heal ends all faults: then no place is left free that somebody could use,
// and everybody has another turn within a time that is bounded.
func (h *history) heal() {
	h.server.arrive()
	before := map[types.UID]int{}
	for _, ch := range h.all() {
		before[ch.UID] = h.turns[ch.UID]
		if ch.Status.Processing {
			before[ch.UID]-- // it has one
		}
	}
	for range 40 * (len(before) + 1) {
		h.settle()
		h.noPlaceLost()
		h.work(h.T)
		h.wait(10 * time.Second)
	}
	for _, ch := range h.all() {
		if !api.ACMEFinal(ch.Status.State) && h.turns[ch.UID] == before[ch.UID] {
			h.Fatalf("%s/%s (%s) had no turn in all that time\n%s", ch.Namespace, ch.Name, ch.Spec.DNSName, h.story())
		}
	}
}

// settle makes passes until one writes nothing, as the events of each wake the
// next.
func (h *history) settle() {
	for range 100 {
		from := len(h.log)
		if h.handle(0); len(h.log) == from {
			return
		}
	}
	h.Fatalf("the places do not come to rest\n%s", h.story())
}

func (h *history) noPlaceLost() {
	taken, busy := 0, map[Proof]bool{}
	for _, ch := range h.all() {
		if ch.Status.Processing {
			taken++
			busy[proofOf(ch)] = true
		}
	}
	for _, ch := range h.all() {
		if s := sightOf(ch); s.Mode == Waiting && taken < h.max && !busy[s.Proof] {
			h.Fatalf("%s/%s waits, and %d of %d places are free\n%s", ch.Namespace, ch.Name, h.max-taken, h.max, h.story())
		}
	}
}
