package stream

import (
	"fmt"
	"sync"
	"time"

	"github.com/weirproxy/weir/internal/logs"
	"github.com/weirproxy/weir/internal/netio"
)

// Runtime is the workers, the sockets they share, and the current generation. Its methods are called from one
// goroutine, the process's.
type Runtime struct {
	workers []*Worker
	sockets map[string]*socket // by address
	config  *Config
	running sync.WaitGroup
}

// NewRuntime starts n workers. They have nothing to do before a configuration is applied.
func NewRuntime(n int) (*Runtime, error) {
	r := &Runtime{sockets: map[string]*socket{}}
	for id := range n {
		w, err := newWorker(id)
		if err != nil {
			return nil, fmt.Errorf("worker %d: %w", id, err)
		}
		r.workers = append(r.workers, w)
	}
	for _, w := range r.workers {
		r.running.Go(w.Loop.Run)
	}
	return r, nil
}

// Listen opens the sockets that c listens on and that are not open yet. Nothing is accepted before Apply; when an
// error is returned nothing has changed.
func (r *Runtime) Listen(c *Config) error {
	var opened []*socket
	for _, l := range c.Listeners {
		if sock := r.sockets[l.key()]; sock != nil {
			continue
		}
		sock, err := openSocket(l, len(r.workers), r.besides(l.Addr))
		if err != nil {
			for _, sock := range opened {
				delete(r.sockets, sock.key)
				sock.close()
			}
			return err
		}
		r.sockets[sock.key] = sock
		opened = append(opened, sock)
	}
	return nil
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
func (r *Runtime) Build(c *Config) error { return c.buildWorkers(len(r.workers)) }

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
		r.sockets[l.key()].refresh(l)
	}
	r.Each(func(w *Worker) { w.switchTo(c, r.sockets, wanted) })
	for key, sock := range r.sockets {
		if wanted[key] == nil {
			delete(r.sockets, key)
			sock.close()
		}
	}
}

// Each runs fn on every worker's loop, and so on its thread, and waits for all of them.
func (r *Runtime) Each(fn func(*Worker)) {
	var done sync.WaitGroup
	for _, w := range r.workers {
		done.Add(1)
		w.Loop.Post(func() {
			defer done.Done()
			fn(w)
		})
	}
	done.Wait()
}

// switchTo runs on the worker's loop.
func (w *Worker) switchTo(c *Config, sockets map[string]*socket, wanted map[string]*Listener) {
	for _, a := range w.acceptors {
		if wanted[a.socket.key] == nil {
			a.empty()
		}
	}
	w.use(c)
	watched := map[*socket]bool{}
	for _, a := range w.acceptors {
		a.listener = wanted[a.socket.key]
		watched[a.socket] = true
	}
	w.unwatch(func(a *acceptor) bool { return a.listener != nil })
	w.keepFeeders(func(f *feeder) bool { f.listener = wanted[f.key]; return f.listener != nil })
	for key, l := range wanted {
		sock := sockets[key]
		if watched[sock] {
			continue
		}
		if err := w.watch(sock, sock.fd(w.ID), l); err != nil {
			c.Log.Write(logs.Alert, 0, Describe(err))
		}
	}
}

// Workers are the workers, in the order of their IDs.
func (r *Runtime) Workers() []*Worker { return r.workers }

// Quit stops accepting, lets the sessions finish, and ends the workers. When timeout is not zero, sessions that are
// still there after it are ended (worker_shutdown_timeout). It returns when the workers have ended; expedite may be
// closed to end them at once.
func (r *Runtime) Quit(timeout time.Duration, expedite <-chan struct{}) {
	var idle sync.WaitGroup
	idle.Add(len(r.workers))
	r.Each(func(w *Worker) { w.quit(idle.Done) })
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
		r.Each(func(w *Worker) {
			w.stopping = true
			w.unwatch(func(*acceptor) bool { return false })
			w.keepFeeders(func(*feeder) bool { return false })
			w.onIdle = nil
			w.endSessions(nil)
			w.retire(w.config)
		})
	}
	for _, w := range r.workers {
		w.Loop.Stop()
	}
	r.running.Wait()
	r.closeSockets()
	for _, w := range r.workers {
		w.close()
	}
}

func (r *Runtime) closeSockets() {
	for key, sock := range r.sockets {
		delete(r.sockets, key)
		sock.close()
	}
}

// quit takes no more sessions and calls idle once when the last one has gone.
func (w *Worker) quit(idle func()) {
	w.stopping = true
	w.unwatch(func(*acceptor) bool { return false })
	w.keepFeeders(func(*feeder) bool { return false })
	w.onIdle = idle
	w.retire(w.config)
	w.checkIdle()
}

// checkIdle is called whenever a holder of a generation has gone.
func (w *Worker) checkIdle() {
	if w.onIdle == nil || w.sessions != nil || w.config.workers[w.ID].holders > 0 ||
		netio.WhenSent(w.Loop, w.checkIdle) {
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
