package proxy

import (
	"strconv"

	"github.com/weirproxy/weir/internal/loop"
	"github.com/weirproxy/weir/internal/netio"
	"github.com/weirproxy/weir/internal/resolver"
	"github.com/weirproxy/weir/internal/stream"
)

// link is a session's connection to a peer. It is the session's worker's, and reused.
type link struct {
	s    *stream.Session
	conf *config
	loop *loop.Loop

	peer    netio.Conn
	peering stream.Peering
	query   *resolver.Query // a name being looked up

	up, down  flow  // client to peer, and peer to client
	lastEnded *flow // whose source has ended last
	broken    bool  // it did by an error, in this run
	connected bool
	again     bool  // the flows are to be run once more in this loop's next round
	started   int64 // Loop.Millis at the first attempt
	startedAt int64 // the same in seconds since 1970, as rates count
	attempted int64 // and at the present one
	movedAt   int64 // and when bytes last moved
}

// peerEvents is a link seen as the owner of its peer's connection.
type peerEvents link

// ConnReady implements netio.Owner.
func (e *peerEvents) ConnReady(*netio.Conn) {
	l := (*link)(e)
	if !l.connected {
		l.connectEvent()
		return
	}
	l.runFrom(&l.down, &l.up)
}

var sessionLink = stream.NewSessionSlot[link]()

var unused = stream.NewWorkerSlot[stream.FreeList[link]]()

func take(s *stream.Session) *link {
	l := unused.Of(s.Worker).Take()
	l.s, l.conf, l.loop = s, slot.Of(s.Server), s.Worker.Loop
	sessionLink.Set(s, l)
	return l
}

func (l *link) put() {
	w := l.s.Worker
	l.peering.End()
	*l = link{peering: l.peering}
	unused.Of(w).Put(l)
}

// begin is the content handler.
func begin(s *stream.Session) {
	l := take(s)
	s.LogSuffix = logSuffix
	s.OnClient, s.OnTimer = clientEvent, timerEvent
	s.OnFree(release)
	l.started, l.startedAt = l.loop.Millis(), l.loop.Now().Unix()
	l.up = flow{src: &s.Client, dst: &l.peer, rate: l.conf.uploadRate.of(s)}
	l.down = flow{src: &l.peer, dst: &s.Client, rate: l.conf.downloadRate.of(s)}
	l.bind()
	l.findUpstream()
}

// release is called when the session is freed, however it ended.
func release(s *stream.Session) {
	l := sessionLink.Get(s)
	if l.peering.Upstream != nil {
		l.giveBack(false)
	}
	l.closePeer()
	l.up.drop(s.Worker)
	l.down.drop(s.Worker)
	if l.query != nil {
		l.query.Cancel()
	}
	s.LogSuffix = nil
	sessionLink.Set(s, nil)
	l.put()
}

func clientEvent(s *stream.Session) {
	if l := sessionLink.Get(s); l.connected {
		l.run()
	}
}

func timerEvent(s *stream.Session) {
	l := sessionLink.Get(s)
	if !l.connected {
		l.connectTimedOut()
		return
	}
	l.checkIdle()
}

// logSuffix is ngx_stream_proxy_log_error.
func logSuffix(s *stream.Session, line []byte) []byte {
	l := sessionLink.Get(s)
	if l == nil {
		return line
	}
	if l.peering.Name != "" {
		line = append(append(append(line, `, upstream: "`...), l.peering.Name...), '"')
	}
	return l.appendBytes(line)
}

func (l *link) appendBytes(line []byte) []byte {
	line = strconv.AppendInt(append(line, ", bytes from/to client:"...), l.s.Received, 10)
	line = strconv.AppendInt(append(line, '/'), l.s.Sent, 10)
	line = strconv.AppendInt(append(line, ", bytes from/to upstream:"...), l.down.received, 10)
	return strconv.AppendInt(append(line, '/'), l.up.sent, 10)
}
