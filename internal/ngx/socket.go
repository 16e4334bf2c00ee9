package ngx

import (
	"errors"
	"fmt"
	"strconv"
	"syscall"

	"github.com/weirproxy/weir/internal/logs"
	"github.com/weirproxy/weir/internal/loop"
	"github.com/weirproxy/weir/internal/luajit"
	"github.com/weirproxy/weir/internal/netio"
	"github.com/weirproxy/weir/internal/resolver"
)

// A cosocket in Lua is a table whose first item is a box with the number of a socket, and whose methods are
// primitives (ngx_stream_lua_socket_tcp.c). The files: receiving.go, receiveuntil.go: what is taken from the input;
// sockread.go, sockwrite.go, sockconnect.go: the calls that wait; sockpool.go: idle connections; reqsocket.go: the
// client's connection; sockopt.go: the rest.

// socket is the Go side of a cosocket: of a connection of its own, or of the client's (downstream).
type socket struct {
	// What every call looks at stands together: with thousands of connections, cache lines are what counts.
	m      *machine
	number uint64 // of its box
	req    *request
	reqID  float64     // tells the lives of req apart
	conn   *netio.Conn // nil while not connected
	link   *link       // that conn belongs to, unless downstream

	downstream              bool
	readClosed, writeClosed bool
	eof                     bool
	consumed                bool // something was received: peek is over
	fromC                   bool // rx.out is in the worker's scratch buffer
	queued                  bool // in the pool's queue
	listed                  bool // in the request's list

	// A call that waits, and until when (Loop.Millis). One timer serves all three: it is armed for the first of them
	// and looks again when it expires, so that a call that is answered in time costs nothing.
	connector, reader, writer *coroutine
	readBy                    int64
	timer                     loop.Timer
	rx                        receiving
	in                        []byte // was read and not yet taken
	readErr, sendErr          string
	sent                      int // what the waiting send returns
	peek                      int // bytes that a waiting peek wants
	// Times in milliseconds; 0: the configuration's.
	readTimeout, sendTimeout, connectTimeout int64
	// Made once for each socket, so that waiting allocates nothing.
	pushRead           func(v *luajit.Values)
	onReadable         func(r *request)
	pushSend           func(v *luajit.Values)
	onWritable         func(r *request)
	pushConnect        func(v *luajit.Values)
	writeBy, connectBy int64
	inBuf, out, outBuf []byte // where in is; what is still to be sent, and where that is
	connectErr         string
	acquired           phase // of a downstream socket: where it was asked for
	hasBound           bool
	transparent        bool
	port               uint16
	pool               *socketPool
	key, host, target  string // of the pool; for log lines; what connect was called with
	bound              netio.Addr
	query              *resolver.Query
	queryCount         uint64
	prev, next         *socket // in the request's list
}

// sockets is what the socket family has for each machine.
type sockets struct {
	sockets  handles[socket]
	patterns handles[pattern]
	idle     []*socket
	buffers  [][]byte
	pools    map[string]*socketPool
	key      []byte // of the pool that connect looks for
	// Of lua/socket.lua: the metatables of sockets, of the boxes, and the primitive below receiveuntil's iterators.
	tcp, request, box, patternBox, iterate luajit.Ref
}

var socketSlot = newMachineSlot[sockets]()

// newSocket makes a socket that is not connected, in a table that is pushed on v.
func (m *machine) newSocket(v *luajit.Values, downstream bool) *socket {
	all := socketSlot.of(m)
	s := all.take(m)
	s.number = all.sockets.add(s)
	s.downstream = downstream
	s.push(v)
	return s
}

// push pushes a new table that stands for the socket. A downstream one lives as long as its session.
func (s *socket) push(v *luajit.Values) {
	all := socketSlot.of(s.m)
	box, methods := all.box, all.tcp
	if s.downstream {
		box, methods = 0, all.request
	}
	v.NewTable(1, 0)
	v.PushBox(s.number, box)
	v.SetIndex(1)
	v.SetMetatable(methods)
}

func (all *sockets) take(m *machine) *socket {
	if n := len(all.idle); n > 0 {
		s := all.idle[n-1]
		all.idle = all.idle[:n-1]
		return s
	}
	s := &socket{m: m}
	s.timer.Handler = s
	s.pushRead, s.pushSend, s.pushConnect = s.readResult, s.sendResult, s.connectResult
	s.onReadable, s.onWritable = s.clientReadable, s.clientWritable
	return s
}

// free takes the socket's number back.
func (s *socket) free() {
	all := socketSlot.of(s.m)
	s.finalize()
	s.disown()
	if s.timer.Armed() {
		s.m.worker.Loop.Disarm(&s.timer)
	}
	all.sockets.remove(s.number)
	*s = socket{m: s.m, timer: s.timer, pushRead: s.pushRead, pushSend: s.pushSend,
		pushConnect: s.pushConnect, onReadable: s.onReadable, onWritable: s.onWritable}
	if len(all.idle) < 256 {
		all.idle = append(all.idle, s)
	}
}

// collectSocket is called when Lua has let a socket go.
func collectSocket(m *machine, c *luajit.Call) luajit.Outcome {
	if s := socketSlot.of(m).sockets.get(c.Box(1)); s != nil {
		s.free()
	}
	return luajit.Return
}

