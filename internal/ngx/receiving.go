package ngx

import "bytes"

// receiving is a receive call at work: it is fed what the connection brings, piece by piece, until it has what was
// asked for (the input filters of ngx_stream_lua_socket_tcp.c). What it has taken so far is part, and out when the
// last piece held all of it.
type receiving struct {
	want  wanted
	rest  int // bytes that are still wanted: exactly, or at most for wantAny
	sized bool
	until *pattern

	part []byte // ours
	out  []byte // refers to the piece that was fed last
}

// wanted is what a receive call asks for.
type wanted uint8

const (
	wantLine  wanted = iota // up to a line feed; it and all carriage returns are left out
	wantSize                // so many bytes
	wantAll                 // all until the peer has finished
	wantAny                 // what there is, at most so many bytes
	wantUntil               // up to a pattern; with a size, at most so many bytes at once
)

// begin starts a call. rest is for those that take a size.
func (r *receiving) begin(want wanted, rest int) {
	r.want, r.rest, r.sized, r.until = want, rest, false, nil
	r.drop()
}

// beginUntil starts a call of a receiveuntil iterator; size 0 is none.
func (r *receiving) beginUntil(p *pattern, size int) {
	r.begin(wantUntil, size)
	r.until, r.sized = p, size > 0
}

// drop forgets what was received.
func (r *receiving) drop() {
	r.out, r.part = nil, r.part[:0]
}

// feed takes bytes from in and tells how many. While done is false it takes all of them. in must stay as it is until
// the result has been used.
func (r *receiving) feed(in []byte) (taken int, done bool) {
	switch r.want {
	case wantLine:
		return r.feedLine(in)
	case wantSize:
		return r.feedSize(in)
	case wantAny:
		n := min(len(in), r.rest)
		r.add(in[:n], true)
		return n, true
	case wantUntil:
		return r.until.feed(r, in)
	}
	r.part = append(r.part, in...)
	return len(in), false
}

// data is what was received so far, in order. It is valid until the next call of feed or drop.
func (r *receiving) data() []byte {
	if len(r.part) == 0 {
		return r.out
	}
	return r.part
}

// add appends to the result. The last piece is not copied when it is all there is.
func (r *receiving) add(b []byte, last bool) {
	if last && len(r.part) == 0 {
		r.out = b
		return
	}
	r.part = append(r.part, b...)
}

func (r *receiving) feedSize(in []byte) (int, bool) {
	n := min(len(in), r.rest)
	r.rest -= n
	r.add(in[:n], r.rest == 0)
	return n, r.rest == 0
}

func (r *receiving) feedLine(in []byte) (int, bool) {
	end := bytes.IndexByte(in, '\n')
	line, taken, done := in, len(in), end >= 0
	if done {
		line, taken = in[:end], end+1
	}
	at := bytes.IndexByte(line, '\r')
	if done && at == end-1 && at >= 0 {
		line, at = line[:at], -1
	}
	if at < 0 {
		r.add(line, done)
		return taken, done
	}
	for ; at >= 0; at = bytes.IndexByte(line, '\r') {
		r.part = append(r.part, line[:at]...)
		line = line[at+1:]
	}
	r.part = append(r.part, line...)
	return taken, done
}
