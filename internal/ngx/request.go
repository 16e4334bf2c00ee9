package ngx

import (
	"github.com/weirproxy/weir/internal/logs"
	"github.com/weirproxy/weir/internal/luajit"
	"github.com/weirproxy/weir/internal/stream"
)

// Codes with which a phase ends (ngx_core.h); larger ones are a session's status.
const (
	okCode       = 0
	errorCode    = -1
	againCode    = -2
	busyCode     = -3
	doneCode     = -4
	declinedCode = -5
)

// request is what Lua code runs for: a session, from its first Lua phase until it is freed, or a timer's run. It is
// reused for another one afterwards; what waits for something holds the coroutine, and is cancelled first.
type request struct {
	m *machine
	// session is nil in timers and in init_worker_by_lua.
	session *stream.Session
	phase   phase
	id      float64 // unique in the machine
	// readable and writable are called when the client's connection may have become so; nil: nobody waits.
	readable, writable func(r *request)

	entry   *coroutine
	threads *coroutine // the light threads, the entry thread among them
	live    int        // light threads that have not ended
	// strays counts light threads that coroutines of Lua's own have left since dropOrphans looked, and straysLeft how many
	// there were then.
	strays, straysLeft int

	posted      []posting
	firstPosted int

	exited   bool
	exitCode int
	// inHandler is set while the handler of access_by_lua* or preread_by_lua* has not returned to the engine.
	inHandler bool
	ended     bool // while inHandler: with result
	result    stream.Result

	ctx bool // has a table ngx.ctx
	// record is the request as C code knows it; exposed says that Lua has asked for the descriptor, and gone that the
	// client's connection is not the session's any more.
	record        *record
	exposed, gone bool
	taken         taken
	onAbort       *coroutine
	// abortable is set until onAbort runs.
	abortable bool
	out       output
	sockets   *socket // that the request has connected
	client    *socket // the client's, once Lua has used it
	balance   balancing
	timer     *timer
}

var requests = stream.NewSessionSlot[request]()

// requestOf is the request of a session, made when there is none.
func requestOf(s *stream.Session) (*request, error) {
	if r := requests.Get(s); r != nil {
		return r, nil
	}
	m, err := machineFor(s)
	if err != nil {
		return nil, err
	}
	r := m.newRequest()
	r.session = s
	r.record.fd = int32(s.Client.Fd())
	r.record.client = luajit.Client{ID: r.id, Fd: r.record.fd}
	requests.Set(s, r)
	s.OnFree(freeSession)
	return r, nil
}

func (m *machine) newRequest() *request {
	var r *request
	if n := len(m.idleRequests); n > 0 {
		r = m.idleRequests[n-1]
		m.idleRequests = m.idleRequests[:n-1]
	} else {
		r = &request{m: m}
		m.addRecord(r)
	}
	m.lastRequest++
	r.id = float64(m.lastRequest)
	return r
}

// freeSession is called when the session is freed.
func freeSession(s *stream.Session) {
	r := requests.Get(s)
	m := r.m
	requests.Set(s, nil)
	r.free()
	if m.session {
		m.drop()
	}
}

// free cancels what waits, and keeps the struct for reuse.
func (r *request) free() {
	m := r.m
	r.stop()
	r.closeSockets()
	if r.ctx {
		m.vm.Forget(m.contexts, int(r.record.slot))
	}
	r.out.free()
	r.hide()
	r.forgetTaken()
	r.record.fd, r.record.client = -1, luajit.Client{}
	*r = request{m: m, posted: r.posted[:0], out: r.out, record: r.record}
	if len(m.idleRequests) < 1024 {
		m.idleRequests = append(m.idleRequests, r)
		return
	}
	m.dropRecord(r)
}

// stop cancels and releases all threads.
func (r *request) stop() {
	for r.threads != nil {
		r.threads.release()
	}
	r.entry, r.onAbort, r.live = nil, nil, 0
	r.strays, r.straysLeft = 0, 0
	clear(r.posted)
	r.posted, r.firstPosted = r.posted[:0], 0
}

// begin starts chunk as the entry thread of a phase and runs it.
func (r *request) begin(p phase, chunk *luajit.Chunk) error { return r.beginWith(p, chunk, nil) }

// beginWith is begin with arguments for the chunk.
func (r *request) beginWith(p phase, chunk *luajit.Chunk, args func(v *luajit.Values)) error {
	t, err := r.m.vm.Start(chunk)
	if err != nil {
		return err
	}
	r.reset(p)
	r.entry = r.adopt(t)
	r.live = 1
	r.run(posting{co: r.entry, push: args})
	return nil
}

// reset makes the request ready for a phase (ngx_stream_lua_reset_ctx).
func (r *request) reset(p phase) {
	if r.threads != nil {
		r.stop()
	}
	r.phase = p
	r.exited, r.exitCode, r.ended = false, 0, false
}

// end ends the phase with a code: the threads go, and the session goes on or ends. r must not be used afterwards, as
// after run. It answers true.
func (r *request) end(code int) bool {
	r.stop()
	r.exited = false
	switch r.phase {
	case inTimer:
		r.endTimer()
	case inContent:
		r.endContent(code)
	default:
		r.endPhase(code)
	}
	return true
}

// server is whose configuration counts for the request: the session's, or that of who has made the timer. It may be
// nil.
func (r *request) server() *stream.Server {
	switch {
	case r.session != nil:
		return r.session.Server
	case r.timer != nil:
		return r.timer.server
	}
	return nil
}

// errorLog is where the request's lines go.
func (r *request) errorLog() *logs.Log {
	if s := r.server(); s != nil {
		return s.ErrorLog
	}
	return r.m.config.Log
}
