package daemon

import (
	"context"
	"sync"
	"time"
)

// permit is whether shards may be worked on; see internal/shards.
type permit struct {
	mu      sync.Mutex
	ctx     context.Context // ends with the permit; nil: there is none
	end     context.CancelFunc
	until   time.Time
	asked   time.Time     // when the look was asked for that it is based on
	changed chan struct{} // closed when it is granted anew
}

// grant gives it until a time, because of a look.
func (p *permit) grant(asked, until time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.ctx == nil {
		p.ctx, p.end = context.WithCancel(context.Background())
		time.AfterFunc(time.Until(until), p.lapse)
	}
	p.asked, p.until = asked, until
	if p.changed != nil {
		close(p.changed)
		p.changed = nil
	}
}

// lapse ends it when its time has come, which may have been put off.
func (p *permit) lapse() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if left := time.Until(p.until); p.ctx != nil && left > 0 {
		time.AfterFunc(left, p.lapse)
		return
	}
	p.take()
}

func (p *permit) revoke() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.take()
}

// take takes it away. The caller holds the lock.
func (p *permit) take() {
	if p.ctx != nil {
		p.end()
		p.ctx, p.end = nil, nil
	}
}

// await waits for a permit that is based on a look asked for after a time; its
// context ends with it. False is the end of ctx.
func (p *permit) await(ctx context.Context, after time.Time) (context.Context, bool) {
	for ctx.Err() == nil {
		p.mu.Lock()
		if p.ctx != nil && p.asked.After(after) {
			defer p.mu.Unlock()
			return p.ctx, true
		}
		if p.changed == nil {
			p.changed = make(chan struct{})
		}
		changed := p.changed
		p.mu.Unlock()
		select {
		case <-changed:
		case <-ctx.Done():
		}
	}
	return nil, false
}
