package ngx

// wait has the timer look when a call that now waits is late.
func (s *socket) wait(ms int64) (by int64) {
	l := s.m.worker.Loop
	by = l.Millis() + ms
	if !s.timer.Armed() || s.timer.When() > by {
		l.Arm(&s.timer, ms)
	}
	return by
}

// Expired implements loop.Expirer.
func (s *socket) Expired() {
	now, number := s.m.worker.Loop.Millis(), s.number
	if s.connector != nil && s.connectBy <= now {
		s.connectTimedOut()
		return
	}
	if s.writer != nil && s.writeBy <= now {
		if s.writeTimedOut(); s.number != number {
			return
		}
	}
	if s.reader != nil && s.readBy <= now {
		if s.readTimedOut(); s.number != number {
			return
		}
	}
	s.rearm()
}

func (s *socket) rearm() {
	var by int64
	for _, call := range []struct {
		waits *coroutine
		by    int64
	}{{s.connector, s.connectBy}, {s.reader, s.readBy}, {s.writer, s.writeBy}} {
		if call.waits != nil && (by == 0 || call.by < by) {
			by = call.by
		}
	}
	l := s.m.worker.Loop
	if by != 0 && (!s.timer.Armed() || s.timer.When() > by) {
		l.Arm(&s.timer, by-l.Millis())
	}
}
