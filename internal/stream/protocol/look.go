package protocol

import (
	"github.com/weirproxy/weir/internal/netio"
	"github.com/weirproxy/weir/internal/stream"
)

// Look tells a client's protocol where preread_protocol is off. final says that Of has the answer; otherwise the client
// has not sent enough yet, and the caller looks again when it has sent more, or gives up with Settle after Timeout.
// Nothing waits and nothing is consumed.
func Look(s *stream.Session) (final bool) {
	d := of(s)
	if d.settled {
		return true
	}
	first, full, err := peek(s)
	if err == netio.ErrAgain || err == nil && len(first) <= d.have && !s.Client.PeerFinished() {
		return false
	}
	d.have = len(first)
	d.settled = err != nil || d.look(s, first) || full || s.Client.PeerFinished()
	return d.settled
}

// Settle has Of answer what is known by now.
func Settle(s *stream.Session) { of(s).settled = true }

// Timeout is the server's preread_protocol_timeout in milliseconds.
func Timeout(s *stream.Server) int64 { return slot.Of(s).timeout.V }
