package proxy

import "github.com/weirproxy/weir/internal/stream"

// account is the handler in the log phase: it completes what $upstream_* tell of the last attempt, however the session
// ended (ngx_stream_proxy_finalize).
func account(s *stream.Session) stream.Result {
	l := sessionLink.Get(s)
	if l == nil || len(s.Upstreams) == 0 {
		return stream.Declined
	}
	state := l.state()
	if state.Response < 0 {
		state.Response = l.loop.Millis() - l.attempted
	}
	state.BytesReceived, state.BytesSent = l.down.received, l.up.sent
	return stream.Declined
}
