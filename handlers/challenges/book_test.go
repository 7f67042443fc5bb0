package challenges

import (
	"fmt"
	"slices"
	"testing"
	"time"

	cmacme "github.com/cert-manager/cert-manager/pkg/apis/acme/v1"
	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	cmmeta "github.com/cert-manager/cert-manager/pkg/apis/meta/v1"
	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/types"
)

// noIssuers is a cache without any.
type noIssuers struct{}

func (noIssuers) IssuerFor(string, cmmeta.IssuerReference) cmapi.GenericIssuer { return nil }

// waits is a challenge that waits for its first turn.
func waits(namespace, dnsName string, age time.Duration) Sight {
	return Sight{UID: types.UID(namespace + "/" + dnsName), Namespace: namespace, Name: dnsName, Version: "1",
		Created: epoch.Add(-age), Proof: Proof{dnsName, cmacme.ACMEChallengeTypeDNS01}}
}

// writer answers all moves of a book.
type writer struct {
	*Book
	version int
	now     time.Time
}

func newWriter(places int, seen ...Sight) *writer {
	w := &writer{Book: NewBook(places), version: 1, now: epoch}
	for _, s := range seen {
		w.See(s, epoch)
	}
	return w
}

// pass makes the moves of one pass and tells whom they concern, as in "+a/x".
func (w *writer) pass() (moved []string) {
	moves, _ := w.Moves(w.now)
	for _, m := range moves {
		w.version++
		w.Stored(m, fmt.Sprint(w.version), w.now)
		moved = append(moved, map[Ruling]string{Admit: "+", Yield: "-"}[m.Ruling]+string(m.UID))
	}
	return moved
}

// finish has a challenge come to its end.
func (w *writer) finish(uids ...types.UID) {
	for _, uid := range uids {
		w.Gone(uid)
	}
}

