package ngx

import (
	"errors"
	"maps"
	"strings"

	"github.com/weirproxy/weir/handoff"
	"github.com/weirproxy/weir/internal/luajit"
	"github.com/weirproxy/weir/internal/stream"
)

// handoffFamily is sock:handoff and sock:detach of the client's socket.
var handoffFamily = family{
	name: "handoff",
	lua:  "handoff.lua",
	primitives: []primitive{
		{name: "sock_handoff", run: handOff, in: inClient, waits: true, opt: luajit.Options{Boxes: 1}},
		{name: "sock_detach", run: detach, in: inClient, opt: luajit.Options{Boxes: 1}},
	},
}

// handOff(self, path, raw, timeout, name, value, …) gives the client's connection to another process. What receive has
// taken and nothing has answered yet goes with it.
func handOff(m *machine, c *luajit.Call) luajit.Outcome {
	s, out, ok := m.client(c)
	if !ok {
		return out
	}
	r := s.req
	if r.taken.overrun {
		return failure(c, "too much was received: more than preread_buffer_size")
	}
	giver := r.session.Config().Giver
	to := stream.Handover{Receivers: []string{c.String(2)}, Raw: c.Bool(3), Timeout: int64(c.Number(4))}
	if !to.Raw {
		to.Metadata = giver.Describe(r.session)
		to.Metadata.Meta = withPairs(to.Metadata.Meta, c, 5)
	}
	to.Consumed = append(append([]byte(nil), r.taken.bytes...), s.in...)
	h := &handing{s: s, co: m.running(c), eof: r.out.eof}
	s.handing, r.out.eof = h, true
	giver.Give(r.session, to, h.done)
	return h.co.park(h)
}

// withPairs is meta with the arguments from i on, which are names and values.
func withPairs(meta map[string]string, c *luajit.Call, i int) map[string]string {
	if i > c.Len() {
		return meta
	}
	meta = maps.Clone(meta)
	if meta == nil {
		meta = map[string]string{}
	}
	for ; i < c.Len(); i += 2 {
		name, _ := textOf(c, i)
		value, _ := textOf(c, i+1)
		meta[strings.Clone(name)] = strings.Clone(value)
	}
	return meta
}

// client is the client's socket, for a call that gives it away.
func (m *machine) client(c *luajit.Call) (s *socket, out luajit.Outcome, ok bool) {
	s, out, ok = m.self(c)
	switch {
	case !ok:
		return nil, out, false
	case s == nil || s.conn == nil:
		return nil, failure(c, "closed"), false
	}
	if why := s.hindrance(true, true); why != "" {
		return nil, hindered(c, why), false
	}
	if s.conn.Settle(); s.conn.Unsent() {
		return nil, failure(c, "socket busy writing"), false
	}
	return s, 0, true
}

// handing is a sock:handoff that waits for the receiver's answer. Nothing is said to the client meanwhile.
type handing struct {
	s   *socket
	co  *coroutine
	eof bool // what output.eof was
}

func (h *handing) done(err error) {
	s := h.s
	if s.handing != h {
		return
	}
	s.handing = nil
	if err == nil {
		s.givenAway()
		h.co.resume(pushTrue)
		return
	}
	s.req.out.eof = h.eof
	h.co.resume(pushFailure(handingTrouble(err)))
}

func handingTrouble(err error) string {
	switch {
	case errors.Is(err, handoff.ErrRefused):
		return "refused"
	case errors.Is(err, handoff.ErrTimeout):
		return "timeout"
	case errors.Is(err, handoff.ErrGone):
		return "gone"
	}
	return stream.Describe(err)
}

// cancel implements waiter: the thread that waits is killed, and the connection stays the session's if it still is.
func (h *handing) cancel(*coroutine) {
	s := h.s
	s.handing = nil
	if s.req.session.Config().Giver.Abandon(s.req.session) {
		s.givenAway()
		return
	}
	s.req.out.eof = h.eof
}

// givenAway is called when the connection is another's: the phase goes on without it, and the session ends with the
// phase.
func (s *socket) givenAway() {
	r := s.req
	r.gone, r.out.eof = true, true
	r.readable, r.writable = nil, nil
	s.finalize()
}

// detach(self) is sock:detach: the descriptor, which is the caller's from now on, and what has been read of it and not
// been taken by anybody.
func detach(m *machine, c *luajit.Call) luajit.Outcome {
	s, out, ok := m.client(c)
	if !ok {
		return out
	}
	rest := append([]byte(nil), s.in...)
	rest = append(rest, s.conn.Before()...)
	fd := s.req.session.Detach()
	s.givenAway()
	c.PushInt(fd)
	c.PushBytes(rest)
	return luajit.Return
}
