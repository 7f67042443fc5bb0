package dns01

import (
	"context"
	"errors"
	"sync"
	"testing"

	"github.com/certwright/certwright/handlers/challenges/dns01/record"
)

func TestLocks(t *testing.T) {
	t.Parallel()
	var l locks
	var all sync.WaitGroup
	inside := map[string]int{} // raced on, unless the locks hold
	for _, name := range []string{"a", "a", "a", "a", "a", "a", "a", "a"} {
		all.Go(func() {
			unlock, err := l.lock(t.Context(), name)
			if err != nil {
				t.Error(err)
				return
			}
			inside[name]++
			unlock()
		})
	}
	all.Wait()
	unlock, _ := l.lock(t.Context(), "a")
	if free, err := l.lock(t.Context(), "b"); err != nil {
		t.Error("another name waits")
	} else {
		free()
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := l.lock(ended, "a"); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	unlock()
	if len(l.held) > 0 || inside["a"] != 8 {
		t.Errorf("%d locks are left, %d were inside", len(l.held), inside["a"])
	}
}

type fixed struct{ record.Provider }

func TestCache(t *testing.T) {
	t.Parallel()
	var c cache
	made := 0
	get := func(key string) {
		t.Helper()
		if _, err := c.get(key, func() (record.Provider, error) { made++; return &fixed{}, nil }); err != nil {
			t.Fatal(err)
		}
	}
	get("a")
	get("a")
	if made != 1 {
		t.Errorf("made %d times", made)
	}
	for i := range kept {
		get(string(rune(0x400 + i)))
		get("a") // in use, so it stays
	}
	if made != 1+kept || c.order.Len() != kept || len(c.known) != kept {
		t.Errorf("made %d, kept %d and %d", made, c.order.Len(), len(c.known))
	}
	failed := errors.New("no")
	if _, err := c.get("bad", func() (record.Provider, error) { return nil, failed }); !errors.Is(err, failed) || len(c.known) != kept {
		t.Errorf("%v", err)
	}
}
