package stream

import (
	"github.com/weirproxy/weir/internal/logs"
	"github.com/weirproxy/weir/internal/loop"
	"github.com/weirproxy/weir/internal/netio"
)

// acceptRetry is how long accepting pauses for lack of descriptors, in milliseconds, unless a session ends before.
const acceptRetry = 500

// acceptor is one listening socket as one worker sees it.
type acceptor struct {
	worker   *Worker
	fd       int
	socket   *socket
	listener *Listener
	timer    loop.Timer
	paused   bool
	burst    int  // how many connections the next event may accept
	warned   bool // the present shortage has been logged
}

func (w *Worker) watch(sock *socket, fd int, l *Listener) error {
	a := &acceptor{worker: w, fd: fd, socket: sock, listener: l, burst: 1}
	a.timer.Handler = a
	if err := a.arm(); err != nil {
		return err
	}
	w.acceptors = append(w.acceptors, a)
	return nil
}

func (a *acceptor) arm() error {
	return a.worker.Loop.Add(a.fd, a, loop.In|loop.Exclusive)
}

// maxBurst bounds how many connections are accepted before other events have their turn.
const maxBurst = 64

// Ready implements loop.Handler. The socket is watched level-triggered: what is not accepted now is told again. Sessions begin
// when all are accepted: the kernel's code for the one, and Lua's for the other, stay in the cache.
func (a *acceptor) Ready(loop.Events) {
	a.accept()
	a.worker.enterArrived()
}

// accept takes up to burst connections, which follows what was there the last time: a lone connection costs one call. Before
// it pauses for want of something, those that have arrived may give it back.
func (a *acceptor) accept() {
	burst := a.burst
	if a.worker.config.MultiAccept {
		burst = maxBurst
	}
	for range burst {
		if a.worker.Full() {
			if !a.worker.hasArrived() {
				a.pause(ErrFull.Error())
			}
			return
		}
		fd, from, err := netio.Accept(a.fd)
		if err == netio.ErrAgain {
			a.burst = max(a.burst/2, 1)
			a.warned = false // whatever was short, all that waited has been taken
			return
		}
		if err != nil {
			a.failed(err)
			return
		}
		a.take(fd, from)
	}
	a.burst = min(a.burst*2, maxBurst)
}

// emptyUnwanted accepts what waits on sockets that are about to be closed, so that none of it is reset.
func (w *Worker) emptyUnwanted(wanted map[string]*Listener) {
	for _, a := range w.acceptors {
		if wanted[a.socket.key] == nil {
			a.empty()
		}
	}
}

func (a *acceptor) empty() {
	for !a.worker.Full() {
		fd, from, err := netio.Accept(a.fd)
		if err != nil {
			return
		}
		a.take(fd, from)
		a.worker.enterArrived()
	}
}

// take makes of an accepted connection what it is: a session, which is to begin, or a line over which others hand connections
// over.
func (a *acceptor) take(fd int, from netio.Addr) {
	if a.listener.Handoff() {
		a.worker.watchFeeder(fd, a)
		return
	}
	a.worker.arrive(fd, from, a.listener)
}

func (a *acceptor) failed(err error) {
	switch {
	case !isShortage(err):
		a.worker.config.Log.Write(logs.Alert, 0, Describe(err))
	case !a.worker.hasArrived():
		a.pause(Describe(err))
	}
}

// pause stops accepting until a session has ended or some time has passed: what waits stays in the kernel's queue.
// The reason is logged once until accepting works again.
func (a *acceptor) pause(reason string) {
	if !a.warned {
		a.warned = true
		a.worker.config.Log.Write(logs.Alert, 0, reason+", accepting on "+a.listener.Addr.String()+" pauses")
	}
	a.paused = true
	a.worker.Loop.Remove(a.fd)
	a.worker.Loop.Arm(&a.timer, acceptRetry)
}

// Expired implements loop.Expirer.
func (a *acceptor) Expired() { a.resume() }

func (a *acceptor) resume() {
	a.paused = false
	a.worker.Loop.Disarm(&a.timer)
	if err := a.arm(); err != nil {
		a.pause(Describe(err))
	}
}

// resumeAccepting is called when a session has ended.
func (w *Worker) resumeAccepting() {
	for _, a := range w.acceptors {
		if a.paused {
			a.resume()
		}
	}
}

// unwatch stops accepting on the sockets for which keep is false.
func (w *Worker) unwatch(keep func(*acceptor) bool) {
	kept := w.acceptors[:0]
	for _, a := range w.acceptors {
		if keep(a) {
			kept = append(kept, a)
			continue
		}
		w.Loop.Disarm(&a.timer)
		if !a.paused {
			w.Loop.Remove(a.fd)
		}
	}
	clear(w.acceptors[len(kept):])
	w.acceptors = kept
}
