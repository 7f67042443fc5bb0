package commands

import (
	"context"
	"os"
)

// untilSignal returns a context that the first signal cancels, so that work in
// flight can end in order. The second calls the given function: whoever asks
// twice does not want to wait. Cancelling ends the watch.
func untilSignal(parent context.Context, signals <-chan os.Signal, second func()) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(parent)
	done := make(chan struct{})
	go func() {
		for _, react := range []func(){cancel, second} {
			select {
			case <-signals:
				react()
			case <-done:
				return
			}
		}
	}()
	return ctx, func() {
		close(done)
		cancel()
	}
}