// self is the socket that a method is called on, nil when its table has none any more. ok is false when the argument
// is no table, and then wrong is the error.
func (m *machine) self(c *luajit.Call) (s *socket, wrong luajit.Outcome, ok bool) {
	if c.Type(1) != luajit.Table {
		return nil, c.RaiseArg(1, "table expected, got "+typeName(c, 1)), false
	}
	return socketSlot.of(m).sockets.get(c.Box(1)), 0, true
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

// foreign tells that another request than the one that runs has connected the socket.
func (s *socket) foreign() bool { return s.req != s.m.req || s.reqID != s.m.req.id }

// busy says why a call must not be made while others wait; "" when it may.
func (s *socket) busy(reading, writing bool) string {
	switch {
	case s.connector != nil:
		return "socket busy connecting"
	case reading && s.reader != nil:
		return "socket busy reading"
	case writing && (s.writer != nil || s.downstream && s.req.out.pending()):
		return "socket busy writing"
	}
	return ""
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

// foreignTo tells that r is nil or runs for something else by now.
func (s *socket) foreignTo(r *request) bool { return r == nil || s.reqID != r.id }

// cancel implements waiter for all calls: a thread that waits is killed, and the connection cannot be used any more
// (ngx_stream_lua_coctx_cleanup).
func (s *socket) cancel(*coroutine) { s.finalize() }

// keep puts bytes that must outlive the event into a buffer of the machine's.
func (s *socket) keep(b []byte, rest, buf *[]byte) {
	if *buf == nil {
		*buf = socketSlot.of(s.m).buffer()
	}
	*buf = append((*buf)[:0], b...)
	*rest = *buf
}

// buffer is an empty buffer to append to; nil when there is none.
func (all *sockets) buffer() (b []byte) {
	if n := len(all.buffers); n > 0 {
		b = all.buffers[n-1][:0]
		all.buffers = all.buffers[:n-1]
	}
	return b
}

// giveBack returns such a buffer: an idle connection has none.
func (s *socket) giveBack(rest, buf *[]byte) {
	const most, many = 64 << 10, 64
	*rest = nil
	if *buf == nil {
		return
	}
	all := socketSlot.of(s.m)
	if cap(*buf) <= most && len(all.buffers) < many {
		all.buffers = append(all.buffers, *buf)
	}
	*buf = nil
}

// wait has the timer look when a call that now waits is late.
func (s *socket) wait(ms int64) (by int64) {
	l := s.m.worker.Loop
	by = l.Millis() + ms
	if !s.timer.Armed() || s.timer.When() > by {
		l.Arm(&s.timer, ms)
	}
	return by
}

// Expired implements loop.Expirer.
func (s *socket) Expired() {
	now, number := s.m.worker.Loop.Millis(), s.number
	if s.connector != nil && s.connectBy <= now {
		s.connectTimedOut()
		return
	}
	if s.writer != nil && s.writeBy <= now {
		if s.writeTimedOut(); s.number != number {
			return
		}
	}
	if s.reader != nil && s.readBy <= now {
		if s.readTimedOut(); s.number != number {
			return
		}
	}
	s.rearm()
}

func (s *socket) rearm() {
	var by int64
	for _, call := range []struct {
		waits *coroutine
		by    int64
	}{{s.connector, s.connectBy}, {s.reader, s.readBy}, {s.writer, s.writeBy}} {
		if call.waits != nil && (by == 0 || call.by < by) {
			by = call.by
		}
	}
	l := s.m.worker.Loop
	if by != 0 && (!s.timer.Armed() || s.timer.When() > by) {
		l.Arm(&s.timer, by-l.Millis())
	}
}

// ConnReady implements netio.Owner, for connections of the socket's own.
func (s *socket) ConnReady(c *netio.Conn) {
	if s.connector != nil {
		s.finishConnect()
		return
	}
	if s.reader != nil && c.Readable() {
		s.continueRead()
	}
	if s.conn == c && s.writer != nil && c.Writable() {
		s.continueWrite()
	}
}

// log writes a line with where the socket is connected to.
func (s *socket) log(level logs.Level, message string) {
	if s.downstream {
		s.req.log(level, message)
		return
	}
	message += ", upstream: " + s.host
	address := ""
	if s.link != nil {
		address = s.link.address()
	}
	if s.port != 0 {
		message += ":" + strconv.Itoa(int(s.port))
	}
	s.req.log(level, message+"("+address+")")
}

// complain writes a line unless lua_socket_log_errors is off.
func (s *socket) complain(message string) {
	if s.req.conf().logErrors.V {
		s.log(logs.Error, message)
	}
}

// closedUse answers a call on a socket that is not connected, or not any more. s may be nil.
func closedUse(m *machine, c *luajit.Call, s *socket, attempt string) luajit.Outcome {
	if m.req.conf().logErrors.V {
		eof, conn := 0, uint64(0)
		var number uint64
		if s != nil {
			number = s.number
			if s.eof {
				eof = 1
			}
			if s.conn != nil {
				conn = uint64(s.conn.Fd())
			}
		}
		m.log(logs.Error, fmt.Sprintf("%s on a closed socket: u:%016X, c:%016X, ft:0 eof:%d",
			attempt, number, conn, eof))
	}
	return failure(c, "closed")
}

// reasonOf is the text of a failed system call for Lua, as LuaSocket words it.
func reasonOf(err error) string {
	var errno syscall.Errno
	if errors.As(err, &errno) {
		return errno.Error()
	}
	return "error"
}

func orElse(ms, otherwise int64) int64 {
	if ms > 0 {
		return ms
	}
	return otherwise
}
