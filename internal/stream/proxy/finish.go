package proxy

import (
	"errors"
	"syscall"
)

// finish ends the session (ngx_stream_proxy_finalize).
func (l *link) finish(status int) {
	if len(l.s.Upstreams) > 0 {
		state := l.state()
		if state.Response < 0 {
			state.Response = l.loop.Millis() - l.attempted
		}
		state.BytesReceived, state.BytesSent = l.down.received, l.up.sent
	}
	l.s.Finalize(status)
}

// isPeersFault tells errors that a peer or the network cause from those of this machine (ngx_event_connect_peer).
func isPeersFault(err error) bool {
	for _, errno := range []syscall.Errno{syscall.ECONNREFUSED, syscall.EAGAIN, syscall.ECONNRESET, syscall.ENETDOWN,
		syscall.ENETUNREACH, syscall.EHOSTDOWN, syscall.EHOSTUNREACH} {
		if errors.Is(err, errno) {
			return true
		}
	}
	return false
}
