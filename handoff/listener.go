package handoff

import (
	"net"
	"os"
	"sync"
	"time"
)

// Listen listens for connections on a unix socket, "@name" for an abstract one. Only the process's own user and root may
// hand connections to it; ListenConfig lets others.
func Listen(path string) (*Listener, error) { return new(ListenConfig).Listen(path) }

// Listener is a net.Listener of connections that are handed over.
type Listener struct {
	unix    *net.UnixListener
	allowed func(peer) bool
	arrived chan *arrival
	accept  deadline

	closing sync.Once
	closed  chan struct{}
	mu      sync.Mutex
	senders map[*net.UnixConn]struct{}
}

// arrival is a connection that the sender still owns.
type arrival struct {
	*Conn
	from *net.UnixConn
}

// Accept waits for the next connection and tells its sender that it is accepted. The result is a *Conn. After Close the
// error is net.ErrClosed, after SetDeadline's time os.ErrDeadlineExceeded.
func (l *Listener) Accept() (net.Conn, error) {
	c, err := l.AcceptHandoff()
	if err != nil {
		return nil, err
	}
	return c, nil
}

// AcceptHandoff is Accept with the concrete type.
func (l *Listener) AcceptHandoff() (*Conn, error) {
	for {
		if err := l.unusable(); err != nil {
			return nil, err
		}
		select {
		case a := <-l.arrived:
			if answer(a.from, Accepted) == nil {
				return a.Conn, nil
			}
			a.Close() // the sender has given up waiting: the connection is another's
		case <-l.accept.expired():
			return nil, l.failed(os.ErrDeadlineExceeded)
		case <-l.closed:
			return nil, l.failed(net.ErrClosed)
		}
	}
}

// unusable is why Accept fails even when a connection has arrived.
func (l *Listener) unusable() error {
	select {
	case <-l.closed:
		return l.failed(net.ErrClosed)
	case <-l.accept.expired():
		return l.failed(os.ErrDeadlineExceeded)
	default:
		return nil
	}
}

func (l *Listener) failed(err error) error {
	return &net.OpError{Op: "accept", Net: "handoff", Addr: l.Addr(), Err: err}
}

func answer(to *net.UnixConn, with byte) error {
	_, err := to.Write([]byte{with})
	return err
}

// SetDeadline has Accept fail at t, also one that waits already; the zero time: never.
func (l *Listener) SetDeadline(t time.Time) error {
	l.accept.set(t)
	return nil
}

// Addr is the unix socket's address.
func (l *Listener) Addr() net.Addr { return l.unix.Addr() }

// Close stops listening and removes the socket file. Connections that were not accepted go back to their senders;
// those that were live on.
func (l *Listener) Close() error {
	err := net.ErrClosed
	l.closing.Do(func() {
		close(l.closed)
		err = l.unix.Close()
		l.mu.Lock()
		defer l.mu.Unlock()
		for c := range l.senders {
			c.Close()
		}
	})
	return err
}

// serve accepts senders until Close.
func (l *Listener) serve() {
	for {
		c, err := l.unix.AcceptUnix()
		if err != nil {
			select {
			case <-l.closed:
				return
			case <-time.After(acceptRetry): // no descriptors left
				continue
			}
		}
		if p, err := peerOf(c); err != nil || !l.allowed(p) || !l.keep(c) {
			c.Close()
			continue
		}
		go l.receive(c)
	}
}

// acceptRetry is how long accepting pauses after an error.
const acceptRetry = 50 * time.Millisecond

// keep has Close close c; false: it is too late.
func (l *Listener) keep(c *net.UnixConn) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	select {
	case <-l.closed:
		return false
	default:
	}
	l.senders[c] = struct{}{}
	return true
}

func (l *Listener) drop(c *net.UnixConn) {
	c.Close()
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.senders, c)
}

// receive takes connections from one sender, each when the one before was answered.
func (l *Listener) receive(from *net.UnixConn) {
	defer l.drop(from)
	for {
		c, err := receive(from)
		switch {
		case err == errEnd:
			return
		case err != nil:
			if answer(from, Refused) != nil {
				return
			}
			continue
		}
		if !l.offer(&arrival{c, from}) {
			c.Close()
			return
		}
	}
}

// offer waits until Accept takes a; false when the sender has not waited as long, or the listener is closed.
func (l *Listener) offer(a *arrival) bool {
	select {
	case l.arrived <- a:
		return true
	default:
	}
	gone := make(chan struct{})
	go func() {
		defer close(gone)
		awaitInput(a.from) // a sender that waits for its answer says nothing: it is the end
	}()
	defer func() {
		a.from.SetReadDeadline(time.Unix(1, 0))
		<-gone
		a.from.SetReadDeadline(time.Time{})
	}()
	select {
	case l.arrived <- a:
		return true
	case <-gone:
	case <-l.closed:
	}
	return false
}
