package upstream

import "errors"

// ErrNoLive says that no peer can be chosen: all are down, failed, full, or were tried already.
var ErrNoLive = errors.New("no live upstreams")

// Selection is one session's way through the peers of a group. It is meant to be embedded in a pooled session: Init
// starts it anew and keeps its buffers. A selection is used by one goroutine.
type Selection struct {
	in      *Instance
	list    *peers
	current *Peer
	version uint64
	tries   int

	tried     [2]uint64 // bit i: peer i of list was tried
	triedMore []uint64  // the same from peer 128 on

	// state of hash and random
	key      []byte
	misses   int
	rehash   int
	hash     uint32
	position int // on the ring
}

// maxMisses is how often hash and random look for a usable peer before round robin takes over.
const maxMisses = 20

// Init begins a selection. key is what a hash is computed over (copied; unused by other methods).
func (s *Selection) Init(in *Instance, key []byte) {
	in.lock()
	defer in.unlock()
	*s = Selection{in: in, key: append(s.key[:0], key...), triedMore: s.triedMore[:0]}
	s.tries = in.primary.tries
	if in.backup != nil {
		s.tries += in.backup.tries
	}
	s.use(&in.primary)
	s.locate()
}

// locate finds the key's place on the ring.
func (s *Selection) locate() {
	if s.in.conf.Method == ConsistentHash {
		s.position = s.in.ring.find(checksum(s.key))
	}
}

// Reset forgets the group, so that a pooled session keeps no generation alive. The peer must have been freed.
func (s *Selection) Reset() {
	*s = Selection{key: s.key[:0], triedMore: s.triedMore[:0]}
}

// Tries is how many attempts are left; it goes down with each Free.
func (s *Selection) Tries() int { return s.tries }

// AddTries changes the number of attempts left by n; it does not become negative.
func (s *Selection) AddTries(n int) { s.tries = max(s.tries+n, 0) }

// LimitTries lowers the number of attempts left to n (proxy_next_upstream_tries); n = 0 is no limit.
func (s *Selection) LimitTries(n int) {
	if n > 0 {
		s.tries = min(s.tries, n)
	}
}

// Current is the peer the session holds, or nil.
func (s *Selection) Current() *Peer { return s.current }

// Next chooses a peer and counts the session among its connections until Free. now is in seconds. The only error is
// ErrNoLive. A peer that is still held is given back first, as not failed.
func (s *Selection) Next(now int64) (*Peer, error) {
	if s.current != nil {
		s.Free(now, false)
	}
	in := s.in
	in.lock()
	defer in.unlock()
	if s.version != in.version {
		// The peers changed since (a name was resolved again): what was tried no longer tells which.
		s.use(s.list)
		s.locate()
	}
	i := s.choose(now)
	if i < 0 && s.list == &in.primary && in.backup != nil {
		s.use(in.backup)
		i = s.chooseBackup(now)
	}
	if i < 0 {
		return nil, ErrNoLive
	}
	return s.take(i, now), nil
}

// Connected tells that the current peer accepted a connection, which clears its failures.
func (s *Selection) Connected() {
	if s.current == nil {
		return
	}
	s.in.lock()
	s.current.recover()
	s.in.unlock()
}

// Free ends the session's hold of the current peer; it does nothing when there is none. disabled tells that this
// failure made the peer unavailable ("upstream server temporarily disabled", which nginx logs as a warning).
func (s *Selection) Free(now int64, failed bool) (disabled bool) {
	p := s.current
	if p == nil {
		return false
	}
	s.current = nil
	s.in.lock()
	defer s.in.unlock()
	p.conns--
	if s.list.single {
		p.fails = 0
		s.tries = 0
		return false
	}
	if failed {
		disabled = p.fail(now)
	} else {
		p.recover()
	}
	if s.tries > 0 {
		s.tries--
	}
	return disabled
}

// choose finds the place of a usable peer in the list, or -1.
func (s *Selection) choose(now int64) int {
	if s.list.single {
		return s.only()
	}
	switch s.in.conf.Method {
	case LeastConn:
		return s.leastConn(now)
	case Hash:
		return s.hashed(now)
	case ConsistentHash:
		return s.consistent(now)
	case Random:
		return s.randomOne(now)
	case RandomTwo:
		return s.randomTwo(now)
	}
	return s.roundRobin(now)
}

// chooseBackup is the first choice among the backup peers: hash and random leave it to round robin, as in nginx.
func (s *Selection) chooseBackup(now int64) int {
	if s.in.conf.Method == LeastConn {
		return s.leastConn(now)
	}
	return s.roundRobin(now)
}

// only chooses the single peer, whatever its failures.
func (s *Selection) only() int {
	if p := s.list.list[0]; p.down || p.full() {
		return -1
	}
	return 0
}

func (s *Selection) take(i int, now int64) *Peer {
	p := s.list.list[i]
	s.current = p
	p.conns++
	if s.list.single {
		return p
	}
	s.mark(i)
	if now-p.checked > p.failTimeout {
		p.checked = now
	}
	return p
}

// use turns to a list, none of whose peers was tried.
func (s *Selection) use(l *peers) {
	s.list = l
	s.version = s.in.version
	s.tried = [2]uint64{}
	s.triedMore = s.triedMore[:0]
	for n := 128; n < len(l.list); n += 64 {
		s.triedMore = append(s.triedMore, 0)
	}
}

func (s *Selection) word(i int) *uint64 {
	if i < 128 {
		return &s.tried[i/64]
	}
	return &s.triedMore[(i-128)/64]
}

func (s *Selection) mark(i int) { *s.word(i) |= 1 << (i % 64) }

// usable tells whether peer i may be chosen: available, and not tried by this session.
func (s *Selection) usable(i int, now int64) bool {
	return *s.word(i)&(1<<(i%64)) == 0 && s.list.list[i].available(now)
}
