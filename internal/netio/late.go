package netio

import "github.com/weirproxy/weir/internal/loop"

// Answering many peers in a round is cheaper when all are read first and then all are written: the kernel's code for
// either stays in the cache, and a process that waits for several of the answers is woken by the first of them and
// finds the others there. WriteLate is for that. What it was given is written when the round's events have been
// handled, or with the first other call that writes, closes or gives away the connection, so nothing gets out of order
// or is forgotten.

// LateMost is how many bytes WriteLate puts off at most.
const LateMost = 2048

// lateWrites is after how many writes they are not put off any longer: it bounds what the first of them waits for.
const lateWrites = 32

// LateWriter has had something written late.
type LateWriter interface {
	// WroteShort is told what could not be written: the connection takes no more for now (err is nil), or never
	// (err as of Write). rest is valid during the call. It may come before WriteLate returns.
	WroteShort(c *Conn, rest []byte, err error)
}

// outbox is what was put off in a loop's round. A connection has one place in it at most.
type outbox struct {
	writes  []lateWrite
	data    []byte
	writing bool
	flush   func()
}

type lateWrite struct {
	conn     *Conn // nil: was written
	from, to int   // in data
	writer   LateWriter
}

func outboxOf(l *loop.Loop) *outbox {
	o, ok := l.Companion.(*outbox)
	if !ok {
		o = &outbox{}
		o.flush = o.writeAll
		l.Companion = o
	}
	return o
}

// WriteLate has p, which is copied, written by the end of the loop's round. Only what could not be is told to w.
func (c *Conn) WriteLate(p []byte, w LateWriter) {
	o := outboxOf(c.loop)
	if c.state&late != 0 {
		if last := &o.writes[len(o.writes)-1]; last.conn == c && last.writer == w && last.to-last.from+len(p) <= LateMost {
			o.data = append(o.data, p...)
			last.to = len(o.data)
			return
		}
		c.Settle()
	}
	if len(p) > LateMost || o.writing || len(o.writes) == 0 && c.loop.LastEvent() {
		c.writeAll(p, w)
		return
	}
	if len(o.writes) == 0 {
		c.loop.AtEnd(o.flush)
	}
	from := len(o.data)
	o.data = append(o.data, p...)
	o.writes = append(o.writes, lateWrite{conn: c, from: from, to: len(o.data), writer: w})
	c.state |= late
	if len(o.writes) == lateWrites {
		o.writeAll()
	}
}

// Settle writes at once what WriteLate has put off.
func (c *Conn) Settle() {
	if c.state&late != 0 {
		c.settle()
	}
}

func (c *Conn) settle() {
	p, w := c.takeLate()
	c.writeAll(p, w)
}

// takeLate takes the connection's place out of the outbox.
func (c *Conn) takeLate() (p []byte, w LateWriter) {
	c.state &^= late
	o := outboxOf(c.loop)
	for i := range o.writes {
		if e := &o.writes[i]; e.conn == c {
			p, w = o.data[e.from:e.to], e.writer
			*e = lateWrite{}
			break
		}
	}
	return p, w
}

func (c *Conn) writeAll(p []byte, w LateWriter) {
	for len(p) > 0 {
		if !c.Writable() {
			w.WroteShort(c, p, nil)
			return
		}
		n, err := c.Write(p)
		p = p[n:]
		if err != nil && err != ErrAgain {
			w.WroteShort(c, p, err)
			return
		}
	}
}

// writeAll writes all that was put off. Who is told of a short write may close connections.
func (o *outbox) writeAll() {
	if o.writing {
		return
	}
	o.writing = true
	for i := range o.writes {
		e := o.writes[i]
		if e.conn == nil {
			continue
		}
		o.writes[i] = lateWrite{}
		e.conn.state &^= late
		e.conn.writeAll(o.data[e.from:e.to], e.writer)
	}
	o.writes, o.data, o.writing = o.writes[:0], o.data[:0], false
}
