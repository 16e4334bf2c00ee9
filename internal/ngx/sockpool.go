package ngx

import (
	"fmt"
	"slices"
	"strconv"

	"github.com/weirproxy/weir/internal/loop"
	"github.com/weirproxy/weir/internal/luajit"
	"github.com/weirproxy/weir/internal/netio"
	"github.com/weirproxy/weir/internal/stream"
)

// link is a connection to a peer. A socket has it, or a pool while it is idle.
type link struct {
	netio.Conn
	worker *stream.Worker
	to     netio.Addr
	reused int
	// While idle: until when (Loop.Millis; 0: for ever). The timer stays armed while the connection is used again, and
	// looks back when it expires.
	pool   *socketPool
	idleBy int64
	timer  loop.Timer
}

// address is the peer's address for log lines, without port.
func (l *link) address() string {
	if l.to.IsUnix() {
		return l.to.String()
	}
	return l.to.AddrPort.Addr().String()
}

func (l *link) close() {
	if l.IsOpen() {
		l.worker.Loop.Disarm(&l.timer)
		l.Conn.Close()
		l.worker.AddConnections(-1)
	}
}

// socketPool is the connections to one place: those in use, the idle ones, and who waits for one. It goes when there
// are none.
type socketPool struct {
	m           *machine
	key         string
	target      string  // what the last connect was called with
	size        int     // most idle ones; with a backlog, most at all
	backlog     int     // most that wait; -1: there is no limit and nobody waits
	connections int     // in use, idle and waiting
	idle        []*link // the one used last at the end
	queue       []*socket
	gone        bool
}

// choosePool finds the pool that connect uses: the one there is, or a new one when a size is given.
func (s *socket) choosePool(o connectOptions) {
	all := socketSlot.of(s.m)
	if s.pool = all.pools[string(all.key)]; s.pool != nil {
		s.key = s.pool.key // the same text: nothing is allocated
		return
	}
	s.key = string(all.key)
	if o.size > 0 {
		s.pool = s.m.newPool(s.key, o.size, o.backlog)
	}
}

func (m *machine) newPool(key string, size, backlog int) *socketPool {
	all := socketSlot.of(m)
	if all.pools == nil {
		all.pools = make(map[string]*socketPool)
	}
	p := &socketPool{m: m, key: key, size: size, backlog: backlog}
	all.pools[key] = p
	return p
}

// asked is a pool's answer to a socket that wants to connect.
type asked int

const (
	gotConnection asked = iota
	mayConnect
	inQueue
	refused
)

// ask gives s an idle connection, or lets it make one, or puts it in the queue.
func (p *socketPool) ask(s *socket, resuming bool) asked {
	if n := len(p.idle); n > 0 {
		l := p.idle[n-1]
		p.idle[n-1] = nil
		p.idle = p.idle[:n-1]
		s.reuse(l)
		return gotConnection
	}
	p.connections++
	if p.backlog < 0 || resuming || p.connections <= p.size {
		return mayConnect
	}
	if p.connections > p.size+p.backlog {
		p.connections--
		return refused
	}
	p.queue = append(p.queue, s)
	s.queued = true
	return inQueue
}

func (s *socket) reuse(l *link) {
	l.pool = nil
	l.reused++
	l.SetOwner(s)
	s.link, s.conn = l, &l.Conn
	s.port = 0
	if !l.to.IsUnix() {
		s.port = l.to.AddrPort.Port()
	}
}

// leaveQueue takes s out of its pool's queue.
func (s *socket) leaveQueue() {
	if !s.queued {
		return
	}
	s.queued = false
	p := s.pool
	if i := slices.Index(p.queue, s); i >= 0 {
		p.queue = slices.Delete(p.queue, i, i+1)
	}
	p.closed()
}

// closed says that there is a connection less: somebody who waits may have its place.
func (p *socketPool) closed() {
	p.connections--
	if p.connections <= 0 {
		p.drop()
		return
	}
	p.wakeOne()
}

