package ngx

import (
	"cmp"
	"errors"
	"io"
	"strconv"

	"github.com/weirproxy/weir/internal/logs"
	"github.com/weirproxy/weir/internal/luajit"
	"github.com/weirproxy/weir/internal/netio"
	"github.com/weirproxy/weir/internal/stream"
)

// receive(self [, size or pattern]) is sock:receive.
func receive(m *machine, c *luajit.Call) luajit.Outcome {
	if n := c.Len(); n != 1 && n != 2 {
		return c.Raise("expecting 1 or 2 arguments (including the object), but got " + strconv.Itoa(n))
	}
	s, out, ok := m.reading(c, "stream attempt to receive data")
	if !ok {
		return out
	}
	if c.Len() == 1 {
		s.rx.begin(wantLine, 0)
		return s.startRead(c)
	}
	if size, isNumber := numeric(c, 2); isNumber {
		switch n := int(size); {
		case n < 0:
			return c.RaiseArg(2, "bad pattern argument")
		case n == 0:
			c.PushString("")
			return luajit.Return
		default:
			s.rx.begin(wantSize, n)
			return s.startRead(c)
		}
	}
	if c.Type(2) != luajit.String {
		return c.RaiseArg(2, "bad pattern argument")
	}
	switch what := c.Text(2); {
	case what == "*l":
		s.rx.begin(wantLine, 0)
	case what == "*a":
		s.rx.begin(wantAll, 0)
	case len(what) == 2 && what[0] == '*':
		return c.RaiseArg(2, "bad pattern argument")
	default:
		return c.RaiseArg(2, "bad pattern argument: "+what)
	}
	return s.startRead(c)
}

// receiveAny(self, max) is sock:receiveany.
func receiveAny(m *machine, c *luajit.Call) luajit.Outcome {
	if n := c.Len(); n != 2 {
		return c.Raise("expecting 2 arguments (including the object), but got " + strconv.Itoa(n))
	}
	s, out, ok := m.reading(c, "attempt to receive data")
	if !ok {
		return out
	}
	size, isNumber := numeric(c, 2)
	if !isNumber || int(size) <= 0 {
		return c.RaiseArg(2, "bad max argument")
	}
	s.rx.begin(wantAny, int(size))
	return s.startRead(c)
}

// reading is the socket for a call that reads; ok is false when it cannot, and then out is what the call answers.
func (m *machine) reading(c *luajit.Call, attempt string) (s *socket, out luajit.Outcome, ok bool) {
	s, out, ok = m.self(c)
	switch {
	case !ok:
		return nil, out, false
	case s == nil || s.conn == nil || s.readClosed:
		return nil, closedUse(m, c, s, attempt), false
	}
	if why := s.hindrance(true, false); why != "" {
		return nil, hindered(c, why), false
	}
	return s, 0, true
}

// startRead answers at once when what was asked for is there, and waits for it otherwise.
func (s *socket) startRead(c *luajit.Call) luajit.Outcome {
	s.readErr = ""
	if s.read() {
		s.readResult(&c.Values)
		return luajit.Return
	}
	if !c.CanYield() {
		return c.RaiseNoYield()
	}
	return s.awaitRead(s.m.running(c), cmp.Or(s.readTimeout, s.req.conf().readTimeout.V))
}

func (s *socket) awaitRead(co *coroutine, ms int64) luajit.Outcome {
	s.reader = co
	s.readBy = s.wait(ms)
	s.conn.SetEager(!s.careful() && !s.shown())
	if s.downstream {
		s.req.readable = s.onReadable
	}
	return co.park(s)
}

// continueRead is called when the connection has something for a call that waits.
func (s *socket) continueRead() {
	if s.read() {
		s.endRead()
	}
}

// endRead resumes the call that waits with what read has left.
func (s *socket) endRead() { s.stopWaiting().resumeLending(s.pushRead, s) }

// stopWaiting has nothing be read for the call that waits, and returns whose it is.
func (s *socket) stopWaiting() *coroutine {
	co := s.reader
	s.reader = nil
	if s.conn != nil {
		s.conn.SetEager(false)
	}
	if s.downstream {
		s.req.readable = nil
	}
	return co
}

func (s *socket) clientReadable(*request) {
	if s.peek > 0 {
		s.continuePeek()
		return
	}
	s.continueRead()
}

