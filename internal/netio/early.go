package netio

import (
	"slices"

	"github.com/weirproxy/weir/internal/loop"
)

// When many connections are readable in a round, all are read first, and then their owners are told one after the other:
// as with late writes, the kernel's code for it stays in the cache, and so does that of the owners. What was read is put
// before the kernel's bytes, where Unread would put it, so an owner does not see the difference.
//
// That is for connections whose owner has said that it will Read as soon as there is input (SetEager), and whose peer
// says little at a time: the bytes are copied once more.

// earlyMost is how many bytes of a connection are read early at most.
const earlyMost = 2048

// inbox is what was read early in a round. It is used again for the next.
type inbox struct {
	reads [loop.MaxEvents]earlyRead
	n     int
	data  []byte
}

type earlyRead struct {
	conn  *Conn
	ahead ahead
}

// SetEager says whether the owner Reads, and does not peek, as soon as it is told of input.
func (c *Conn) SetEager(yes bool) {
	if !yes {
		c.state &^= eager
		return
	}
	c.state |= eager
	if c.loop.Companion == nil {
		deskOf(c.loop)
	}
}

// Foresee implements loop.Companion: it reads early what may be.
func (d *desk) Foresee(h loop.Handler, ev loop.Events) {
	c, ok := h.(*Conn)
	if !ok || ev&(loop.In|loop.ReadHup|loop.Hup|loop.Err) != loop.In || c.before != nil ||
		c.state&(eager|brief|shared|connecting|readHup|failed) != eager|brief {
		return
	}
	in := &d.in
	if in.data == nil {
		in.data = make([]byte, len(in.reads)*earlyMost)
	}
	buf := in.data[in.n*earlyMost:][:earlyMost]
	n, err := c.recv(buf, 0)
	if err == ErrAgain {
		return
	}
	c.state &^= eof // until the owner reads it
	r := &in.reads[in.n]
	r.conn = c
	r.ahead = ahead{bytes: buf[:n], err: err, drained: n < earlyMost}
	c.before = &r.ahead
	in.n++
}

// Handled implements loop.Companion: what an owner has not read is kept for it. By the time that it does, an event may have
// told of more.
func (d *desk) Handled() {
	for i := range d.in.reads[:d.in.n] {
		r := &d.in.reads[i]
		if r.conn.before == &r.ahead {
			r.conn.before = &ahead{bytes: slices.Clone(r.ahead.bytes), err: r.ahead.err}
			r.conn.state |= readable
		}
		*r = earlyRead{}
	}
	d.in.n = 0
}
