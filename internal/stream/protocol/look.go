package protocol

import (
	"github.com/weirproxy/weir/internal/netio"
	"github.com/weirproxy/weir/internal/stream"
)

// detector looks where preread_protocol is off.
type detector struct{}

// Protocol implements stream.Detector.
func (detector) Protocol(s *stream.Session) string { return found(s) }

// Look implements stream.Detector.
func (detector) Look(s *stream.Session) (final bool) {
	d := of(s)
	if d.settled {
		return true
	}
	final, err := d.see(s)
	d.settled = final || err != nil && err != netio.ErrAgain
	return d.settled
}

// Settle implements stream.Detector.
func (detector) Settle(s *stream.Session) { of(s).settled = true }

// Timeout implements stream.Detector: it is the server's preread_protocol_timeout.
func (detector) Timeout(s *stream.Server) int64 { return slot.Of(s).timeout.V }
