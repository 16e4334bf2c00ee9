package ngx

import (
	"github.com/weirproxy/weir/internal/loop"
	"github.com/weirproxy/weir/internal/luajit"
	"github.com/weirproxy/weir/internal/netio"
	"github.com/weirproxy/weir/internal/resolver"
)

// A cosocket in Lua is a table whose first item is a box with the number of a socket, or its request's ID if it is the
// client's, and whose methods are primitives (ngx_stream_lua_socket_tcp.c). The files: socklife.go: how they begin and
// end; receiving.go and receiveuntil.go: what is taken from the input; sockread.go, sockuntil.go and sockwrite.go:
// calls that read and write; sockconnect.go and sockdial.go: connect; sockpool.go, sockkeepalive.go and socklink.go:
// idle connections; reqsocket.go and peek.go: the client's connection; socklend.go: what C does without asking.

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
	sent                      int // what the waiting send returns
	peek                      int // bytes that a waiting peek wants
	// Times in milliseconds; 0: the configuration's.
	readTimeout, sendTimeout, connectTimeout int64
	// Made once for each socket, so that waiting allocates nothing.
	pushRead    func(v *luajit.Values)
	onReadable  func(r *request)
	pushSend    func(v *luajit.Values)
	onWritable  func(r *request)
	pushConnect func(v *luajit.Values)

	writeBy, connectBy int64
	inBuf, out, outBuf []byte // where in is; what is still to be sent, and where that is
	connectErr         string
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

// self is the socket that a method is called on, made at its first call, and nil when its table has none any more. ok
// is false when the argument is no table, and then wrong is the error.
func (m *machine) self(c *luajit.Call) (s *socket, wrong luajit.Outcome, ok bool) {
	if c.Type(1) != luajit.Table {
		return nil, c.RaiseArg(1, "table expected, got "+typeName(c, 1)), false
	}
	all, number := socketSlot.of(m), c.Box(1)
	if number == 0 && c.HasBox(1) {
		s = m.newSocket()
		c.SetBox(1, s.number)
		return s, 0, true
	}
	m.recall(number)
	if number&luajit.ClientBox != 0 {
		return m.clientSocketOf(number &^ luajit.ClientBox), 0, true
	}
	return all.sockets.get(number), 0, true
}

// foreign tells that another request than the one that runs has connected the socket.
func (s *socket) foreign() bool { return s.req != s.m.req || s.reqID != s.m.req.id }

// foreignTo tells that r is nil or runs for something else by now.
func (s *socket) foreignTo(r *request) bool { return r == nil || s.reqID != r.id }

// badRequest is what a call on a foreign socket raises.
const badRequest = "bad request"

// hindrance is why a connected socket cannot be used by a call that reads or writes: it is foreign, or others wait; ""
// when it can.
func (s *socket) hindrance(reading, writing bool) string {
	switch {
	case s.foreign():
		return badRequest
	case s.handing != nil:
		return "socket busy being handed over"
	case s.connector != nil:
		return "socket busy connecting"
	case reading && s.reader != nil:
		return "socket busy reading"
	case writing && (s.writer != nil || s.downstream && s.req.out.pending()):
		return "socket busy writing"
	}
	return ""
}

// hindered answers a call with its hindrance.
func hindered(c *luajit.Call, why string) luajit.Outcome {
	if why == badRequest {
		return c.Raise(why)
	}
	return failure(c, why)
}

// cancel implements waiter for all calls: a thread that waits is killed, and the connection cannot be used any more
// (ngx_stream_lua_coctx_cleanup).
func (s *socket) cancel(co *coroutine) {
	if s.peek > 0 && co == s.reader { // it has taken nothing: the socket is as it was
		s.peek = 0
		s.stopWaiting()
		return
	}
	s.finalize()
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