func (w *writer) wants(t *testing.T, what string, want ...string) {
	t.Helper()
	if diff := cmp.Diff(want, w.pass()); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

func TestWhoHasAPlace(t *testing.T) {
	t.Parallel()
	t.Run("the oldest, namespace by namespace", func(t *testing.T) {
		t.Parallel()
		w := newWriter(3, waits("a", "1", time.Hour), waits("a", "2", 2*time.Hour), waits("a", "3", 3*time.Hour), waits("b", "4", time.Minute))
		w.wants(t, "three places", "+a/3", "+b/4", "+a/2")
		w.wants(t, "no more")
		w.finish("b/4")
		w.wants(t, "the last one", "+a/1")
	})
	t.Run("never two of one name and type", func(t *testing.T) {
		t.Parallel()
		other := waits("a", "x", 0)
		other.UID, other.Proof.Type = "a/x by http", cmacme.ACMEChallengeTypeHTTP01
		w := newWriter(9, waits("a", "x", 3*time.Hour), waits("b", "x", 2*time.Hour), waits("c", "x", time.Hour), other)
		w.wants(t, "one of each type", "+a/x", "+a/x by http")
		w.finish("a/x")
		w.wants(t, "then the next namespace", "+b/x")
		w.finish("b/x")
		w.wants(t, "then the last", "+c/x")
	})
	t.Run("an old version tells nothing", func(t *testing.T) {
		t.Parallel()
		w := newWriter(1, waits("a", "1", time.Hour), waits("a", "2", 0))
		w.wants(t, "the first", "+a/1")
		w.See(waits("a", "1", time.Hour), w.now) // a cache that lags
		w.wants(t, "the place is taken")
	})
	t.Run("more at work than places", func(t *testing.T) {
		t.Parallel()
		busy := func(n string) Sight { s := waits("a", n, 0); s.Mode = Holding; return s }
		w := newWriter(1, busy("1"), busy("2"), waits("a", "3", 0))
		w.wants(t, "nobody")
		w.finish("a/1")
		w.wants(t, "still nobody")
		w.finish("a/2")
		w.wants(t, "now", "+a/3")
	})
}

func TestWhoGivesWay(t *testing.T) {
	t.Parallel()
	t.Run("nobody while nobody waits", func(t *testing.T) {
		t.Parallel()
		w := newWriter(1, waits("a", "1", 0))
		w.wants(t, "it has the place", "+a/1")
		w.Tell("a/1", Stuck)
		w.now = epoch.Add(24 * time.Hour)
		w.wants(t, "and keeps it")
	})
	t.Run("who is stuck, at once, to one that had few turns", func(t *testing.T) {
		t.Parallel()
		w := newWriter(2, waits("a", "1", time.Hour), waits("a", "2", time.Minute))
		w.wants(t, "both", "+a/1", "+a/2")
		w.Tell("a/1", Stuck)
		w.Tell("a/2", Stuck)
		w.See(waits("a", "3", 0), w.now)
		w.known["a/1"].turns = fewTurns
		w.wants(t, "only one of them", "-a/1")
		w.wants(t, "to the new one", "+a/3")
		w.wants(t, "and one with many turns waits its own")
		w.known["a/2"].turns = fewTurns
		w.now = w.now.Add(quantum)
		w.wants(t, "half a minute", "-a/2")
		w.wants(t, "in turn", "+a/1")
		w.wants(t, "and nobody gives way for who rests")
		w.now = w.now.Add(pauses[fewTurns-1])
		w.wants(t, "and then the next one does", "-a/3")
	})
	t.Run("and rests, though places are free", func(t *testing.T) {
		t.Parallel()
		w := newWriter(1, waits("a", "1", time.Hour))
		w.wants(t, "first", "+a/1")
		w.See(waits("a", "2", 0), w.now)
		w.Tell("a/1", Stuck)
		w.wants(t, "it goes", "-a/1")
		w.wants(t, "for the other", "+a/2")
		w.finish("a/2")
		if moves, again := w.Moves(w.now); len(moves) > 0 || again != pauses[0] {
			t.Errorf("moves %v, and to ask again after %s, want none, and %s", moves, again, pauses[0])
		}
		w.now = w.now.Add(pauses[0])
		w.wants(t, "until it has rested", "+a/1")
	})
	t.Run("but not for long while half of the places are free", func(t *testing.T) {
		t.Parallel()
		w := newWriter(2, waits("a", "1", 3*time.Hour), waits("a", "2", 2*time.Hour))
		w.wants(t, "both", "+a/1", "+a/2")
		w.See(waits("a", "3", 0), w.now)
		w.Tell("a/1", Stuck)
		w.wants(t, "it goes", "-a/1")
		w.wants(t, "for the third", "+a/3")
		w.finish("a/2")
		w.wants(t, "it rests while one is at work")
		w.finish("a/3")
		w.wants(t, "and then no more", "+a/1")
	})
	t.Run("and may go while it rests", func(t *testing.T) {
		t.Parallel()
		w := newWriter(1, waits("a", "1", time.Hour))
		w.wants(t, "first", "+a/1")
		w.See(waits("a", "2", 0), w.now)
		w.Tell("a/1", Stuck)
		w.wants(t, "it goes", "-a/1")
		w.Gone("a/1")
		w.now = w.now.Add(time.Hour)
		w.wants(t, "only the other is left", "+a/2")
	})
	t.Run("who hangs, after ten seconds", func(t *testing.T) {
		t.Parallel()
		w := newWriter(1, waits("a", "1", time.Hour))
		w.wants(t, "first", "+a/1")
		w.See(waits("a", "2", 0), w.now)
		if _, again := w.Moves(w.now); again != hangs {
			t.Errorf("to ask again after %s, want %s", again, hangs)
		}
		w.now = w.now.Add(hangs)
		w.wants(t, "it goes", "-a/1")
	})
	t.Run("not whom the server looks at", func(t *testing.T) {
		t.Parallel()
		w := newWriter(1, waits("a", "1", time.Hour), waits("a", "2", 0))
		w.wants(t, "first", "+a/1")
		w.Tell("a/1", Validating)
		w.now = w.now.Add(validation - time.Second)
		w.wants(t, "it is looked at")
		w.now = w.now.Add(time.Second)
		w.wants(t, "for two minutes", "-a/1")
	})
	t.Run("who has the name that another wants, though places are free", func(t *testing.T) {
		t.Parallel()
		w := newWriter(9, waits("a", "x", time.Hour), waits("b", "x", 0))
		w.wants(t, "the older", "+a/x")
		w.Tell("a/x", Stuck)
		w.wants(t, "the name goes on", "-a/x")
		w.wants(t, "to the other namespace", "+b/x")
	})
}

// However many come that had no turn yet, one in nine goes to those who had
// several.
func TestThoseWhoHadATurnAreNotShutOut(t *testing.T) {
	t.Parallel()
	old := waits("a", "old", 0)
	old.Tried = true
	w := newWriter(1, old)
	e := w.known["a/old"]
	w.leave(e)
	e.turns = fewTurns
	w.enter(e)
	for i := range 3 * freshPerTried {
		w.See(waits("b", fmt.Sprint(i), time.Hour), w.now)
	}
	for i := 1; i < 3*freshPerTried; i++ {
		moved := w.pass()
		if slices.Equal(moved, []string{"+a/old"}) {
			if i != freshPerTried+1 {
				t.Errorf("its turn came as the %dth, want it as the %dth", i, freshPerTried+1)
			}
			return
		}
		w.finish(types.UID(moved[0][1:]))
	}
	t.Error("its turn never came")
}

// What becomes of a place whose write was not answered with yes.
func TestAnswersToMoves(t *testing.T) {
	t.Parallel()
	begin := func(t *testing.T) (*writer, Move) {
		w := newWriter(1, waits("a", "1", time.Hour), waits("a", "2", 0))
		moves, _ := w.Moves(w.now)
		if len(moves) != 1 || moves[0].UID != "a/1" {
			t.Fatalf("moves: %v", moves)
		}
		return w, moves[0]
	}
	t.Run("refused: another try", func(t *testing.T) {
		t.Parallel()
		w, m := begin(t)
		w.Refused(m)
		w.wants(t, "again", "+a/1")
	})
	t.Run("unheard: the same again, and nobody else", func(t *testing.T) {
		t.Parallel()
		w, m := begin(t)
		w.Unheard(m)
		w.wants(t, "again", "+a/1")
		w.wants(t, "stored")
	})
	t.Run("unheard, then refused: the first try may still be stored", func(t *testing.T) {
		t.Parallel()
		w, m := begin(t)
		w.Unheard(m)
		again, _ := w.Moves(w.now)
		w.Refused(again[0])
		w.wants(t, "the same again", "+a/1")
	})
	t.Run("overtaken: taken until the version is seen", func(t *testing.T) {
		t.Parallel()
		w, m := begin(t)
		w.Overtaken(m)
		w.wants(t, "nobody has it")
		changed := waits("a", "1", time.Hour)
		changed.Version = "2"
		w.See(changed, w.now)
		w.wants(t, "it was something else", "+a/1")
	})
	t.Run("gone: the next", func(t *testing.T) {
		t.Parallel()
		w, m := begin(t)
		w.Gone(m.UID)
		w.wants(t, "the next", "+a/2")
	})
}

// What has come to its end, or is going, waits for no further turn.
func TestThoseAtTheirEndGiveWayForGood(t *testing.T) {
	t.Parallel()
	busy := waits("a", "1", time.Hour)
	busy.Mode, busy.Ending = Holding, true
	w := newWriter(1, busy, waits("a", "2", 0))
	w.now = epoch.Add(hangs)
	w.wants(t, "it gives way", "-a/1")
	w.wants(t, "to the other", "+a/2")
	w.finish("a/2")
	w.wants(t, "and has no turn again")
}

// A place that is freed goes to one of 100,000 in much less than a millisecond.
func BenchmarkFreedPlace(b *testing.B) {
	const many, places = 100_000, 60
	book := NewBook(places)
	for i := range many {
		s := waits(fmt.Sprintf("ns-%d", i%500), fmt.Sprintf("%d.example.com", i), time.Duration(i)*time.Second)
		book.See(s, epoch)
	}
	moves, _ := book.Moves(epoch)
	holding := make([]types.UID, 0, places)
	for _, m := range moves {
		book.Stored(m, "2", epoch)
		holding = append(holding, m.UID)
	}
	next := many
	names := make([]Sight, 0, b.N)
	for range b.N { // what comes in for each that goes
		names = append(names, waits(fmt.Sprintf("ns-%d", next%500), fmt.Sprintf("%d.example.com", next), 0))
		next++
	}
	b.ReportAllocs()
	b.ResetTimer()
	for i := range b.N {
		book.See(names[i], epoch)
		book.Gone(holding[i%places])
		moves, _ := book.Moves(epoch)
		if len(moves) != 1 {
			b.Fatalf("%d moves for a freed place", len(moves))
		}
		book.Stored(moves[0], "2", epoch)
		holding[i%places] = moves[0].UID
	}
}
