package ngx

import (
	"strconv"

	"github.com/weirproxy/weir/internal/luajit"
)

// requestSocket([raw]) is ngx.req.socket, where C does not do it: the client's connection, once in each phase. All of a
// session's are one socket, so what an earlier phase has set up or taken is known to a later one. Lua knows it by its
// request's ID.
func requestSocket(m *machine, c *luajit.Call) luajit.Outcome {
	if n := c.Len(); n > 1 {
		return c.Raise("expecting zero arguments, but got " + strconv.Itoa(n))
	}
	r := m.req
	if r.out.pending() {
		return failure(c, "pending data to write")
	}
	if phase(r.record.client.Asked) == r.phase && r.phase != inBalancer {
		return failure(c, "duplicate call")
	}
	r.record.client.Asked = int32(r.phase)
	all := socketSlot.of(m)
	methods := all.request
	if r.phase == inBalancer {
		methods = all.glimpse
	}
	c.NewTable(1, 0)
	c.PushNumber(r.id)
	c.SetIndex(1)
	c.SetMetatable(methods)
	return luajit.Return
}

// clientSocketOf is the downstream socket of the request with this ID, nil when that has been freed.
func (m *machine) clientSocketOf(id uint64) *socket {
	r := m.req
	if r == nil || uint64(r.id) != id {
		r = m.requestByID(id)
	}
	if r == nil || r.record.client.Asked == 0 {
		return nil
	}
	return r.clientSocket()
}

// clientSocket is the request's downstream socket, made when it is first used by a call that C does not do.
func (r *request) clientSocket() *socket {
	if r.client == nil {
		s := socketSlot.of(r.m).take(r.m)
		s.number = uint64(r.id) | luajit.ClientBox
		s.own(r)
		s.conn, s.downstream = &r.session.Client, true
		r.client = s
		r.record.client.PeekMost = 0
	}
	return r.client
}
