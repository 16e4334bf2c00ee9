package ngx

import (
	"errors"
	"fmt"
	"strconv"
	"syscall"

	"github.com/weirproxy/weir/internal/logs"
	"github.com/weirproxy/weir/internal/luajit"
)

// log writes a line with where the socket is connected to.
func (s *socket) log(level logs.Level, message string) {
	if s.downstream {
		s.req.log(level, message)
		return
	}
	s.logAt(s.link, level, message)
}

// logAt does so for a connection that is not the socket's, or not yet; l may be nil.
func (s *socket) logAt(l *link, level logs.Level, message string) {
	message += ", upstream: " + s.host
	if s.port != 0 {
		message += ":" + strconv.Itoa(int(s.port))
	}
	address := ""
	if l != nil {
		address = l.address()
	}
	s.req.log(level, message+"("+address+")")
}

// complain writes a line unless lua_socket_log_errors is off.
func (s *socket) complain(message string) {
	if s.req.conf().logErrors.V {
		s.log(logs.Error, message)
	}
}

// closedUse answers a call on a socket that is not connected, or not any more. s may be nil.
func closedUse(m *machine, c *luajit.Call, s *socket, attempt string) luajit.Outcome {
	if m.req.conf().logErrors.V {
		eof, conn := 0, uint64(0)
		var number uint64
		if s != nil {
			number = s.number
			if s.eof {
				eof = 1
			}
			if s.conn != nil {
				conn = uint64(s.conn.Fd())
			}
		}
		m.log(logs.Error, fmt.Sprintf("%s on a closed socket: u:%016X, c:%016X, ft:0 eof:%d",
			attempt, number, conn, eof))
	}
	return failure(c, "closed")
}

// reasonOf is the text of a failed system call for Lua, as LuaSocket words it.
func reasonOf(err error) string {
	var errno syscall.Errno
	if errors.As(err, &errno) {
		return errno.Error()
	}
	return "error"
}
