package resolver

import (
	"math/rand/v2"
	"net/netip"
	"time"
)

// idle is how long an answer stays that nobody asks for, however long it is valid (ngx_resolver_t.expire).
const idle = 30 * time.Second

// cache keeps answers until they are stale or idle. It is guarded by the resolver's lock.
type cache struct {
	entries map[key]*entry
	swept   time.Time
}

type entry struct {
	result
	used time.Time
}

// result is what a flight ends with.
type result struct {
	answer Answer
	err    error
	until  time.Time // when it is asked for again by all; not after now: it is not kept
}

func newCache() cache { return cache{entries: make(map[key]*entry)} }

func (c *cache) get(k key, now time.Time) (Answer, error, bool) {
	e := c.entries[k]
	if e == nil || !now.Before(e.until) {
		return Answer{}, nil, false
	}
	e.used = now
	return e.answer, e.err, true
}

func (c *cache) put(k key, res result, now time.Time) {
	c.sweep(now)
	if !now.Before(res.until) {
		delete(c.entries, k)
		return
	}
	c.entries[k] = &entry{res, now}
}

func (c *cache) sweep(now time.Time) {
	if now.Sub(c.swept) < idle {
		return
	}
	c.swept = now
	for k, e := range c.entries {
		if now.Sub(e.used) > idle || now.After(e.until) {
			delete(c.entries, k)
		}
	}
}

// rotated is the answer with its addresses in turn, so that they share the load.
func (a Answer) rotated() Answer {
	if len(a.Addrs) < 2 {
		return a
	}
	first := rand.IntN(len(a.Addrs))
	turned := make([]netip.Addr, 0, len(a.Addrs))
	a.Addrs = append(append(turned, a.Addrs[first:]...), a.Addrs[:first]...)
	return a
}
