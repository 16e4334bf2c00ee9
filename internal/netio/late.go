package netio

import (
	"golang.org/x/sys/unix"
)

// Answering many peers in a round is cheaper when all are read first and then all are written: the kernel's code for
// either stays in the cache, and a process that waits for several of the answers is woken by the first of them and
// finds the others there. WriteLate is for that. What it was given is written when the round's events have been
// handled, or with the first other call that writes, closes or gives away the connection, so nothing gets out of order.
//
// To the owner it is as if the kernel had taken it. What the kernel does not take is the Conn's own affair: it is kept,
// the Conn is not writable meanwhile, and goes first when it is again; Close leaves it to a closer. An error is returned
// by the next Write.

// LateMost is how many bytes WriteLate puts off at most.
const LateMost = 2048

// lateWrites is after how many writes they are not put off any longer: it bounds what the first of them waits for.
const lateWrites = 64

// outbox is what was put off in a loop's round. A connection has one place in it at most.
type outbox struct {
	writes []lateWrite
	data   []byte
	flush  func()
}

type lateWrite struct {
	conn     *Conn // nil: was written
	from, to int   // in data
}

// unsent is what was written late and the kernel has not taken.
type unsent struct {
	bytes []byte
	err   error // why it never will; for the next Write
	fin   bool  // CloseWrite comes behind it
}

// WriteLate has p, which is copied, written by the end of the loop's round. The connection must be Writable.
func (c *Conn) WriteLate(p []byte) {
	o := &deskOf(c.loop).out
	if c.state&late != 0 {
		if last := &o.writes[len(o.writes)-1]; last.conn == c && last.to-last.from+len(p) <= LateMost {
			o.data = append(o.data, p...)
			last.to = len(o.data)
			return
		}
		c.settle()
	}
	if len(p) > LateMost || c.unsent != nil || len(o.writes) == 0 && c.loop.LastEvent() {
		c.writeOrKeep(p)
		return
	}
	if len(o.writes) == 0 {
		c.loop.AtEnd(o.flush)
	}
	from := len(o.data)
	o.data = append(o.data, p...)
	o.writes = append(o.writes, lateWrite{conn: c, from: from, to: len(o.data)})
	c.state |= late
	if len(o.writes) == lateWrites {
		o.writeAll()
	}
}

// Failing tells that a late write has failed: the next Write says why. WriteLate would say nothing.
func (c *Conn) Failing() bool { return c.unsent != nil && c.unsent.err != nil }

// Settle writes at once what WriteLate has put off.
func (c *Conn) Settle() {
	if c.state&late != 0 {
		c.settle()
	}
}

// Unsent tells that something written late is not with the kernel yet; Settle may help.
func (c *Conn) Unsent() bool { return c.state&late != 0 || c.unsent != nil && len(c.unsent.bytes) > 0 }

func (c *Conn) settle() { c.writeOrKeep(c.take()) }

// take takes out of the outbox what the connection has there.
func (c *Conn) take() []byte {
	c.state &^= late
	o := &deskOf(c.loop).out
	for i := range o.writes {
		if e := &o.writes[i]; e.conn == c {
			e.conn = nil
			return o.data[e.from:e.to]
		}
	}
	return nil
}

// dropLate forgets what was written late.
func (c *Conn) dropLate() {
	if c.state&late != 0 {
		c.take()
	}
	c.unsent = nil
}

func (o *outbox) writeAll() {
	for i := range o.writes {
		if e := &o.writes[i]; e.conn != nil {
			e.conn.state &^= late
			e.conn.writeOrKeep(o.data[e.from:e.to])
			e.conn = nil
		}
	}
	o.writes, o.data = o.writes[:0], o.data[:0]
}

// writeOrKeep writes what the kernel takes of p, and keeps the rest, behind what is kept already.
func (c *Conn) writeOrKeep(p []byte) {
	if c.unsent != nil {
		if c.unsent.err == nil {
			c.unsent.bytes = append(c.unsent.bytes, p...)
		}
		return
	}
	rest, err := c.sendAll(p)
	if len(rest) > 0 || err != nil {
		c.unsent = &unsent{bytes: append([]byte(nil), rest...), err: err}
	}
}

// sendAll writes until the kernel takes no more. After an error there is no rest.
func (c *Conn) sendAll(p []byte) (rest []byte, err error) {
	for len(p) > 0 {
		n, err := c.send(p)
		if err != nil && err != ErrAgain {
			return nil, err
		}
		if p = p[n:]; !c.Writable() {
			break
		}
	}
	return p, nil
}

// push writes what was kept, when the kernel takes more.
func (c *Conn) push() {
	u := c.unsent
	if u.err != nil {
		return
	}
	if u.bytes, u.err = c.sendAll(u.bytes); len(u.bytes) > 0 || u.err != nil {
		return
	}
	if c.unsent = nil; u.fin {
		c.shutdown(unix.SHUT_WR)
	}
}

// first is called by what writes: what was written late goes first. An error is that of the late write, or ErrAgain.
func (c *Conn) first() error {
	if c.state&late == 0 && c.unsent == nil {
		return nil
	}
	return c.firstUnsent()
}

func (c *Conn) firstUnsent() error {
	c.Settle()
	u := c.unsent
	switch {
	case u == nil:
		return nil
	case u.err != nil:
		c.unsent = nil
		return u.err
	}
	return ErrAgain
}
