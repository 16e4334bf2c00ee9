package stream

import (
	"slices"
	"sync"
	"time"

	"github.com/weirproxy/weir/internal/logs"
	"github.com/weirproxy/weir/internal/netio"
)

// Runtime is the workers, the sockets they share, and the current generation. Its methods are called from one
// goroutine, the process's. What a new generation takes is done in this order: Hire, Listen, Build, Apply; or Abandon.
type Runtime struct {
	workforce
	sockets map[string]*socket // by address
	config  *Config
}

// NewRuntime has no workers and listens on nothing.
func NewRuntime() *Runtime { return &Runtime{sockets: map[string]*socket{}} }

// Listen opens the sockets that c listens on and that are not open yet. Nothing is accepted before Apply; when an
// error is returned nothing has changed.
func (r *Runtime) Listen(c *Config) error {
	for _, l := range c.Listeners {
		if err := r.open(l, c.WorkerProcesses); err != nil {
			r.closeUnused()
			return err
		}
	}
	return nil
}

func (r *Runtime) open(l *Listener, workers int) error {
	if sock := r.sockets[l.key()]; sock != nil {
		return sock.grow(l, workers)
	}
	sock, err := openSocket(l, workers, r.besides(l.Addr))
	if err != nil {
		return err
	}
	r.sockets[sock.key] = sock
	return nil
}

// closeUnused closes what the current generation does not listen on.
func (r *Runtime) closeUnused() {
	used := map[string]bool{}
	if r.config != nil {
		for _, l := range r.config.Listeners {
			used[l.key()] = true
		}
	}
	for key, sock := range r.sockets {
		if used[key] {
			sock.ungrow()
			continue
		}
		delete(r.sockets, key)
		sock.close()
	}
}

// besides makes room for another socket on an address, when reuseport was added or taken away: for a moment both
// listen. It tells whether there is one already.
func (r *Runtime) besides(addr netio.Addr) bool {
	there := false
	for _, sock := range r.sockets {
		if sock.addr == addr && !addr.IsUnix() {
			sock.allowOthers()
			there = true
		}
	}
	return there
}

// Build makes what the workers need of c: Lua VMs above all. When an error is returned nothing has changed.
func (r *Runtime) Build(c *Config) error { return c.buildWorkers(c.WorkerProcesses) }

// Apply makes c, which Listen and Build have accepted, the current generation: sockets that it does not name are
// closed, running sessions finish on the generation they began with.
func (r *Runtime) Apply(c *Config) {
	if r.config != nil {
		r.config.stopResolving()
	}
	r.config = c
	c.startResolving()
	wanted := map[string]*Listener{}
	for _, l := range c.Listeners {
		wanted[l.key()] = l
		r.sockets[l.key()].refresh(l, c.WorkerProcesses)
	}
	r.letGo(c.WorkerProcesses, wanted)
	each(r.workers, func(w *Worker) { w.switchTo(c, r.sockets, wanted) })
	r.closeUnused()
}

// switchTo runs on the worker's loop.
func (w *Worker) switchTo(c *Config, sockets map[string]*socket, wanted map[string]*Listener) {
	w.emptyUnwanted(wanted)
	w.use(c)
	watched := map[int]bool{}
	w.unwatch(func(a *acceptor) bool {
		a.listener = wanted[a.socket.key]
		keep := a.listener != nil && slices.Contains(a.socket.of(w.ID, c.WorkerProcesses), a.fd)
		watched[a.fd] = keep
		return keep
	})
	w.keepFeeders(func(f *feeder) bool { f.listener = wanted[f.key]; return f.listener != nil })
	for key, l := range wanted {
		sock := sockets[key]
		for _, fd := range sock.of(w.ID, c.WorkerProcesses) {
			if watched[fd] {
				continue
			}
			if err := w.watch(sock, fd, l); err != nil {
				c.Log.Write(logs.Alert, 0, Describe(err))
			}
		}
	}
}

// Workers are those that serve the current generation, in the order of their IDs.
func (r *Runtime) Workers() []*Worker { return r.workers }

// Quit stops accepting, lets the sessions finish, and ends the workers. When timeout is not zero, sessions that are
// still there after it are ended (worker_shutdown_timeout). It returns when the workers have ended; expedite may be
// closed to end them at once.
func (r *Runtime) Quit(timeout time.Duration, expedite <-chan struct{}) {
	var idle sync.WaitGroup
	r.mu.Lock()
	all := r.all()
	idle.Add(len(all))
	each(all, func(w *Worker) { w.quit(idle.Done) })
	r.mu.Unlock()
	r.closeSockets()
	done := make(chan struct{})
	go func() { idle.Wait(); close(done) }()
	var expired <-chan time.Time
	if timeout > 0 {
		expired = time.After(timeout)
	}
	select {
	case <-done:
	case <-expired:
		r.Each(func(w *Worker) {
			w.endSessions(nil)
			netio.DropUnsent(w.Loop)
		})
		<-done
	case <-expedite:
	}
	r.Stop()
}

// EndSessions ends the sessions that still run on a generation which another has replaced.
func (r *Runtime) EndSessions(c *Config) { r.Each(func(w *Worker) { w.endSessions(c) }) }

// Stop ends the workers at once. Sessions are cut off.
func (r *Runtime) Stop() {
	if r.config != nil {
		r.config.stopResolving()
	}
	r.endAll((*Worker).cutOff)
	r.closeSockets()
}

func (r *Runtime) closeSockets() {
	for key, sock := range r.sockets {
		delete(r.sockets, key)
		sock.close()
	}
}

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
			s.flags |= atOnce
			s.Finalize(StatusOK)
		}
		s = next
	}
}
