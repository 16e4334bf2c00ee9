package proxy

import (
	"cmp"
	"io"

	"github.com/weirproxy/weir/internal/logs"
	"github.com/weirproxy/weir/internal/netio"
	"github.com/weirproxy/weir/internal/stream"
)

// sourceEnded takes an error as the end, as nginx does, but tells of it.
func (l *link) sourceEnded(f *flow, err error) {
	f.ended = true
	l.lastEnded = f
	l.noteFirst(f)
	if err == io.EOF {
		return
	}
	l.broken = true
	l.s.Action = "proxying and reading from " + l.side(f.src)
	l.logConnError(f.src, err)
	l.s.Action = "proxying connection"
}

func (l *link) writeFailed(f *flow, err error) {
	l.s.Action = "proxying and sending to " + l.side(f.dst)
	l.logConnError(f.dst, err)
	l.s.Action = "proxying connection"
}

// logConnError logs a client's misfortunes at level info, a peer's as errors (ngx_connection_error).
func (l *link) logConnError(c *netio.Conn, err error) {
	if c == &l.s.Client {
		l.s.LogIOError(err, "")
		return
	}
	l.s.Log(logs.Error, stream.Describe(err))
}

func (l *link) side(c *netio.Conn) string {
	if c == &l.peer {
		return "upstream"
	}
	return "client"
}

// over ends the session when a side has finished and all that it sent was delivered; with proxy_half_close, when
// both have (ngx_stream_proxy_test_finalize).
func (l *link) over() bool {
	up, down := l.up.ended, l.down.ended
	upDone, downDone := up && !l.up.waiting(), down && !l.down.waiting()
	if l.conf.halfClose.V {
		if !upDone || !downDone {
			return false
		}
	} else if !upDone && !downDone {
		return false
	}
	if l.s.Logs(logs.Info) {
		who := "client"
		if l.lastEnded == &l.down {
			who = "upstream"
		}
		l.s.LogBare(logs.Info, string(l.appendBytes([]byte(who+" disconnected"))))
	}
	l.s.Finalize(stream.StatusOK)
	return true
}

// halfClose hands the end of one side on to the other (proxy_half_close).
func (l *link) halfClose() {
	if !l.conf.halfClose.V {
		return
	}
	for _, f := range []*flow{&l.up, &l.down} {
		if !f.ended || f.waiting() || f.dst.WriteClosed() {
			continue
		}
		if err := f.dst.CloseWrite(); err != nil {
			l.s.LogIOError(err, "")
			l.s.Finalize(stream.StatusInternal)
			return
		}
	}
}

// timeout is for how long no bytes may move, in milliseconds.
func (l *link) timeout() int64 { return cmp.Or(l.peering.Timeout, l.conf.timeout.V) }

// checkIdle is the timer of proxy_timeout. It is not set anew for each byte: it looks back when it expires.
func (l *link) checkIdle() {
	timeout := l.timeout()
	left := timeout - (l.loop.Millis() - l.movedAt)
	if l.up.braked() || l.down.braked() {
		left = timeout
	}
	if left > 0 {
		l.s.Arm(left)
		return
	}
	l.s.Log(logs.Info, "connection timed out (110: Connection timed out)")
	l.s.Finalize(stream.StatusOK)
}
