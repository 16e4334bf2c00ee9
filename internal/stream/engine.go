package stream

import (
	"io"

	"github.com/weirproxy/weir/internal/logs"
	"github.com/weirproxy/weir/internal/netio"
)

// step is one handler of a server's way, with where Done leads to.
type step struct {
	run   Handler
	phase Phase
	next  uint8
	order int // place among all modules' handlers
}

// steps puts the modules' handlers for a server in the order in which they run.
func steps(modules []*Module, s *Server) []step {
	var way []step
	order := 0
	for phase := PostAccept; phase < Content; phase++ {
		first := len(way)
		for _, last := range []bool{false, true} {
			for _, m := range modules {
				for _, h := range m.Handlers {
					order++
					if h.Phase == phase && h.Last == last && (h.Active == nil || h.Active(s)) {
						way = append(way, step{run: h.Run, phase: phase, order: order})
					}
				}
			}
		}
		for i := first; i < len(way); i++ {
			way[i].next = uint8(len(way))
		}
	}
	return way
}

// logSteps are the handlers of the log phase.
func logSteps(modules []*Module, s *Server) []Handler {
	var way []Handler
	for _, m := range modules {
		for _, h := range m.Handlers {
			if h.Phase == Log && (h.Active == nil || h.Active(s)) {
				way = append(way, h.Run)
			}
		}
	}
	return way
}

// Resume runs the handler that returned Again once more, and then what follows.
func (s *Session) Resume() {
	for int(s.at) < len(s.Server.steps) {
		current := &s.Server.steps[s.at]
		if current.phase == Preread {
			s.Action = "prereading client data"
		}
		if !s.advance(current, current.run(s)) {
			return
		}
	}
	s.content()
}

// Continue goes on after the handler that returned Taken, as if it had returned result.
func (s *Session) Continue(result Result) {
	if s.advance(&s.Server.steps[s.at], result) {
		s.Resume()
	}
}

// advance moves on as result says; false: the session waits or has ended.
func (s *Session) advance(current *step, result Result) bool {
	if result == Again || result == Taken {
		return false
	}
	if s.Timer.Armed() {
		s.Disarm()
	}
	s.OnClient = ignore
	if s.flags&moved != 0 && (result == Declined || result == Done) {
		s.flags &^= moved
		s.at = s.Server.after(current, result)
		return true
	}
	switch result {
	case Declined:
		s.at++
	case Done:
		s.at = current.next
	default:
		s.Finalize(int(result))
		return false
	}
	return true
}

// after is the place behind another server's step.
func (s *Server) after(done *step, result Result) uint8 {
	for i := range s.steps {
		if s.steps[i].phase > done.phase || result == Declined && s.steps[i].order > done.order {
			return uint8(i)
		}
	}
	return uint8(len(s.steps))
}

// Phase is where the session is on its way.
func (s *Session) Phase() Phase {
	switch {
	case s.flags&ended != 0:
		return Log
	case int(s.at) < len(s.Server.steps):
		return s.Server.steps[s.at].phase
	}
	return Content
}

func (s *Session) content() {
	s.Action = ""
	if s.Server.Content == nil {
		s.Log(logs.Error, "no handler for server")
		s.Finalize(StatusInternal)
		return
	}
	s.Server.Content(s)
}

// Peek shows a preread handler the client's first bytes, which stay in the kernel. They are valid until the handler
// returns. ok is false when the session cannot go on, and result is what the handler returns then: Again when it is
// called once more when at least one byte more than have is there, or the Status that ends the session
// (ngx_stream_core_preread_phase). have is how many bytes did not suffice; 0 at first.
func (s *Session) Peek(have int) (data []byte, result Result, ok bool) {
	size := s.Server.PrereadBufferSize
	buf := s.Worker.Scratch
	if size > len(buf) {
		buf = make([]byte, size)
	}
	n, err := s.Client.Peek(buf[:size])
	switch {
	case err == nil && n > have:
		return buf[:n], Declined, true
	case err == nil && n == size:
		s.Log(logs.Error, "preread buffer full")
		return nil, StatusBadRequest, false
	case err != nil && err != netio.ErrAgain && err != io.EOF:
		s.LogIOError(err, "")
		return nil, StatusOK, false
	case err == io.EOF || s.Client.PeerFinished():
		return nil, StatusOK, false
	}
	s.awaitPeek()
	return nil, Again, false
}

// awaitPeek has the handler run again when the client has sent more, until preread_timeout.
func (s *Session) awaitPeek() {
	s.OnClient = (*Session).Resume
	if s.Timer.Armed() {
		return
	}
	s.OnTimer = prereadTimedOut
	s.Arm(s.Server.PrereadTimeout)
}

func prereadTimedOut(s *Session) { s.Finalize(StatusOK) }
