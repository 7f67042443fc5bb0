package orders_test

import (
	"slices"
	"testing"
	"time"

	"github.com/certwright/certwright/handlers/handlertest"
)

// The account's orders are looked through for an Order that was there before the
// process, and for no other one: the first after a start included.
func TestWhoIsLookedFor(t *testing.T) {
	for name, row := range map[string]struct {
		made  time.Duration // after the process began
		looks bool
	}{
		"a minute before":    {-time.Minute, true},
		"in the same second": {0, true}, // creations are told in whole seconds
		"a second later":     {time.Second, false},
		"a minute later":     {time.Minute, false},
	} {
		order := web(t)
		order.CreationTimestamp.Time = handlertest.Now.Add(row.made).Truncate(time.Second)
		s := newScene(t, issuer(), order)
		s.Wait(time.Hour)
		if _, err := s.handle(); err != nil {
			t.Fatal(err)
		}
		if looked := slices.Contains(s.server.calls, "orders"); looked != row.looks {
			t.Errorf("%s: looked is %t: %v", name, looked, s.server.calls)
		}
	}
}
