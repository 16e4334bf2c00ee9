package ngx

import (
	"strconv"

	"github.com/weirproxy/weir/internal/logs"
	"github.com/weirproxy/weir/internal/luajit"
	"github.com/weirproxy/weir/internal/stream"
)

// How sockets begin and end: those of Lua code are made when they are first used and freed some time after Lua has let
// them go; the struct is used again. A request has a list of those that it has connected, and closes them when it ends.

// newSocket makes a socket that is not connected, and that Lua knows by a number.
func (m *machine) newSocket() *socket {
	all := socketSlot.of(m)
	s := all.take(m)
	s.number = all.sockets.add(s)
	return s
}

// push pushes a new table that stands for the socket.
func (s *socket) push(v *luajit.Values) {
	all := socketSlot.of(s.m)
	v.NewTable(1, 0)
	v.PushBox(s.number, all.box)
	v.SetIndex(1)
	v.SetMetatable(all.tcp)
}

// take gives a socket that is as good as new.
func (all *sockets) take(m *machine) (s *socket) {
	if n := len(all.idle); n > 0 {
		s = all.idle[n-1]
		all.idle = all.idle[:n-1]
	} else {
		s = &socket{m: m}
		s.timer.Handler = s
		s.pushRead, s.pushSend, s.pushConnect = s.readResult, s.sendResult, s.connectResult
		s.onReadable, s.onWritable = s.clientReadable, s.clientWritable
	}
	return s
}

// idleSockets is how many freed structs a machine keeps: Lua's collector frees many at once.
const idleSockets = 1024

// free takes the socket's number back.
func (s *socket) free() {
	all := socketSlot.of(s.m)
	s.m.endLoan(s)
	s.finalize()
	s.disown()
	if s.timer.Armed() {
		s.m.worker.Loop.Disarm(&s.timer)
	}
	all.sockets.remove(s.number)
	*s = socket{m: s.m, timer: s.timer, pushRead: s.pushRead, pushSend: s.pushSend,
		pushConnect: s.pushConnect, onReadable: s.onReadable, onWritable: s.onWritable}
	if len(all.idle) < idleSockets {
		all.idle = append(all.idle, s)
	}
}

// collectSocket is called when Lua has let a socket go, if C cannot keep its number for freeCollected.
func collectSocket(m *machine, c *luajit.Call) luajit.Outcome {
	m.freeSocket(c.Box(1))
	return luajit.Return
}

// freeCollected frees the sockets that Lua has let go.
func (m *machine) freeCollected() {
	for _, number := range m.vm.Collected() {
		m.freeSocket(number)
	}
}

func (m *machine) freeSocket(number uint64) {
	if s := socketSlot.of(m).sockets.get(number); s != nil {
		s.free()
	}
}

// endLife frees the socket of a call that has made it as good as new, unless it has settings to remember.
func (s *socket) endLife(c *luajit.Call) {
	if s.readTimeout == 0 && s.sendTimeout == 0 && s.connectTimeout == 0 && !s.hasBound && !s.transparent {
		c.SetBox(1, 0)
		s.free()
	}
}

// closeSocket(self) is sock:close.
func closeSocket(m *machine, c *luajit.Call) luajit.Outcome {
	if n := c.Len(); n != 1 {
		return c.Raise("expecting 1 argument (including the object) but seen " + strconv.Itoa(n))
	}
	s, out, ok := m.self(c)
	switch {
	case !ok:
		return out
	case s == nil || s.conn == nil || s.readClosed && s.writeClosed:
		return failure(c, "closed")
	}
	if why := s.hindrance(true, true); why != "" {
		return hindered(c, why)
	}
	if s.downstream {
		return failure(c, "attempt to close a request socket")
	}
	s.finalize()
	s.endLife(c)
	return one(c)
}

// shutdown(self, direction) is sock:shutdown.
func shutdown(m *machine, c *luajit.Call) luajit.Outcome {
	if n := c.Len(); n != 2 {
		return c.Raise("expecting 2 arguments (including the object) but seen " + strconv.Itoa(n))
	}
	s, out, ok := m.self(c)
	switch {
	case !ok:
		return out
	case s == nil || s.conn == nil || s.readClosed && s.writeClosed:
		return failure(c, "closed")
	case s.writeClosed:
		return failure(c, "already shutdown")
	case s.foreign():
		return c.Raise(badRequest)
	}
	if s.downstream {
		// Before the content phase others may have something to say.
		if refusal := m.refusal(inContent); refusal != "" {
			return c.Raise(refusal)
		}
		if s.req.out.eof {
			return failure(c, "seen eof")
		}
		s.req.out.eof = true
	}
	if why := s.hindrance(false, true); why != "" {
		return hindered(c, why)
	}
	direction, out, ok := checkText(c, 2)
	switch {
	case !ok:
		return out
	case direction == "":
		return failure(c, "pattern is empty")
	case direction != "send":
		return c.RaiseArg(2, "bad shutdown argument: "+direction)
	}
	if err := s.conn.CloseWrite(); err != nil {
		s.log(logs.Error, stream.Describe(err))
	}
	s.finalizeWrite()
	return one(c)
}

// closeSockets closes all that the request has connected (ngx_stream_lua_socket_tcp_cleanup).
func (r *request) closeSockets() {
	for r.sockets != nil {
		s := r.sockets
		if s.downstream {
			s.free()
		} else {
			s.finalize()
		}
	}
}

// finalize closes the socket in both directions. Nothing is resumed.
func (s *socket) finalize() {
	s.finalizeRead()
	s.finalizeWrite()
	s.connector, s.reader, s.writer = nil, nil, nil
	s.stopQuery()
	s.leaveQueue()
	s.leavePeer()
	s.conn = nil
	if s.downstream {
		return
	}
	s.disown()
	if l := s.link; l != nil {
		s.link = nil
		l.close()
		if s.pool != nil {
			s.pool.closed()
		}
	}
}

func (s *socket) finalizeRead() {
	s.readClosed = true
	if s.conn != nil {
		s.conn.SetEager(false)
	}
	s.giveBack(&s.in, &s.inBuf)
	if s.downstream && !s.foreignTo(s.req) {
		s.req.readable = nil
	}
}

func (s *socket) finalizeWrite() {
	s.writeClosed = true
	if s.writer != nil && s.downstream {
		s.req.writable = nil
	}
	s.giveBack(&s.out, &s.outBuf)
}

// own takes the socket for the request that runs.
func (s *socket) own(r *request) {
	s.disown()
	s.req, s.reqID, s.listed = r, r.id, true
	s.prev, s.next = nil, r.sockets
	if s.next != nil {
		s.next.prev = s
	}
	r.sockets = s
}

func (s *socket) disown() {
	if !s.listed {
		return
	}
	s.listed = false
	if s.prev == nil {
		s.req.sockets = s.next
	} else {
		s.prev.next = s.next
	}
	if s.next != nil {
		s.next.prev = s.prev
	}
	s.prev, s.next = nil, nil
}
