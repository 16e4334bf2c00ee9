package stream

import (
	"os"

	"github.com/weirproxy/weir/internal/logs"
	"github.com/weirproxy/weir/internal/netio"
	"golang.org/x/sys/unix"
)

// socket is what is bound to one address. All workers share its descriptors; with reuseport each of the first ones is one
// worker's own. A descriptor is not closed before all are: connections that wait on it would be lost. So when workers leave, or
// reuseport is taken away, there are more than are needed.
type socket struct {
	key  string
	addr netio.Addr
	fds  []int
}

// key tells sockets apart: a reload keeps those whose key stays.
func (l *Listener) key() string {
	if l.Handoff() {
		return l.Addr.String() + " handoff"
	}
	return l.Addr.String()
}

// split tells that each worker has a descriptor of its own.
func (l *Listener) split() bool { return l.Options.ReusePort && !l.Addr.IsUnix() }

// openSocket opens what l listens on.
func openSocket(l *Listener) (*socket, error) {
	sock := &socket{key: l.key(), addr: l.Addr}
	if err := removeStale(l.Addr); err != nil {
		return nil, err
	}
	if err := sock.bind(l); err != nil {
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

func (s *socket) bind(l *Listener) error {
	fd, err := netio.Listen(s.addr, &l.Options)
	if err != nil {
		return &bindError{s.addr, err}
	}
	s.fds = append(s.fds, fd)
	return nil
}

// grow opens a descriptor for each worker that is to have one.
func (s *socket) grow(l *Listener, workers int) error {
	if !l.split() || len(s.fds) >= workers {
		return nil
	}
	if err := s.refresh(l); err != nil { // lets others be bound to the address
		return err
	}
	for len(s.fds) < workers {
		if err := s.bind(l); err != nil {
			return err
		}
	}
	return nil
}

// bindError reads `bind() to 127.0.0.1:80 failed (98: Address already in use)`.
type bindError struct {
	addr netio.Addr
	err  error
}

func (e *bindError) Error() string {
	return logs.ErrnoText("bind() to "+e.addr.String()+" failed", e.err)
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
func (s *socket) of(worker int, l *Listener, workers int) []int {
	if !l.split() {
		return s.fds
	}
	return append([]int{s.fds[worker]}, s.fds[workers:]...)
}

// refresh applies what may change while the socket listens.
func (s *socket) refresh(l *Listener) error {
	for _, fd := range s.fds {
		if err := l.Options.Apply(fd, l.Addr); err != nil {
			return err
		}
		if err := netio.Backlog(fd, l.Options.Backlog); err != nil {
			return err
		}
	}
	return nil
}

func (s *socket) close() {
	for _, fd := range s.fds {
		unix.Close(fd)
	}
	if s.addr.IsUnix() && s.addr.Path[0] != '@' {
		os.Remove(s.addr.Path)
	}
}
