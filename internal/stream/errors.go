package stream

import (
	"errors"
	"os"
	"slices"
	"syscall"

	"github.com/weirproxy/weir/internal/logs"
	"github.com/weirproxy/weir/internal/netio"
)

// ErrFull says that a worker has as many connections as it may have.
var ErrFull = errors.New("worker_connections are not enough")

// isShortage tells that the system has no descriptors or memory left: it may have some later.
func isShortage(err error) bool {
	return isOneOf(err, syscall.EMFILE, syscall.ENFILE, syscall.ENOBUFS, syscall.ENOMEM)
}

// isOneOf tells whether a failed system call had one of these errors.
func isOneOf(err error, errnos ...syscall.Errno) bool {
	var errno syscall.Errno
	return errors.As(err, &errno) && slices.Contains(errnos, errno)
}

// Describe words a failed system call as nginx's logs do: "connect() failed (111: Connection refused)".
func Describe(err error) string {
	var call *os.SyscallError
	if !errors.As(err, &call) {
		return err.Error()
	}
	return logs.ErrnoText(call.Syscall+"() failed", err)
}

// DescribeDial words why a connection could not begin (ngx_event_connect_peer): "connect() to NAME failed (…)"; or what
// failed before it, such as "bind(FROM) failed (…)", which local tells.
func DescribeDial(err error, name string, from netio.Addr) (text string, local bool) {
	var call *os.SyscallError
	switch {
	case !errors.As(err, &call) || call.Syscall == "connect":
		return logs.ErrnoText("connect() to "+name+" failed", err), false
	case call.Syscall == "bind":
		return logs.ErrnoText("bind("+bare(from)+") failed", err), true
	}
	return Describe(err), true
}

// bare is an address as proxy_bind has it: without a port if it names none.
func bare(a netio.Addr) string {
	if a.AddrPort.Port() == 0 {
		return a.AddrPort.Addr().String()
	}
	return a.String()
}

// LogIOError writes a line about an error of a client's or peer's connection: those that a peer causes are of level
// info (ngx_connection_error with NGX_ERROR_INFO). side is "", or names whose connection it is.
func (s *Session) LogIOError(err error, side string) {
	level := logs.Error
	if isOneOf(err, syscall.ECONNRESET, syscall.EPIPE, syscall.ENOTCONN, syscall.ETIMEDOUT, syscall.ECONNREFUSED,
		syscall.ENETDOWN, syscall.ENETUNREACH, syscall.EHOSTDOWN, syscall.EHOSTUNREACH) {
		level = logs.Info
	}
	s.Log(level, Describe(err)+side)
}

// IsPeersFault tells errors that a peer or the network cause from those of this machine (ngx_event_connect_peer).
func IsPeersFault(err error) bool {
	return isOneOf(err, syscall.ECONNREFUSED, syscall.EAGAIN, syscall.ECONNRESET, syscall.ENETDOWN, syscall.ENETUNREACH,
		syscall.EHOSTDOWN, syscall.EHOSTUNREACH)
}
