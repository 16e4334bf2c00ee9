package limitconn

import (
	"hash/maphash"
	"math/bits"
	"sync"
	"sync/atomic"
)

const shards = 16

// counts is how many sessions there are by key. It may be used from any goroutine.
type counts struct {
	room  atomic.Int64 // bytes
	seed  maphash.Seed
	shard [shards]shard
}

type shard struct {
	mu    sync.Mutex
	byKey map[string]uint32
	_     [48]byte // locks of different shards lie on different cache lines
}

func newCounts(size int64) *counts {
	c := &counts{seed: maphash.MakeSeed()}
	c.room.Store(size)
	for i := range c.shard {
		c.shard[i].byKey = map[string]uint32{}
	}
	return c
}

func (c *counts) of(key string) *shard { return &c.shard[maphash.String(c.seed, key)%shards] }

// charge is what a key takes of a zone's size in bytes, as in nginx: a slab of a power of two that holds the key and 36
// bytes. It is about what it takes here.
func charge(key string) int64 {
	const least, overhead = 64, 36
	return max(least, int64(1)<<bits.Len(uint(len(key)+overhead-1)))
}

// outcome is what became of taking a place.
type outcome int

const (
	taken outcome = iota
	tooMany
	noRoom // the zone is full
)

// take adds a session with this key, unless there are most already.
func (c *counts) take(key string, most int) outcome {
	s := c.of(key)
	s.mu.Lock()
	defer s.mu.Unlock()
	n, known := s.byKey[key]
	switch {
	case known && int(n) >= most:
		return tooMany
	case !known && !c.reserve(charge(key)):
		return noRoom
	}
	s.byKey[key] = n + 1
	return taken
}

// release takes a session away.
func (c *counts) release(key string) {
	s := c.of(key)
	s.mu.Lock()
	defer s.mu.Unlock()
	if n := s.byKey[key]; n > 1 {
		s.byKey[key] = n - 1
		return
	}
	delete(s.byKey, key)
	c.room.Add(charge(key))
}

func (c *counts) reserve(n int64) bool {
	if c.room.Add(-n) >= 0 {
		return true
	}
	c.room.Add(n)
	return false
}
