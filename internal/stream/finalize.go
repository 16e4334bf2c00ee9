package stream

import "github.com/weirproxy/weir/internal/netio"

// Finalize ends the session: the log phase runs, the client is closed, as lingering_close says, and the session is
// freed. It must not be used afterwards.
func (s *Session) Finalize(status int) {
	if s.flags&ended != 0 {
		return
	}
	s.flags |= ended
	s.Disarm()
	s.OnClient, s.OnTimer = ignore, ignore
	s.Status = status
	for _, handler := range s.Server.logSteps {
		handler(s)
	}
	s.cleanUp()
	if s.mustLinger() {
		s.linger()
		return
	}
	s.discardFirst()
	s.Worker.free(s)
}

// discardFirst has a client that was sent nothing, and whose session ends in the preread phase, see an end and not a
// reset: the bytes that were there to be looked at are read, as nginx did before it began to peek (ngx_stream_preread).
// Clients that were sent something are lingering_close's.
func (s *Session) discardFirst() {
	c := &s.Client
	if s.Sent > 0 || !s.inPreread() || !c.IsOpen() || c.EOF() || s.flags&atOnce != 0 {
		return
	}
	for range drainRounds {
		if _, err := c.Read(s.Worker.Scratch); err != nil || !c.Readable() {
			return
		}
	}
}

// inPreread tells whether the session is in the preread phase, or has ended there.
func (s *Session) inPreread() bool {
	return int(s.at) < len(s.Server.steps) && s.Server.steps[s.at].phase == Preread
}

// cleanUp calls what OnFree was given, while the client is still open.
func (s *Session) cleanUp() {
	for i := len(s.cleanups) - 1; i >= 0; i-- {
		s.cleanups[i](s)
		s.cleanups[i] = nil
	}
	s.cleanups = s.cleanups[:0]
}

// Ended tells whether Finalize was called.
func (s *Session) Ended() bool { return s.flags&ended != 0 }

// Detach takes the client's descriptor out of the session, which is to be finalized by the caller: the connection
// lives on elsewhere.
func (s *Session) Detach() (fd int) {
	s.flags |= released
	return s.Client.Detach()
}

// CloseAtOnce has the session end without lingering: another process may have the connection as well, and must not find
// it shut down.
func (s *Session) CloseAtOnce() { s.flags |= atOnce }

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
	if !c.IsOpen() || c.EOF() || s.flags&(atOnce|cutOff) != 0 {
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
	for range drainRounds {
		if left <= 0 {
			s.Worker.free(s)
			return
		}
		_, err := s.Client.Read(s.Worker.Scratch)
		if err == netio.ErrAgain {
			s.Arm(min(s.Server.LingeringTimeout, left))
			return
		}
		if err != nil {
			s.Worker.free(s)
			return
		}
		if !s.Client.Readable() {
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
