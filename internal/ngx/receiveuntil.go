package ngx

import "bytes"

// pattern is what a receiveuntil iterator looks for. It keeps its place between calls: how much of the pattern the
// last bytes were that were taken and not yet given out. The automaton is that of Knuth, Morris and Pratt, so no byte
// is looked at twice, whatever the pieces.
type pattern struct {
	text      []byte
	inclusive bool
	// border[n] is the length of the longest proper prefix of text[:n] that also ends it.
	border []int32
	state  int  // bytes of text that the input ends with
	ended  bool // found by a sized call: the next call says so
}

func compilePattern(text []byte, inclusive bool) *pattern {
	p := &pattern{text: bytes.Clone(text), inclusive: inclusive, border: make([]int32, len(text)+1)}
	k := int32(0)
	for n := 1; n < len(text); n++ {
		for k > 0 && text[n] != text[k] {
			k = p.border[k]
		}
		if text[n] == text[k] {
			k++
		}
		p.border[n+1] = k
	}
	return p
}

// search is one piece being looked through.
type search struct {
	p      *pattern
	r      *receiving
	held   int // bytes of the pattern that were taken before this piece
	at     int // bytes of the piece that were taken
	passed int // bytes that are no part of a match: of those held, then of the piece
}

// feed is receiving.feed.
func (p *pattern) feed(r *receiving, in []byte) (taken int, done bool) {
	s := search{p: p, r: r, held: p.state}
	done = s.run(in)
	s.give(in, done)
	return s.at, done
}

func (s *search) run(in []byte) (done bool) {
	p := s.p
	for s.at < len(in) {
		if p.state == 0 && s.skip(in) {
			return true
		}
		if s.at == len(in) {
			return false
		}
		if in[s.at] == p.text[p.state] {
			s.at++
			p.state++
			if p.state == len(p.text) {
				s.found()
				return true
			}
			continue
		}
		if s.recover(in[s.at]) {
			return true
		}
	}
	return false
}

// skip passes what cannot begin a match. It answers true when the size is reached.
func (s *search) skip(in []byte) bool {
	n := bytes.IndexByte(in[s.at:], s.p.text[0])
	if n < 0 {
		n = len(in) - s.at
	}
	if s.r.sized {
		n = min(n, s.r.rest)
		s.r.rest -= n
	}
	s.at += n
	s.passed += n
	return s.r.sized && s.r.rest == 0
}

// recover goes on after a byte that does not continue the match. Sizes are counted as
// ngx_stream_lua_socket_read_until does: a piece of a match that came to nothing is given out whole, even if that is
// more than was asked for.
func (s *search) recover(c byte) (full bool) {
	p, before := s.p, s.p.state
	k := int(p.border[before])
	for k > 0 && p.text[k] != c {
		k = int(p.border[k])
	}
	s.passed += before - k
	p.state = k
	counted := before
	if k > 0 {
		s.at++
		p.state++
		counted = p.state
	}
	if !s.r.sized {
		return false
	}
	s.r.rest -= min(counted, s.r.rest)
	return s.r.rest == 0
}

func (s *search) found() {
	if s.p.inclusive {
		s.passed += len(s.p.text)
	}
	s.p.state = 0
	s.p.ended = s.r.sized
}

// give puts what was passed into the result.
func (s *search) give(in []byte, done bool) {
	if s.held == 0 {
		s.r.add(in[:s.passed], done)
		return
	}
	s.r.part = append(s.r.part, s.p.text[:min(s.held, s.passed)]...)
	if s.passed > s.held {
		s.r.part = append(s.r.part, in[:s.passed-s.held]...)
	}
}
