package ngx

import (
	"strconv"

	"github.com/weirproxy/weir/internal/logs"
	"github.com/weirproxy/weir/internal/loop"
	"github.com/weirproxy/weir/internal/luajit"
	"github.com/weirproxy/weir/internal/netio"
	"github.com/weirproxy/weir/internal/stream"
)

// outputFamily is ngx.say, ngx.print, ngx.flush and ngx.eof (ngx_stream_lua_output.c).
var outputFamily = family{
	name: "output",
	lua:  "output.lua",
	primitives: []primitive{
		{name: "print", run: say, in: inClient, opt: luajit.Options{Flat: 1, FlatMode: luajit.FlattenSay}},
		{name: "say", run: say, in: inClient,
			opt: luajit.Options{Flat: 1, FlatMode: luajit.FlattenSay, Newline: true}},
		{name: "flush", run: flush, in: inClient},
		{name: "eof", run: endOutput, in: inClient},
	},
}

// output is what a session has said and the kernel has not taken yet.
type output struct {
	r      *request
	buf    []byte
	sent   int // of buf
	eof    bool
	broken bool
	lost   bool // what waited to be sent never was
	// flushing are the coroutines in ngx.flush(true).
	flushing []*coroutine
	// closing is set when the session ends as soon as all is sent, with status.
	closing bool
	status  int
	timer   loop.Timer
}

func (o *output) pending() bool { return o.sent < len(o.buf) }

// say(bytes) sends to the client what the kernel takes and keeps the rest.
func say(m *machine, c *luajit.Call) luajit.Outcome {
	r := m.req
	if r.out.eof {
		return failure(c, "seen eof")
	}
	if text := c.Bytes(1); len(text) > 0 && !r.send(text) {
		return failure(c, "nginx output filter error")
	}
	return one(c)
}

// send sends text behind what is waiting already. It answers false when the connection is broken.
func (r *request) send(text []byte) bool {
	o := &r.out
	if o.broken {
		return false
	}
	r.forgetTaken()
	if lent := r.m.lent; lent != nil {
		r.m.recall(lent.number)
	}
	if !o.pending() {
		n, err := r.session.Client.Write(text)
		if err != nil && err != netio.ErrAgain {
			o.broken = true
			r.session.LogIOError(err, "")
			return false
		}
		r.session.Sent += int64(n)
		if text = text[n:]; len(text) == 0 {
			return true
		}
		o.buf, o.sent = o.buf[:0], 0
	}
	o.buf = append(o.buf, text...)
	o.await(r)
	return true
}

// await has what is pending sent when the client takes more, within lua_socket_send_timeout.
func (o *output) await(r *request) {
	r.writable = (*request).sendPending
	r.record.client.Pending = 1
	if !o.timer.Armed() {
		o.r, o.timer.Handler = r, o
		r.m.worker.Loop.Arm(&o.timer, r.conf().sendTimeout.V)
	}
}

// sendPending is called when the client may take more.
func (r *request) sendPending() {
	o := &r.out
	n, err := r.session.Client.Write(o.buf[o.sent:])
	if err != nil && err != netio.ErrAgain {
		o.broken = true
		r.session.LogIOError(err, "")
		o.drained(r, "client aborted")
		return
	}
	o.sent += n
	r.session.Sent += int64(n)
	if o.pending() {
		if n > 0 {
			r.m.worker.Loop.Arm(&o.timer, r.conf().sendTimeout.V)
		}
		return
	}
	o.drained(r, "")
}

// Expired implements loop.Expirer.
func (o *output) Expired() {
	o.r.log(logs.Info, "client timed out (110: Connection timed out)")
	o.broken = true
	o.drained(o.r, "timeout")
}

// drained is called when all is sent, or nothing more will be: trouble then says why. The request may end.
func (o *output) drained(r *request, trouble string) {
	o.buf, o.sent = o.buf[:0], 0
	o.lost = o.lost || trouble != ""
	r.writable = nil
	r.record.client.Pending = 0
	if o.timer.Armed() {
		r.m.worker.Loop.Disarm(&o.timer)
	}
	if o.closing {
		r.session.Finalize(o.outcome(o.status))
		return
	}
	push := pushOne
	if trouble != "" {
		push = pushFailure(trouble)
	}
	id := r.id
	for len(o.flushing) > 0 && r.id == id {
		co := o.flushing[0]
		o.flushing = o.flushing[1:]
		co.resume(push)
	}
}

// outcome is the session's status: a success is none for a client that has not taken what it was told.
func (o *output) outcome(status int) int {
	if o.lost && status == stream.StatusOK {
		return stream.StatusInternal
	}
	return status
}

// finalize ends the session when all is sent.
func (o *output) finalize(r *request, status int) {
	if !o.pending() || o.broken {
		r.session.Finalize(o.outcome(status))
		return
	}
	o.closing, o.status = true, status
	r.readable = nil
}

func (o *output) free() {
	if o.timer.Armed() {
		o.r.m.worker.Loop.Disarm(&o.timer)
	}
	const most = 64 << 10
	if cap(o.buf) > most {
		o.buf = nil
	}
	*o = output{buf: o.buf[:0], flushing: o.flushing[:0]}
}

// cancel implements waiter: a coroutine that waited in ngx.flush is killed.
func (o *output) cancel(co *coroutine) {
	for i, other := range o.flushing {
		if other == co {
			o.flushing = append(o.flushing[:i], o.flushing[i+1:]...)
			return
		}
	}
}

// flush(wait) waits until all that was said is sent, if it is to.
func flush(m *machine, c *luajit.Call) luajit.Outcome {
	if c.Len() > 1 {
		return c.Raise("attempt to pass " + strconv.Itoa(c.Len()) + " arguments, but accepted 0 or 1")
	}
	if c.Len() == 1 && c.Type(1) != luajit.Bool {
		return c.RaiseArg(1, "boolean expected, got "+typeName(c, 1))
	}
	r := m.req
	m.flushLate()
	switch {
	case r.out.eof:
		return failure(c, "seen eof")
	case r.out.broken:
		return failure(c, "nginx output filter error")
	case !c.Bool(1) || !r.out.pending():
		return one(c)
	case !c.CanYield():
		return c.RaiseNoYield()
	}
	co := m.running(c)
	r.out.flushing = append(r.out.flushing, co)
	return co.park(&r.out)
}

// endOutput() says that nothing more will be said.
func endOutput(m *machine, c *luajit.Call) luajit.Outcome {
	if c.Len() != 0 {
		return c.Raise("no argument is expected")
	}
	r := m.req
	if r.out.eof {
		return failure(c, "seen eof")
	}
	r.out.eof = true
	return one(c)
}
