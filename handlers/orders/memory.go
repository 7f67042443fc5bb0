package orders

import (
	"sync"
	"time"

	"github.com/certwright/certwright/internal/acme"
	"github.com/certwright/certwright/queue"

	cmacme "github.com/cert-manager/cert-manager/pkg/apis/acme/v1"
	"k8s.io/apimachinery/pkg/types"
)

// memory is what the handler knows and need not write down. All of it may be
// lost in a crash; doc.go tells what that costs.
type memory struct {
	mu     sync.Mutex
	began  time.Time // when the term of work began that this memory is for
	orders map[queue.Key]*recollection
	claims map[string]types.UID // the Order that stands for an order at the server, by its URL
}

type recollection struct {
	uid      types.UID // a namesake made later remembers nothing
	quiet    time.Time // the server is not asked before
	asked    time.Time // when it was asked last
	polls    int       // that it was asked and nothing had changed
	faults   int       // transient ones in a row
	restarts int       // times that the server had lost the order
	unsure   bool      // a newOrder got no answer
	made     *made     // what newOrder answered, until the status holds it
	rival    *rival    // the Order that is served by the order we were given
	claims   []string  // URLs of orders at the server that are its own
}

// made is an order at the server, with what has to be proved for it.
type made struct {
	order          acme.Order
	authorizations []acme.Authorization
}

type rival struct {
	types.NamespacedName
	UID types.UID
}

func newMemory(began time.Time) *memory {
	return &memory{began: began, orders: map[queue.Key]*recollection{}, claims: map[string]types.UID{}}
}

func keyOf(o *cmacme.Order) queue.Key {
	return queue.Key{Kind: queue.Order, Namespace: o.Namespace, Name: o.Name}
}

// of returns a copy of what is known of an Order.
func (m *memory) of(o *cmacme.Order, now time.Time) recollection {
	var known recollection
	m.change(o, func(r *recollection) {
		if r.asked.IsZero() { // as if asked when first seen, so that a restart does not ask about all at once
			r.asked = now
		}
		known = *r
	})
	return known
}

// change has f change what is known of an Order, under the lock.
func (m *memory) change(o *cmacme.Order, f func(*recollection)) {
	m.mu.Lock()
	defer m.mu.Unlock()
	k := keyOf(o)
	r := m.orders[k]
	if r == nil || r.uid != o.UID {
		m.release(r)
		r = &recollection{uid: o.UID}
		m.orders[k] = r
	}
	f(r)
}

// older reports whether an Order was there before this process began to work,
// so that another one may have ordered for it.
func (m *memory) older(o *cmacme.Order) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return !o.CreationTimestamp.After(m.began)
}

// claim records that an Order stands for an order at the server, and tells
// whether that is so. The first to claim it keeps it.
func (m *memory) claim(url string, o *cmacme.Order) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if holder, ok := m.claims[url]; ok && holder != o.UID {
		return false
	}
	m.claims[url] = o.UID
	if r := m.orders[keyOf(o)]; r != nil && r.uid == o.UID {
		r.claims = append(r.claims, url)
	}
	return true
}

// holder returns who claimed an order at the server.
func (m *memory) holder(url string) *rival {
	m.mu.Lock()
	defer m.mu.Unlock()
	for k, r := range m.orders {
		if r.uid == m.claims[url] {
			return &rival{types.NamespacedName{Namespace: k.Namespace, Name: k.Name}, r.uid}
		}
	}
	return nil
}

// claimed returns who claimed an order at the server.
func (m *memory) claimed(url string) types.UID {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.claims[url]
}

// forget removes an Order that is gone.
func (m *memory) forget(k queue.Key) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.release(m.orders[k])
	delete(m.orders, k)
}

// done forgets an Order at its end, of which nothing needs to be known.
func (m *memory) done(o *cmacme.Order) { m.forget(keyOf(o)) }

// release gives up the claims of an Order. The caller holds the lock.
func (m *memory) release(r *recollection) {
	if r == nil {
		return
	}
	for _, url := range r.claims {
		delete(m.claims, url)
	}
}
