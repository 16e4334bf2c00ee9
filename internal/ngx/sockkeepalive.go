package ngx

import (
	"fmt"
	"slices"
	"strconv"

	"github.com/weirproxy/weir/internal/luajit"
)

// setKeepalive(self [, timeout [, size]]) is sock:setkeepalive: the connection becomes idle in its pool.
func setKeepalive(m *machine, c *luajit.Call) luajit.Outcome {
	n := c.Len()
	if n < 1 || n > 3 {
		return c.Raise("expecting 1 to 3 arguments (including the object), but got " + strconv.Itoa(n))
	}
	s, out, ok := m.self(c)
	if !ok {
		return out
	}
	timeout, size, out, ok := m.keepaliveArguments(c)
	switch {
	case !ok:
		return out
	case s == nil || s.conn == nil || s.readClosed || s.writeClosed:
		return failure(c, "closed")
	}
	if why := s.hindrance(true, true); why != "" {
		return hindered(c, why)
	}
	switch {
	case len(s.in) > 0:
		return failure(c, "unread data in buffer")
	case s.eof || s.link == nil:
		return failure(c, "invalid connection")
	case m.exiting():
		s.finalize()
		s.endLife(c)
		return one(c)
	}
	p := s.idlePool(size)
	if p == nil {
		return c.RaiseArg(n, fmt.Sprintf(`bad "pool_size" option value: %d`, size))
	}
	quiet := s.idle(p, timeout)
	s.endLife(c)
	if !quiet {
		return failure(c, "connection in dubious state")
	}
	return one(c)
}

// keepaliveArguments are setKeepalive's, or what the configuration says; timeout is in milliseconds.
func (m *machine) keepaliveArguments(c *luajit.Call) (timeout int64, size int, wrong luajit.Outcome, ok bool) {
	conf := m.req.conf()
	timeout, wrong, ok = optional(c, 2, conf.keepaliveTimeout.V)
	if !ok {
		return 0, 0, wrong, false
	}
	most, wrong, ok := optional(c, 3, conf.poolSize.V)
	return timeout, int(most), wrong, ok
}

// idlePool is the pool in which the connection is to be idle: that of its connect, or the one with its key, made with
// the given size when there is none. It is nil when that is no size.
func (s *socket) idlePool(size int) *socketPool {
	if s.pool != nil {
		return s.pool
	}
	if p := socketSlot.of(s.m).pools[s.key]; p != nil || size <= 0 {
		return p
	}
	return s.m.newPool(s.key, size, -1)
}

// idle gives the connection to the pool, in place of the one that has been idle longest when it is full. It answers
// false when the connection was closed instead, since its peer has finished or sent what nobody asked for.
func (s *socket) idle(p *socketPool, timeout int64) bool {
	if len(p.idle) >= p.size {
		oldest := p.idle[0]
		p.idle = slices.Delete(p.idle, 0, 1)
		oldest.close()
		if s.pool != nil {
			s.pool.connections--
		}
	} else if s.pool == nil {
		p.connections++
	}
	l := s.link
	s.link, s.pool = nil, nil
	l.pool = p
	l.SetOwner(l)
	p.idle = append(p.idle, l)
	l.stay(timeout)
	s.finalize()
	if l.Readable() && !l.quiet() {
		l.leave()
		return false
	}
	p.wakeOne()
	return true
}

// getReusedTimes(self) is sock:getreusedtimes.
func getReusedTimes(m *machine, c *luajit.Call) luajit.Outcome {
	if n := c.Len(); n != 1 {
		return c.Raise("expecting 1 argument (including the object), but got " + strconv.Itoa(n))
	}
	s, out, ok := m.self(c)
	switch {
	case !ok:
		return out
	case s == nil || s.conn == nil || s.readClosed && s.writeClosed:
		return failure(c, "closed")
	}
	reused := 0
	if s.link != nil {
		reused = s.link.reused
	}
	c.PushInt(reused)
	return luajit.Return
}