// drop forgets the pool.
func (p *socketPool) drop() {
	p.gone = true
	pools := socketSlot.of(p.m).pools
	if pools[p.key] == p {
		delete(pools, p.key)
	}
	p.closeIdle()
}

func (p *socketPool) closeIdle() {
	for _, l := range p.idle {
		l.close()
	}
	p.idle = nil
}

// wakeOne lets the first in the queue try again, at the end of the loop's round.
func (p *socketPool) wakeOne() {
	if len(p.queue) > 0 {
		p.m.worker.Loop.Next(p.serveQueue)
	}
}

func (p *socketPool) serveQueue() {
	if len(p.queue) == 0 {
		return
	}
	s := p.queue[0]
	p.queue = slices.Delete(p.queue, 0, 1)
	s.queued = false
	p.connections--
	s.resumeConnect()
}

// resumeConnect goes on with a connect that has queued.
func (s *socket) resumeConnect() {
	done := s.begin(true)
	if done == waiting {
		return
	}
	co := s.connector
	s.connector = nil
	if done == failed {
		s.pool = nil // begin has told it
		s.finalize()
	}
	co.resume(s.pushConnect)
}

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
	conf := m.req.conf()
	timeout, size := conf.keepaliveTimeout.V, int(conf.poolSize.V)
	if c.Type(2) != luajit.Nil {
		f, wrong, ok := number(c, 2)
		if !ok {
			return wrong
		}
		timeout = int64(f)
	}
	if c.Type(3) != luajit.Nil {
		f, wrong, ok := number(c, 3)
		if !ok {
			return wrong
		}
		size = int(f)
	}
	if s == nil || s.conn == nil || s.readClosed || s.writeClosed {
		return failure(c, "closed")
	}
	if s.foreign() {
		return c.Raise("bad request")
	}
	if why := s.busy(true, true); why != "" {
		return failure(c, why)
	}
	switch {
	case len(s.in) > 0:
		return failure(c, "unread data in buffer")
	case s.eof || s.link == nil:
		return failure(c, "invalid connection")
	case m.exiting():
		s.finalize()
		return one(c)
	}
	p := socketSlot.of(m).pools[s.key]
	if p == nil {
		if size <= 0 {
			return c.RaiseArg(n, fmt.Sprintf(`bad "pool_size" option value: %d`, size))
		}
		p = m.newPool(s.key, size, -1)
	}
	if !s.idle(p, timeout) {
		return failure(c, "connection in dubious state")
	}
	return one(c)
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

// stay has the connection closed when it is idle for that many milliseconds; 0 is for ever.
func (l *link) stay(timeout int64) {
	l.idleBy = 0
	if timeout <= 0 {
		return
	}
	l.idleBy = l.worker.Loop.Millis() + timeout
	if !l.timer.Armed() || l.timer.When() > l.idleBy {
		l.worker.Loop.Arm(&l.timer, timeout)
	}
}

// quiet tells that there is nothing to read on an idle connection, as there should be.
func (l *link) quiet() bool {
	var one [1]byte
	_, err := l.Read(one[:])
	return err == netio.ErrAgain
}

// ConnReady implements netio.Owner, for idle connections.
func (l *link) ConnReady(*netio.Conn) {
	if l.Readable() && !l.quiet() {
		l.leave()
	}
}

// Expired implements loop.Expirer: the connection may have been idle for too long.
func (l *link) Expired() {
	if l.pool == nil || l.idleBy == 0 {
		return
	}
	if left := l.idleBy - l.worker.Loop.Millis(); left > 0 {
		l.worker.Loop.Arm(&l.timer, left)
		return
	}
	l.leave()
}

// leave closes an idle connection.
func (l *link) leave() {
	p := l.pool
	if i := slices.Index(p.idle, l); i >= 0 {
		p.idle = slices.Delete(p.idle, i, i+1)
	}
	l.close()
	p.closed()
}

// closePools closes all idle connections.
func (m *machine) closePools() {
	for _, p := range socketSlot.of(m).pools {
		n := len(p.idle)
		p.closeIdle()
		if p.connections -= n; p.connections <= 0 {
			p.drop()
		} else {
			p.wakeOne()
		}
	}
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
