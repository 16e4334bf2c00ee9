package stream

import (
	"os"

	"github.com/weirproxy/weir/internal/logs"
	"github.com/weirproxy/weir/internal/netio"
	"golang.org/x/sys/unix"
)

// socket is what is bound to one address: one descriptor that all workers share, or one for each with reuseport.
type socket struct {
	key  string
	addr netio.Addr
	fds  []int
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
	n := 1
	if l.Options.ReusePort {
		n = workers
	}
	options := l.Options
	options.ReusePort = options.ReusePort || beside
	if err := removeStale(l.Addr); err != nil {
		return nil, err
	}
	for range n {
		fd, err := netio.Listen(l.Addr, &options)
		if err != nil {
			sock.closeFds()
			return nil, &bindError{l.Addr, err}
		}
		sock.fds = append(sock.fds, fd)
	}
	if l.Addr.IsUnix() && l.Addr.Path[0] != '@' {
		if err := os.Chmod(l.Addr.Path, 0o666); err != nil {
			sock.close()
			return nil, err
		}
	}
	return sock, nil
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

// fd is the descriptor for a worker.
func (s *socket) fd(worker int) int { return s.fds[worker%len(s.fds)] }

// refresh applies what may change while the socket listens.
func (s *socket) refresh(l *Listener) {
	for _, fd := range s.fds {
		l.Options.Apply(fd, l.Addr)
		netio.Backlog(fd, l.Options.Backlog)
	}
}

func (s *socket) closeFds() {
	for _, fd := range s.fds {
		unix.Close(fd)
	}
}

func (s *socket) close() {
	s.closeFds()
	if s.addr.IsUnix() && s.addr.Path[0] != '@' {
		os.Remove(s.addr.Path)
	}
}
