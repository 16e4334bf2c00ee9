package ngx

import (
	"github.com/weirproxy/weir/internal/loop"
	"github.com/weirproxy/weir/internal/luajit"
	"github.com/weirproxy/weir/internal/netio"
	"github.com/weirproxy/weir/internal/resolver"
)

// A cosocket in Lua is a table whose first item is a box with the number of a socket, and whose methods are
// primitives (ngx_stream_lua_socket_tcp.c). The files: receiving.go and receiveuntil.go: what is taken from the input;
// sockread.go, sockuntil.go and sockwrite.go: calls that read and write; sockconnect.go and sockdial.go: connect;
// sockpool.go, sockkeepalive.go and socklink.go: idle connections; reqsocket.go: the client's connection.

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
	exposed                 bool // Lua has asked for the descriptor
	eof                     bool
	consumed                bool // something was received: peek is over
	fromC                   bool // rx.out is in the worker's scratch buffer
	queued                  bool // in the pool's queue
	listed                  bool // in the request's list

	// A call that waits, and until when (Loop.Millis). One timer serves all three: it is armed for the first of them
	// and looks again when it expires, so that a call that is answered in time costs nothing.
	connector, reader, writer *coroutine
	handing                   *handing
	readBy                    int64
	timer                     loop.Timer
	rx                        receiving
	in                        []byte // was read and not yet taken
	readErr, sendErr          string
	lateErr                   string // of what was to be sent when the slice was over
	sent                      int    // what the waiting send returns
	peek                      int    // bytes that a waiting peek wants
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
	via                *via    // ngx.upstream.connect has chosen the peer
	returned           bool    // what the call that connects returns is the socket
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
	tcp, request, box, patternBox, iterate, glimpse luajit.Ref
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
		if s.m.req.phase == inBalancer {
			methods = all.glimpse
		}
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

// self is the socket that a method is called on, made at its first call, and nil when its table has none any more. ok is false when the argument
// is no table, and then wrong is the error.
func (m *machine) self(c *luajit.Call) (s *socket, wrong luajit.Outcome, ok bool) {
	if c.Type(1) != luajit.Table {
		return nil, c.RaiseArg(1, "table expected, got "+typeName(c, 1)), false
	}
	all, number := socketSlot.of(m), c.Box(1)
	if number == 0 && c.HasBox(1) {
		s = all.take(m)
		s.number = all.sockets.add(s)
		c.SetBox(1, s.number)
		return s, 0, true
	}
	m.recall(number)
	return all.sockets.get(number), 0, true
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
	case s.handing != nil:
		return "socket busy being handed over"
	case s.connector != nil:
		return "socket busy connecting"
	case reading && s.reader != nil:
		return "socket busy reading"
	case writing && (s.writer != nil || s.downstream && s.req.out.pending() && !s.req.out.late):
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
	rest := s.unsent()
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
		l.closeBehind(rest, orElse(s.sendTimeout, s.req.conf().sendTimeout.V))
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

// ConnReady implements netio.Owner, for connections of the socket's own.
func (s *socket) ConnReady(c *netio.Conn) {
	if s.connector != nil {
		s.finishConnect()
		return
	}
	if s.reader != nil && c.Readable() {
		s.continueRead()
	}
	if s.conn == c && len(s.out) > 0 && c.Writable() {
		s.continueWrite()
	}
}

func orElse(ms, otherwise int64) int64 {
	if ms > 0 {
		return ms
	}
	return otherwise
}
