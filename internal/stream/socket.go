package stream

import (
	"os"

	"github.com/weirproxy/weir/internal/logs"
	"github.com/weirproxy/weir/internal/netio"
	"golang.org/x/sys/unix"
)

// socket is what is bound to one address: one descriptor that all workers share, or with reuseport as many as there are
// workers. When workers leave, their descriptors stay open, so that no connection is lost that waits on them, or is about
// to: others watch them, and the kernel is told to put new connections on the first ones only.
type socket struct {
	key     string
	addr    netio.Addr
	fds     []int
	watched int // of them; the rest is for a generation that has not been applied yet
	steered int // how many of them get new connections; 0: all
}

// key tells sockets apart: a reload keeps those whose key stays.
func (l *Listener) key() string {
	key := l.Addr.String()
	if l.Options.ReusePort {
		key += " reuseport"
	}
	if l.Handoff() {
		key += " handoff"
	}
	return key
}

// openSocket opens what l listens on; beside tells that another socket has the address at this moment.
func openSocket(l *Listener, workers int, beside bool) (*socket, error) {
	sock := &socket{key: l.key(), addr: l.Addr}
	options := l.Options
	options.ReusePort = options.ReusePort || beside
	if err := removeStale(l.Addr); err != nil {
		return nil, err
	}
	if err := sock.bind(&options); err != nil {
		return nil, err
	}
	if err := sock.grow(l, workers); err != nil {
		sock.close()
		return nil, err
	}
	if l.Addr.IsUnix() && l.Addr.Path[0] != '@' {
		if err := os.Chmod(l.Addr.Path, 0o666); err != nil {
			sock.close()
			return nil, err
		}
	}
	return sock, nil
}

func (s *socket) bind(options *netio.ListenOptions) error {
	fd, err := netio.Listen(s.addr, options)
	if err != nil {
		return &bindError{s.addr, err}
	}
	s.fds = append(s.fds, fd)
	return nil
}

// grow opens a descriptor for each of so many workers, with reuseport. Nothing comes in on it before refresh.
func (s *socket) grow(l *Listener, workers int) error {
	if !l.Options.ReusePort {
		return nil
	}
	if len(s.fds) < workers && s.watched > 0 && s.steered == 0 {
		s.steer(s.watched)
	}
	for len(s.fds) < workers {
		if err := s.bind(&l.Options); err != nil {
			return err
		}
	}
	return nil
}

// ungrow closes the descriptors that nobody watches.
func (s *socket) ungrow() {
	closeAll(s.fds[s.watched:])
	s.fds = s.fds[:s.watched]
}

func (s *socket) steer(n int) {
	netio.Steer(s.fds[0], n) // if it fails, the load is uneven
	s.steered = n
}

// allowOthers lets more sockets be bound to the address.
func (s *socket) allowOthers() {
	for _, fd := range s.fds {
		unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEPORT, 1) // if it fails, bind tells of it
	}
}

// bindError reads `bind() to 127.0.0.1:80 failed (98: Address already in use)`.
type bindError struct {
	addr netio.Addr
	err  error
}

func (e *bindError) Error() string {
	return string(logs.AppendErrno([]byte("bind() to "+e.addr.String()+" failed"), e.err))
}

func (e *bindError) Unwrap() error { return e.err }

// removeStale removes the file of a unix socket that nobody listens on any more, as a process leaves it that was
// killed.
func removeStale(addr netio.Addr) error {
	if !addr.IsUnix() || addr.Path[0] == '@' {
		return nil
	}
	stat, err := os.Lstat(addr.Path)
	if err != nil || stat.Mode()&os.ModeSocket == 0 {
		return nil
	}
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return os.NewSyscallError("socket", err)
	}
	defer unix.Close(fd)
	if unix.Connect(fd, &unix.SockaddrUnix{Name: addr.Path}) == unix.ECONNREFUSED {
		return os.Remove(addr.Path)
	}
	return nil
}

// of is the descriptors that one of so many workers watches.
func (s *socket) of(worker, workers int) []int {
	if len(s.fds) < workers {
		return s.fds
	}
	var own []int
	for i := worker; i < len(s.fds); i += workers {
		own = append(own, s.fds[i])
	}
	return own
}

// refresh applies what may change while the socket listens, and to how many workers.
func (s *socket) refresh(l *Listener, workers int) {
	for _, fd := range s.fds {
		l.Options.Apply(fd, l.Addr)
		netio.Backlog(fd, l.Options.Backlog)
	}
	s.watched = len(s.fds)
	switch {
	case len(s.fds) > workers:
		s.steer(workers)
	case s.steered > 0:
		s.steer(0)
	}
}

func closeAll(fds []int) {
	for _, fd := range fds {
		unix.Close(fd)
	}
}

func (s *socket) close() {
	closeAll(s.fds)
	if s.addr.IsUnix() && s.addr.Path[0] != '@' {
		os.Remove(s.addr.Path)
	}
}
