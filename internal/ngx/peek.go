package ngx

import (
	"strconv"

	"github.com/weirproxy/weir/internal/logs"
	"github.com/weirproxy/weir/internal/luajit"
	"github.com/weirproxy/weir/internal/netio"
	"github.com/weirproxy/weir/internal/stream"
)

// allowPeek has C peek at the client's first bytes as long as it is the only one that does something with them.
func (r *request) allowPeek() {
	s := r.session
	if r.client == nil && len(s.Client.Before()) == 0 {
		r.record.client.PeekMost = uint32(min(s.Server.PrereadBufferSize, len(s.Worker.Scratch)))
	}
}

// peek(self, size) is sock:peek: the client's first bytes, which stay where they are. It waits as the preread phase
// does: within preread_timeout, and for no more than preread_buffer_size.
func peek(m *machine, c *luajit.Call) luajit.Outcome {
	if n := c.Len(); n != 2 {
		return c.Raise("expecting 2 arguments (including the object), but got " + strconv.Itoa(n))
	}
	s, out, ok := m.self(c)
	switch {
	case !ok:
		return out
	case s == nil || s.conn == nil:
		return closedUse(m, c, s, "attempt to peek data")
	case s.consumed:
		return c.Raise("attempt to peek on a consumed socket")
	}
	if why := s.hindrance(true, false); why != "" {
		return hindered(c, why)
	}
	size, isNumber := numeric(c, 2)
	switch {
	case !isNumber:
		return c.Raise("argument must be a number")
	case size < 0:
		return c.RaiseArg(2, "bytes can not be negative")
	case int(size) == 0:
		c.PushString("")
		return luajit.Return
	case m.req.phase == inBalancer:
		return s.glimpse(c, int(size))
	case !c.CanYield():
		return c.RaiseNoYield()
	}
	s.peek = int(size)
	data, status := s.look()
	switch {
	case status != 0:
		s.peek = 0
		s.req.exited, s.req.exitCode = true, status
		return luajit.Yield
	case data != nil:
		s.peek = 0
		pushScratch(&c.Values, data)
		return luajit.Return
	}
	return s.awaitRead(m.running(c), s.req.session.Server.PrereadTimeout)
}

// glimpse is peek where nothing can wait: what is there of the first bytes, which are in the kernel until a peer is
// connected.
func (s *socket) glimpse(c *luajit.Call, size int) luajit.Outcome {
	scratch := s.m.worker.Scratch
	n, err := s.conn.Peek(scratch[:min(size, s.req.session.Server.PrereadBufferSize, len(scratch))])
	if err != nil && err != netio.ErrAgain {
		n = 0
	}
	pushScratch(&c.Values, scratch[:n])
	return luajit.Return
}

// look returns what is wanted of the first bytes, nil while too few are there. A status ends the session
// (ngx_stream_core_preread_phase).
func (s *socket) look() (data []byte, status int) {
	session := s.req.session
	scratch := session.Worker.Scratch
	most := min(session.Server.PrereadBufferSize, len(scratch))
	n, err := s.conn.Peek(scratch[:most])
	switch {
	case err == netio.ErrAgain:
		n = 0
	case err != nil:
		return nil, stream.StatusOK
	}
	switch {
	case n >= s.peek:
		return scratch[:s.peek], 0
	case n == most:
		session.Log(logs.Error, "preread buffer full")
		return nil, stream.StatusBadRequest
	case s.conn.PeerFinished():
		return nil, stream.StatusOK
	}
	return nil, 0
}

// continuePeek is called when the client has sent more while a peek waits.
func (s *socket) continuePeek() {
	data, status := s.look()
	switch {
	case status != 0:
		s.endPeek(status)
	case data != nil:
		s.peek, s.readErr = 0, ""
		s.rx.drop()
		s.rx.out, s.fromC = data, true
		s.endRead()
	}
}

// endPeek ends the session with a status.
func (s *socket) endPeek(status int) {
	r := s.req
	s.peek = 0
	s.stopWaiting()
	r.end(status)
}
