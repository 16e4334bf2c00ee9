package ngx

import (
	"github.com/weirproxy/weir/internal/logs"
	"github.com/weirproxy/weir/internal/luajit"
	"github.com/weirproxy/weir/internal/netio"
	"github.com/weirproxy/weir/internal/stream"
)

// abortFamily is ngx.on_abort (ngx_stream_lua_control.c).
var abortFamily = family{
	name:       "abort",
	lua:        "abort.lua",
	primitives: []primitive{{name: "on_abort", run: onAbort, opt: luajit.Options{Spawn: 1}}},
}

// onAbort(f) has f run as a light thread when the client goes away.
func onAbort(m *machine, c *luajit.Call) luajit.Outcome {
	t, r := c.ThreadAt(1), m.req
	refuse := func(message string) luajit.Outcome {
		t.Release()
		return failure(c, message)
	}
	switch {
	case r == nil:
		t.Release()
		return c.Raise("no request found")
	case r.phase&inClient == 0:
		t.Release()
		return c.Raise("API disabled in the context of " + r.phase.context())
	case r.onAbort != nil:
		return refuse("duplicate call")
	case !r.conf().checkAbort.V:
		return refuse("lua_check_client_abort is off")
	}
	parent := m.running(c)
	r.onAbort = r.adopt(t)
	r.onAbort.parent, r.onAbort.parentBirth = parent, parent.birth
	r.abortable = true
	return one(c)
}

// checkAbort looks whether the client has gone, where lua_check_client_abort is on
// (ngx_stream_lua_rd_check_broken_connection).
func (r *request) checkAbort() {
	s := r.session
	if r.phase&(inPreread|inContent|inAccess) == 0 || r.readable != nil || !r.conf().checkAbort.V {
		return
	}
	if !s.Client.PeerFinished() {
		return
	}
	var probe [1]byte
	_, err := s.Client.Peek(probe[:])
	if err == nil || err == netio.ErrAgain {
		return
	}
	if r.onAbort != nil && !r.abortable {
		return // has run already
	}
	s.Log(logs.Info, logs.ErrnoText("stream client prematurely closed connection", err))
	if r.onAbort == nil {
		r.stop()
		s.Finalize(stream.StatusInternal)
		return
	}
	r.abortable = false
	r.live++
	r.run(posting{co: r.onAbort})
}