// readResult pushes what the call returns: the data, or nil, the error and what was received until then.
func (s *socket) readResult(v *luajit.Values) {
	if s.readErr != "" {
		v.PushNil()
		v.PushString(s.readErr)
	}
	if data := s.rx.data(); s.fromC && len(s.rx.part) == 0 && len(data) > 0 {
		pushScratch(v, data)
	} else {
		v.PushBytes(data)
	}
	s.rx.out, s.fromC = nil, false
	s.giveBack(&s.rx.out, &s.rx.part)
}

// read takes what there is until the call is answered; false: it has to wait.
func (s *socket) read() (done bool) {
	if len(s.in) > 0 {
		n, done := s.rx.feed(s.in)
		s.record(s.in[:n])
		s.fromC = false
		s.leaveRest(s.in[n:])
		if done {
			s.consumed = true
			return true
		}
	}
	for {
		if s.eof {
			return s.atEnd()
		}
		if !s.conn.Readable() {
			return false
		}
		if done, again := s.readOnce(); done || !again {
			return done
		}
	}
}

// record remembers what the client has said, as it may be handed over.
func (s *socket) record(b []byte) {
	if s.downstream {
		s.req.take(b)
	}
}

// leaveRest leaves b, the end of what is there already, for the next call. The data of this call may lie in front of
// it.
func (s *socket) leaveRest(b []byte) {
	if s.in = b; len(b) == 0 {
		s.giveBack(&s.in, &s.inBuf)
	}
}

// atEnd answers the call when the peer has finished.
func (s *socket) atEnd() bool {
	if s.rx.want == wantAll {
		return true
	}
	s.readErr = "closed"
	s.finalizeRead()
	return true
}

// careful tells that bytes are looked at first, and only those taken that a call uses: before the content phase the
// rest is for others.
func (s *socket) careful() bool { return s.downstream && s.req.phase&peekable != 0 }

// readOnce is one system call, or two where it is careful.
func (s *socket) readOnce() (done, again bool) {
	scratch := s.m.worker.Scratch
	buf := scratch[:min(len(scratch), s.chunk())]
	careful := s.careful()
	n, err := 0, error(nil)
	if careful {
		n, err = s.conn.Peek(buf)
	} else {
		n, err = s.conn.Read(buf)
	}
	switch {
	case err == netio.ErrAgain:
		return false, false
	case errors.Is(err, io.EOF):
		return s.sawEnd()
	case err != nil:
		return s.readFailed(err), false
	}
	if s.rx.part == nil {
		s.rx.part = socketSlot.of(s.m).buffer()
	}
	taken, done := s.rx.feed(buf[:n])
	s.record(buf[:taken])
	s.fromC = true
	switch {
	case careful:
		if n = taken; n > 0 {
			if _, err := s.conn.Read(buf[:n]); err != nil {
				return s.readFailed(err), false
			}
		}
	case taken < n:
		s.keep(buf[taken:n], &s.in, &s.inBuf)
	}
	if s.downstream {
		s.req.session.Received += int64(n)
	}
	if done {
		s.consumed = true
	}
	return done, true
}

// chunk is how much is read at once, in bytes: lua_socket_buffer_size, and more when more is asked for.
func (s *socket) chunk() int {
	size := int(s.req.conf().bufferSize.V)
	switch s.rx.want {
	case wantAll:
		return len(s.m.worker.Scratch)
	case wantSize, wantAny:
		return max(size, s.rx.rest)
	}
	return size
}

func (s *socket) sawEnd() (done, again bool) {
	if s.downstream && s.req.conf().checkAbort.V {
		s.readErr = "client aborted"
		s.finalizeRead()
		return true, false
	}
	s.eof = true
	return false, true
}

func (s *socket) readFailed(err error) bool {
	if s.downstream {
		s.req.session.LogIOError(err, "")
	} else {
		s.req.log(logs.Error, stream.Describe(err))
	}
	s.readErr = reasonOf(err)
	s.finalizeRead()
	return true
}

// readTimedOut ends a call that waits for too long. The connection stays usable, but a peek ends the session, as
// preread_timeout does.
func (s *socket) readTimedOut() {
	if s.peek > 0 {
		s.endPeek(stream.StatusOK)
		return
	}
	s.complain("stream lua tcp socket read timed out")
	s.readErr = "timeout"
	s.endRead()
}
