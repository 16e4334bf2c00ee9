package stream

import (
	"sync/atomic"

	"github.com/weirproxy/weir/internal/logs"
	"github.com/weirproxy/weir/internal/loop"
	"github.com/weirproxy/weir/internal/netio"
	"golang.org/x/sys/unix"
)

// scratchSize is how much a worker reads at once.
const scratchSize = 64 << 10

// Worker is one event loop with its sessions. All but its ID and Loop.Post belongs to the loop's goroutine.
type Worker struct {
	ID   int
	Loop *loop.Loop
	// Scratch is for reading into. It is valid within one event: whoever must keep bytes copies them. It is memory
	// outside Go's heap, so that C may be given its address.
	Scratch []byte

	config      *Config
	acceptors   []*acceptor
	sessions    *Session   // the first of the list
	arrived     []*Session // within one event
	connections int        // to clients and to peers
	unused      FreeList[Session]
	holds       int // of generations, see Hold
	stopping    bool
	text        []byte        // for building texts within one event
	scope       []any         // by WorkerSlot
	onIdle      func()        // called when a stopping worker has nothing more to do
	ended       chan struct{} // closed when the loop has ended
	feeders     []*feeder
	message     []byte // for what feeders receive, within one event
}

var connectionID atomic.Uint64

func newWorker(id int) (*Worker, error) {
	l, err := loop.New()
	if err != nil {
		return nil, err
	}
	scratch, err := unix.Mmap(-1, 0, scratchSize, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANON)
	if err != nil {
		l.Close()
		return nil, err
	}
	return &Worker{ID: id, Loop: l, Scratch: scratch, ended: make(chan struct{})}, nil
}

func (w *Worker) run() {
	defer close(w.ended)
	w.Loop.Run()
}

// end stops the loop and waits for it.
func (w *Worker) end() {
	w.Loop.Stop()
	<-w.ended
	w.endScope()
	w.Loop.Close()
	unix.Munmap(w.Scratch)
}

// Config is the current generation.
func (w *Worker) Config() *Config { return w.config }

// Stopping tells that the worker takes no new sessions and ends with its last one.
func (w *Worker) Stopping() bool { return w.stopping }

// AddConnections counts connections other than clients' towards worker_connections; n is negative when they close.
func (w *Worker) AddConnections(n int) { w.connections += n }

// Full tells that worker_connections is reached.
func (w *Worker) Full() bool { return w.connections >= w.config.WorkerConnections }

// arrive makes a session of a connection that was just accepted. It begins with enterArrived.
func (w *Worker) arrive(fd int, from netio.Addr, l *Listener) {
	l, local := l.bound(fd)
	s := w.attach(fd, l)
	if s == nil {
		unix.Close(fd)
		return
	}
	s.Remote, s.local = from.AddrPort, local
	w.arrived = append(w.arrived, s)
}

func (w *Worker) hasArrived() bool { return len(w.arrived) > 0 }

// enterArrived begins the sessions that have arrived, in that order.
func (w *Worker) enterArrived() {
	for i, s := range w.arrived {
		w.arrived[i] = nil
		s.enter()
	}
	w.arrived = w.arrived[:0]
}

// attach makes a session of a connection; nil: it failed, and fd is the caller's still.
func (w *Worker) attach(fd int, l *Listener) *Session {
	s := w.unused.Take()
	s.Worker, s.Server, s.listener = w, l.server, l
	s.ID = connectionID.Add(1)
	s.Started = w.Loop.Now().UnixMilli()
	s.OnClient, s.OnTimer = ignore, ignore
	s.Timer.Handler = (*clientEvents)(s)
	if err := s.Client.Attach(w.Loop, fd, (*clientEvents)(s)); err != nil {
		s.Server.ErrorLog.Write(logs.Alert, s.ID, Describe(err))
		w.unused.Put(s)
		return nil
	}
	s.Client.ExpectInput()
	w.connections++
	w.link(s)
	w.Hold(s.Server.config)
	return s
}

func (w *Worker) link(s *Session) {
	s.prev, s.next = nil, w.sessions
	if w.sessions != nil {
		w.sessions.prev = s
	}
	w.sessions = s
}

func (w *Worker) unlink(s *Session) {
	if s.prev == nil {
		w.sessions = s.next
	} else {
		s.prev.next = s.next
	}
	if s.next != nil {
		s.next.prev = s.prev
	}
}

// free closes what is left of a session and keeps it for reuse.
func (w *Worker) free(s *Session) {
	s.Disarm()
	s.Client.Close()
	w.connections--
	w.unlink(s)
	w.Release(s.Server.config)
	clear(s.scope)
	clear(s.values)
	clear(s.Upstreams)
	*s = Session{scope: s.scope, values: s.values[:0], Upstreams: s.Upstreams[:0], cleanups: s.cleanups}
	w.unused.Put(s)
	w.resumeAccepting()
	w.checkIdle()
}

// LendText is an empty buffer to build a text in, within one event, until KeepText takes it back.
func (w *Worker) LendText() []byte {
	buf := w.text
	w.text = nil
	return buf[:0]
}

// KeepText takes back the worker's text buffer after use, grown or not. While it is lent out there is none: an
// evaluation within an evaluation then allocates one.
func (w *Worker) KeepText(buf []byte) {
	const most = 64 << 10
	if cap(buf) <= most {
		w.text = buf[:0]
	}
}
