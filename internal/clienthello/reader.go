package clienthello

// reader takes bytes off a message that announces a length and of which the end may still be missing. After the first
// failure it yields nothing any more.
type reader struct {
	there     []byte // not read yet
	left      int    // of the announced length
	malformed bool   // more was asked for than was announced
	short     bool   // more was asked for than is there
}

func (r *reader) good() bool { return !r.malformed && !r.short }

// take is the next n bytes; nil when they cannot be had.
func (r *reader) take(n int) []byte {
	switch {
	case !r.good():
		return nil
	case n > r.left:
		r.malformed = true
		return nil
	case n > len(r.there):
		r.short = true
		return nil
	}
	taken := r.there[:n:n]
	r.there = r.there[n:]
	r.left -= n
	return taken
}

func (r *reader) uint8() int {
	b := r.take(1)
	if b == nil {
		return 0
	}
	return int(b[0])
}

func (r *reader) uint16() uint16 {
	b := r.take(2)
	if b == nil {
		return 0
	}
	return uint16(b[0])<<8 | uint16(b[1])
}

func (r *reader) uint16Len() int { return int(r.uint16()) }
