package queue

import (
	"time"

	"k8s.io/utils/clock"
)

// quietClock is the real clock without tickers. The only ticker a workqueue
// without metrics asks for is a heartbeat, every ten seconds, "against weird
// things"; its timers need none, since both they and the times they are
// compared with follow the monotonic clock. Without it an idle queue does not
// wake at all, and three months in a synctest bubble are not a million ticks.
type quietClock struct{ clock.RealClock }

// NewTicker gives a ticker that never ticks.
func (quietClock) NewTicker(time.Duration) clock.Ticker { return noTicker{} }

type noTicker struct{}

func (noTicker) C() <-chan time.Time { return nil }
func (noTicker) Stop()               {}
