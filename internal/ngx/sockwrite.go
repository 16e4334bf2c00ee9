package ngx

import (
	"cmp"
	"strconv"

	"github.com/weirproxy/weir/internal/logs"
	"github.com/weirproxy/weir/internal/luajit"
	"github.com/weirproxy/weir/internal/netio"
	"github.com/weirproxy/weir/internal/stream"
)

// send(self, data) is sock:send; data was made one run of bytes on the way here.
func send(m *machine, c *luajit.Call) luajit.Outcome {
	gone := m.vm.Partial()
	if n := c.Len(); n != 2 {
		return c.Raise("expecting 2 arguments (including the object), but got " + strconv.Itoa(n))
	}
	s, out, ok := m.self(c)
	switch {
	case !ok:
		return out
	case s == nil || s.conn == nil || s.writeClosed:
		return closedUse(m, c, s, "attempt to send data")
	}
	if why := s.hindrance(false, true); why != "" {
		return hindered(c, why)
	}
	data := c.Bytes(2)
	s.sent, s.sendErr = len(data), ""
	if s.downstream {
		s.req.forgetTaken()
	}
	left := s.write(data[gone:])
	if len(left) == 0 || s.sendErr != "" {
		s.sendResult(&c.Values)
		return luajit.Return
	}
	if !c.CanYield() {
		return c.RaiseNoYield()
	}
	s.keep(left, &s.out, &s.outBuf)
	s.writer = m.running(c)
	s.writeBy = s.wait(cmp.Or(s.sendTimeout, s.req.conf().sendTimeout.V))
	if s.downstream {
		s.req.writable = s.onWritable
	}
	return s.writer.park(s)
}

// write sends what the kernel takes and returns the rest. An error is left in sendErr.
func (s *socket) write(data []byte) (left []byte) {
	for len(data) > 0 {
		n, err := s.conn.Write(data)
		if err == netio.ErrAgain {
			return data
		}
		if err != nil {
			s.writeFailed(err)
			return data
		}
		if s.downstream {
			s.req.session.Sent += int64(n)
		}
		if data = data[n:]; !s.conn.Writable() {
			return data
		}
	}
	return nil
}

func (s *socket) writeFailed(err error) {
	if s.downstream {
		s.req.session.LogIOError(err, "")
	} else {
		s.req.log(logs.Error, stream.Describe(err))
	}
	s.sendErr = reasonOf(err)
}

// continueWrite is called when the connection takes more from a call that waits.
func (s *socket) continueWrite() {
	left := s.write(s.out)
	if len(left) > 0 && s.sendErr == "" {
		if len(left) < len(s.out) {
			s.writeBy = s.m.worker.Loop.Millis() + cmp.Or(s.sendTimeout, s.req.conf().sendTimeout.V)
		}
		s.out = left
		return
	}
	s.endWrite()
}

func (s *socket) endWrite() {
	co := s.writer
	s.writer = nil
	if s.downstream {
		s.req.writable = nil
	}
	s.giveBack(&s.out, &s.outBuf)
	co.resume(s.pushSend)
}

func (s *socket) clientWritable(*request) { s.continueWrite() }

// sendResult pushes what the call returns. An error closes the socket for sending.
func (s *socket) sendResult(v *luajit.Values) {
	if s.sendErr == "" {
		v.PushInt(s.sent)
		return
	}
	fail(v, s.sendErr)
	s.finalizeWrite()
}

func (s *socket) writeTimedOut() {
	s.complain("stream lua tcp socket write timed out")
	s.sendErr = "timeout"
	s.endWrite()
}
