package stream

import (
	"os"
	"slices"
	"time"

	"github.com/weirproxy/weir/internal/logs"
	"github.com/weirproxy/weir/internal/netio"
	"golang.org/x/sys/unix"
)

// Runtime is the workers, the sockets they share, and the current generation. Its methods are called from one
// goroutine at a time. A new generation takes Hire, Build and Listen, and then Apply; or Abandon.
type Runtime struct {
	workforce
	sockets map[string]*socket // by address
	config  *Config
}

// NewRuntime has no workers and listens on nothing.
func NewRuntime() *Runtime { return &Runtime{sockets: map[string]*socket{}} }

// Listen opens the sockets that c listens on and that are not open yet. Nothing is accepted on them before Apply. An error
// leaves those open that could be: Listen may be called again.
func (r *Runtime) Listen(c *Config) error {
	for _, l := range c.Listeners {
		if r.sockets[l.key()] != nil {
			continue
		}
		sock, err := openSocket(l)
		if err != nil {
			return err
		}
		r.sockets[sock.key] = sock
	}
	for _, l := range c.Listeners { // last, as connections wait on what is added from now on
		if err := r.sockets[l.key()].grow(l, c.WorkerProcesses); err != nil {
			return err
		}
	}
	return nil
}

// GiveSockets makes a user the owner of the sockets that are open. The kernel lets no other user bind more to their addresses,
// which is what reuseport takes when workers are added.
func (r *Runtime) GiveSockets(uid int) error {
	for _, sock := range r.sockets {
		for _, fd := range sock.fds {
			if err := unix.Fchown(fd, uid, -1); err != nil {
				return os.NewSyscallError("fchown", err)
			}
		}
	}
	return nil
}

// refresh applies what may change while sockets listen. A failure is told and ignored, as by nginx.
func (r *Runtime) refresh(c *Config, wanted map[string]*Listener) {
	for key, l := range wanted {
		if err := r.sockets[key].refresh(l); err != nil {
			c.Log.Write(logs.Alert, 0, Describe(err)+" for "+l.Addr.String()+", ignored")
		}
	}
}

// closeUnwanted closes the sockets that a generation does not listen on.
func (r *Runtime) closeUnwanted(wanted map[string]*Listener) {
	for key, sock := range r.sockets {
		if wanted[key] == nil {
			delete(r.sockets, key)
			sock.close()
		}
	}
}

// wanted is what the generation listens on, by the sockets' keys.
func (c *Config) wanted() map[string]*Listener {
	wanted := map[string]*Listener{}
	for _, l := range c.Listeners {
		wanted[l.key()] = l
	}
	return wanted
}

// Build makes what the workers need of c: Lua VMs above all. After an error Abandon frees what was made.
func (r *Runtime) Build(c *Config) error { return c.buildWorkers(c.WorkerProcesses) }

// Apply makes c, which Listen and Build have accepted, the current generation: sockets that it does not name are
// closed, running sessions finish on the generation they began with.
func (r *Runtime) Apply(c *Config) {
	if r.config != nil {
		r.config.stopResolving()
	}
	r.config = c
	c.startResolving()
	wanted := c.wanted()
	r.refresh(c, wanted)
	r.letGo(c.WorkerProcesses, wanted)
	each(r.workers, func(w *Worker) { w.switchTo(c, r.sockets, wanted) })
	r.closeUnwanted(wanted)
}

// switchTo runs on the worker's loop.
func (w *Worker) switchTo(c *Config, sockets map[string]*socket, wanted map[string]*Listener) {
	w.emptyUnwanted(wanted)
	w.use(c)
	w.keepFeeders(func(f *feeder) bool { f.listener = wanted[f.key]; return f.listener != nil })
	w.watchAll(sockets, wanted)
}

// watchAll watches the worker's descriptors of what is wanted, and no others.
func (w *Worker) watchAll(sockets map[string]*socket, wanted map[string]*Listener) {
	workers := w.config.WorkerProcesses
	watched := map[int]bool{}
	w.unwatch(func(a *acceptor) bool {
		a.listener = wanted[a.socket.key]
		watched[a.fd] = a.listener != nil && slices.Contains(a.socket.of(w.ID, a.listener, workers), a.fd)
		return watched[a.fd]
	})
	for key, l := range wanted {
		sock := sockets[key]
		for _, fd := range sock.of(w.ID, l, workers) {
			if watched[fd] {
				continue
			}
			if err := w.watch(sock, fd, l); err != nil {
				w.config.Log.Write(logs.Alert, 0, Describe(err))
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
	idle := r.quit()
	r.closeUnwanted(nil)
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
		select {
		case <-done: // what else holds them, as Lua's timers do
		case <-expedite:
		}
	case <-expedite:
	}
	r.Stop()
}

// EndSessions ends the sessions that still run on a generation which another has replaced. What a worker that leaves has
// still to send is dropped.
func (r *Runtime) EndSessions(c *Config) {
	r.Each(func(w *Worker) {
		w.endSessions(c)
		if w.stopping {
			netio.DropUnsent(w.Loop)
		}
	})
}

// Stop ends the workers at once. Sessions are cut off.
func (r *Runtime) Stop() {
	if r.config != nil {
		r.config.stopResolving()
	}
	r.endAll((*Worker).cutOff)
	r.closeUnwanted(nil)
}
