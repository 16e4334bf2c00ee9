package ngx

import (
	"github.com/weirproxy/weir/internal/luajit"
	"github.com/weirproxy/weir/internal/stream"
)

// prereadFamily is ngx.preread.
var prereadFamily = family{
	name: "preread",
	lua:  "preread.lua",
	primitives: []primitive{
		{name: "preread_protocol", run: prereadProtocol, in: anywhere},
	},
}

// prereadProtocol() is ngx.preread.protocol: what preread_protocol has found. Where it is off, access and preread look
// themselves, as it would.
func prereadProtocol(m *machine, c *luajit.Call) luajit.Outcome {
	r := m.req
	s := r.session
	if s == nil {
		return failure(c, "no session")
	}
	detector := s.Config().Detector
	switch {
	case detector.Protocol(s) != "":
		return pushProtocol(s, &c.Values)
	case r.phase&peekable == 0 || !s.Client.IsOpen():
		c.PushNil()
		return luajit.Return
	case r.readable != nil:
		return failure(c, "socket busy reading")
	}
	if sock := r.client; sock != nil && (sock.consumed || sock.handing != nil) {
		return failure(c, "the first bytes are not there any more")
	}
	if detector.Look(s) {
		return pushProtocol(s, &c.Values)
	}
	if !c.CanYield() {
		return c.RaiseNoYield()
	}
	d := &detecting{r, m.running(c)}
	r.readable = d.look
	d.co.after(detector.Timeout(s.Server), d.giveUp)
	return d.co.park(d)
}

func pushProtocol(s *stream.Session, v *luajit.Values) luajit.Outcome {
	v.PushString(s.Config().Detector.Protocol(s))
	return luajit.Return
}

// detecting is an ngx.preread.protocol that waits for the client to say more.
type detecting struct {
	r  *request
	co *coroutine
}

func (d *detecting) look(*request) {
	s := d.r.session
	if s.Config().Detector.Look(s) {
		d.end()
	}
}

func (d *detecting) giveUp(*coroutine) {
	s := d.r.session
	s.Config().Detector.Settle(s)
	d.end()
}

func (d *detecting) end() {
	s := d.r.session
	d.r.readable = nil
	d.co.resume(func(v *luajit.Values) { pushProtocol(s, v) })
}

// cancel implements waiter.
func (d *detecting) cancel(*coroutine) { d.r.readable = nil }
