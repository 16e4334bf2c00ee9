package proxy

import (
	"github.com/weirproxy/weir/internal/netio"
	"github.com/weirproxy/weir/internal/stream"
)

// flow is one direction of a link. It owns a buffer only while dst does not take what was read.
type flow struct {
	src, dst *netio.Conn
	pending  []byte // read, and not written yet
	offset   int    // of pending: what was written
	received int64  // from src, bytes
	sent     int64  // to dst
	rate     int64  // bytes per second; 0: unlimited
	brake    *brake // of a limited rate
	full     uint8  // reads in a row that filled the buffer
	pipe     *pipe  // while the flow is spliced
	ended    bool   // src's end was read
}

// rounds bounds how long one link is served before others have their turn.
const rounds = 16

// run carries what can be carried in both directions, and ends the session when it is over.
func (l *link) run() { l.runFrom(&l.up, &l.down) }

// runFrom does so in an order: what an event tells of its side comes first.
func (l *link) runFrom(first, second *flow) {
	l.broken = false
	moved, err := l.carry(first)
	if err == nil && !l.broken { // else its other direction cannot be written to
		var more bool
		more, err = l.carry(second)
		moved = moved || more
	}
	if err != nil {
		l.s.Finalize(stream.StatusOK)
		return
	}
	if moved {
		l.movedAt = l.loop.Millis()
	}
	if !l.over() {
		l.halfClose()
	}
}

// carry moves bytes until src has none, dst takes none, or others must have their turn. An error is dst's.
func (l *link) carry(f *flow) (moved bool, err error) {
	before := f.received + f.sent
	for range rounds {
		if err = l.flush(f); err != nil || f.waiting() || f.ended || !f.src.Readable() {
			break
		}
		more := false
		if f.bulk() {
			more, err = l.splice(f)
		} else {
			more, err = l.readAndWrite(f)
		}
		if !more {
			break
		}
	}
	if err == nil && !f.waiting() && !f.ended && f.src.Readable() && !f.braked() {
		l.runAgain()
	}
	f.src.SetEager(f.rate == 0 && f.pipe == nil && !f.waiting())
	return f.received+f.sent != before, err
}

// readAndWrite moves one buffer. more is false when there is nothing more to do now.
func (l *link) readAndWrite(f *flow) (more bool, err error) {
	buf := l.s.Worker.Scratch
	if size := int(l.conf.bufferSize.V); size > 0 && size < len(buf) {
		buf = buf[:size]
	}
	size := l.allowed(f, len(buf))
	if size == 0 {
		return false, nil
	}
	n, err := f.src.Read(buf[:size])
	switch {
	case err == netio.ErrAgain:
		return false, nil
	case err != nil:
		l.sourceEnded(f, err)
		return false, nil
	}
	l.took(f, n)
	if n == len(buf) {
		f.full = min(f.full+1, bulkAfter)
	} else {
		f.full = 0
	}
	l.slow(f, n)
	if n < size && n <= netio.LateMost && f.dst.Writable() && !f.dst.Failing() {
		l.gave(f, n)
		f.dst.WriteLate(buf[:n])
		return false, nil
	}
	m, err := l.write(f, buf[:n])
	if err != nil {
		return false, err
	}
	if m < n {
		f.pending = append(f.pending[:0], buf[m:n]...)
		return false, nil
	}
	return n == size, nil
}

// write writes what dst takes of p.
func (l *link) write(f *flow, p []byte) (n int, err error) {
	if !f.dst.Writable() {
		return 0, nil
	}
	n, err = f.dst.Write(p)
	if err == netio.ErrAgain {
		return 0, nil
	}
	if err != nil {
		l.writeFailed(f, err)
		return 0, err
	}
	l.gave(f, n)
	return n, nil
}

// took counts n bytes of f's source.
func (l *link) took(f *flow, n int) {
	f.received += int64(n)
	if f == &l.up {
		l.s.Received += int64(n)
		return
	}
	l.noteFirst(f)
}

// noteFirst keeps the time of the peer's first byte, or of its end where none has come.
func (l *link) noteFirst(f *flow) {
	if state := l.state(); f == &l.down && state.FirstByte < 0 {
		state.FirstByte = l.loop.Millis() - l.attempted
	}
}

// gave counts n bytes that f's destination has taken.
func (l *link) gave(f *flow, n int) {
	f.sent += int64(n)
	if f == &l.down {
		l.s.Sent += int64(n)
	}
}

// waiting tells whether bytes wait for dst.
func (f *flow) waiting() bool { return f.offset < len(f.pending) || f.pipe != nil && f.pipe.held > 0 }

// flush writes what waits, as far as dst takes it.
func (l *link) flush(f *flow) error {
	if !f.waiting() || !f.dst.Writable() {
		return nil
	}
	if f.pipe != nil {
		return l.drain(f)
	}
	n, err := l.write(f, f.pending[f.offset:])
	f.offset += n
	if f.offset == len(f.pending) {
		f.pending, f.offset = nil, 0
	}
	return err
}

// runAgain has the link run once more in the loop's next round.
func (l *link) runAgain() {
	if l.again {
		return
	}
	l.again = true
	s, id := l.s, l.s.ID
	l.loop.Next(func() {
		if l.s == s && s.ID == id && l.again {
			l.again = false
			l.run()
		}
	})
}

// drop gives up what the flow still holds.
func (f *flow) drop(w *stream.Worker) {
	if f.brake != nil {
		w.Loop.Disarm(&f.brake.Timer)
	}
	if f.pipe != nil {
		f.pipe.put(w)
	}
	*f = flow{}
}
