package stream

import "github.com/weirproxy/weir/internal/netio"

// Lingering is a value of lingering_close.
type Lingering int

// What lingering_close says (as ngx_http_core_module's directive of that name).
const (
	LingerOff    Lingering = iota
	LingerOn               // when the client has been answered and has sent what was not read
	LingerAlways           // until the client has finished
)

func (s *Session) mustLinger() bool {
	c := &s.Client
	if !c.IsOpen() || c.EOF() || s.flags&(atOnce|noLinger) != 0 {
		return false
	}
	switch s.Server.LingeringClose {
	case LingerAlways:
		return true
	case LingerOn:
		// Closing a socket with unread bytes resets the connection: the client loses what it has not read yet of the answer.
		return s.Sent > 0 && c.HasInput()
	}
	return false
}

// linger shuts the connection for sending and throws away what comes, until the client has finished, has been
// silent for lingering_timeout, or lingering_time is over.
func (s *Session) linger() {
	if s.Client.CloseWrite() != nil {
		s.Worker.free(s)
		return
	}
	s.lingerUntil = s.Worker.Loop.Millis() + s.Server.LingeringTime
	s.OnClient, s.OnTimer = drain, endLinger
	s.Arm(min(s.Server.LingeringTimeout, s.Server.LingeringTime))
	drain(s)
}

func endLinger(s *Session) { s.Worker.free(s) }

func drain(s *Session) {
	left := s.lingerUntil - s.Worker.Loop.Millis()
	if left <= 0 {
		s.Worker.free(s)
		return
	}
	for range drainRounds {
		_, err := s.Client.Read(s.Worker.Scratch)
		switch {
		case err != nil && err != netio.ErrAgain:
			s.Worker.free(s)
			return
		case !s.Client.Readable():
			s.Arm(min(s.Server.LingeringTimeout, left))
			return
		}
	}
	// A client that sends faster than this must not keep others waiting.
	id := s.ID
	s.Worker.Loop.Next(func() {
		if s.ID == id && s.lingerUntil != 0 {
			drain(s)
		}
	})
}

// drainRounds bounds how much is thrown away at once.
const drainRounds = 16
