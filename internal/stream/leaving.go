package stream

import (
	"github.com/weirproxy/weir/internal/logs"
	"github.com/weirproxy/weir/internal/netio"
)

// How a worker comes to its end: it takes no more sessions, and either waits for those that it has (quit) or ends them
// (cutOff). The workers of a process and those that a reload lets go (workforce.go) end alike.

// takeNoMore has the worker take no more sessions.
func (w *Worker) takeNoMore() {
	w.stopping = true
	w.unwatch(func(*acceptor) bool { return false })
	w.keepFeeders(func(*feeder) bool { return false })
}

// cutOff ends what the worker does, at once.
func (w *Worker) cutOff() {
	if w.config == nil {
		return
	}
	w.takeNoMore()
	w.onIdle = nil
	w.endSessions(nil)
	w.retire(w.config)
}

// quit takes no more sessions and calls idle once when the last one has gone.
func (w *Worker) quit(idle func()) {
	w.takeNoMore()
	w.onIdle = idle
	w.retire(w.config)
	w.checkIdle()
}

// checkIdle is called whenever a holder of a generation has gone.
func (w *Worker) checkIdle() {
	if w.onIdle == nil || w.holds > 0 || netio.WhenSent(w.Loop, w.checkIdle) {
		return
	}
	idle := w.onIdle
	w.onIdle = nil
	idle()
}

// endSessions finalizes the sessions of a generation; nil: all.
func (w *Worker) endSessions(of *Config) {
	for s := w.sessions; s != nil; {
		next := s.next
		switch {
		case of != nil && s.Server.config != of:
		case s.Ended():
			w.free(s)
		default:
			s.Log(logs.Info, "shutdown timeout")
			s.flags |= noLinger
			s.Finalize(StatusOK)
		}
		s = next
	}
}

// Hold keeps a generation from being freed, and the worker from ending, until Release is called as often.
func (w *Worker) Hold(c *Config) {
	c.workers[w.ID].holders++
	w.holds++
}

// Release undoes a Hold.
func (w *Worker) Release(c *Config) {
	c.workers[w.ID].holders--
	w.holds--
	w.freeIfUnused(c)
	if w.onIdle != nil {
		w.Loop.Next(w.checkIdle)
	}
}
