package stream

import (
	"errors"
	"os"
	"syscall"

	"github.com/weirproxy/weir/internal/logs"
)

// Describe words a failed system call as nginx's logs do: "connect() failed (111: Connection refused)".
func Describe(err error) string {
	var call *os.SyscallError
	if !errors.As(err, &call) {
		return err.Error()
	}
	return string(logs.AppendErrno([]byte(call.Syscall+"() failed"), err))
}

// LogIOError writes a line about an error of a client's or peer's connection: those that a peer causes are of level
// info (ngx_connection_error with NGX_ERROR_INFO). side is "", or names whose connection it is.
func (s *Session) LogIOError(err error, side string) {
	level := logs.Error
	for _, errno := range []syscall.Errno{syscall.ECONNRESET, syscall.EPIPE, syscall.ENOTCONN, syscall.ETIMEDOUT,
		syscall.ECONNREFUSED, syscall.ENETDOWN, syscall.ENETUNREACH, syscall.EHOSTDOWN, syscall.EHOSTUNREACH} {
		if errors.Is(err, errno) {
			level = logs.Info
		}
	}
	s.Log(level, Describe(err)+side)
}
