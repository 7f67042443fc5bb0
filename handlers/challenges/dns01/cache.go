package dns01

import (
	"container/list"
	"sync"

	"github.com/certwright/certwright/handlers/challenges/dns01/record"
)

// kept is how many providers are remembered: more than most clusters have
// issuers, and some 10 KB each.
const kept = 64

// cache keeps providers by all that they were made from, so that connections,
// tokens and roles serve many challenges.
type cache struct {
	mu    sync.Mutex
	order list.List // of *entry, the last used one first
	known map[string]*list.Element
}

type entry struct {
	key      string
	provider record.Provider
}

// get finds a provider, or makes and keeps it. What fails is not kept. Two at
// once may make it twice: none waits for the other's slow credentials.
func (c *cache) get(key string, construct build) (record.Provider, error) {
	if p := c.find(key); p != nil {
		return p, nil
	}
	p, err := construct()
	if err == nil {
		c.keep(key, p)
	}
	return p, err
}

func (c *cache) find(key string) record.Provider {
	c.mu.Lock()
	defer c.mu.Unlock()
	e, ok := c.known[key]
	if !ok {
		return nil
	}
	c.order.MoveToFront(e)
	return e.Value.(*entry).provider
}

func (c *cache) keep(key string, p record.Provider) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.known == nil {
		c.known = map[string]*list.Element{}
	}
	if e, ok := c.known[key]; ok {
		c.order.Remove(e)
	}
	c.known[key] = c.order.PushFront(&entry{key, p})
	if c.order.Len() > kept {
		delete(c.known, c.order.Remove(c.order.Back()).(*entry).key)
	}
}
