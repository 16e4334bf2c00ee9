package ngx

import (
	"slices"

	"github.com/weirproxy/weir/internal/loop"
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
	var probe [1]byte
	_, err := l.Read(probe[:])
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
