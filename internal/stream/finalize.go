package stream

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
