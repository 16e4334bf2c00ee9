package ngx

import (
	"slices"
	"strconv"
	"strings"
)

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

// choosePool finds the pool that connect uses: the one there is, or a new one when a size is given. Its key is the name
// in the options, or "host:port", or host alone where port is -1: the path of a unix socket, or both in one.
func (s *socket) choosePool(host string, port int, o connectOptions) {
	all := socketSlot.of(s.m)
	key := append(all.key[:0], host...)
	switch {
	case o.named:
		key = append(all.key[:0], o.pool...)
	case port >= 0:
		key = strconv.AppendInt(append(key, ':'), int64(port), 10)
	}
	all.key = key
	if s.pool = all.pools[string(key)]; s.pool != nil {
		s.key = s.pool.key // the same text: nothing is allocated
	} else {
		s.key = string(key)
		if o.size > 0 {
			s.pool = s.m.newPool(s.key, o.size, o.backlog)
		}
	}
	if s.pool != nil && s.pool.target != host {
		s.pool.target = strings.Clone(host)
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
