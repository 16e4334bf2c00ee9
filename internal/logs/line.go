package logs

import (
	"errors"
	"os"
	"strconv"
	"sync/atomic"
	"syscall"
	"time"
)

// maxLine is the length in bytes at which an error log line is cut, its line feed included. nginx has 2048
// (ngx_log.h: NGX_MAX_ERROR_STR); OpenResty, whose users log tracebacks, patches it to 4096, and so do we.
const maxLine = 4096

var pid = os.Getpid()

// stamp is one second's time as the two kinds of log write it.
type stamp struct {
	second int64
	error  [len("2026/11/21 23:40:10")]byte
	syslog [len("Nov 21 23:40:10")]byte
}

// lastStamp spares formatting the time for each line. It is replaced, never changed.
var lastStamp atomic.Pointer[stamp]

func stampOf(now time.Time) *stamp {
	s := lastStamp.Load()
	if s != nil && s.second == now.Unix() {
		return s
	}
	local := now.Local()
	s = &stamp{second: now.Unix()}
	local.AppendFormat(s.error[:0], "2006/01/02 15:04:05")
	local.AppendFormat(s.syslog[:0], time.Stamp)
	lastStamp.Store(s)
	return s
}

// appendPrefix appends what stands before the message of an error log line, `2026/11/21 23:40:10 [error] PID#TID: *CID `,
// to dst and returns it. TID is the calling thread. Without a connection (cid 0) there is no `*CID `. It does not
// allocate when dst has 64 bytes of room.
func appendPrefix(dst []byte, now time.Time, level Level, cid uint64) []byte {
	dst = append(dst, stampOf(now).error[:]...)
	dst = append(dst, " ["...)
	dst = append(dst, level.String()...)
	dst = append(dst, "] "...)
	dst = strconv.AppendInt(dst, int64(pid), 10)
	dst = append(dst, '#')
	dst = strconv.AppendInt(dst, int64(syscall.Gettid()), 10)
	dst = append(dst, ": "...)
	if cid == 0 {
		return dst
	}
	dst = append(dst, '*')
	dst = strconv.AppendUint(dst, cid, 10)
	return append(dst, ' ')
}

// appendErrno appends ` (13: Permission denied)` as nginx does when err is or wraps a syscall.Errno, else nothing.
func appendErrno(dst []byte, err error) []byte {
	var errno syscall.Errno
	if !errors.As(err, &errno) {
		return dst
	}
	dst = append(dst, " ("...)
	dst = strconv.AppendInt(dst, int64(errno), 10)
	dst = append(dst, ": "...)
	dst = append(dst, Strerror(errno)...)
	return append(dst, ')')
}

// Strerror returns the C library's text for errno. Go has the same texts with a small first letter.
func Strerror(errno syscall.Errno) string {
	text := errno.Error()
	if text == "" || text[0] < 'a' || text[0] > 'z' {
		return text
	}
	return string(text[0]-('a'-'A')) + text[1:]
}

// ErrnoText is message with err's number and text behind it, `open() "x" failed (13: Permission denied)`, as nginx writes
// them, where err is or wraps a syscall.Errno.
func ErrnoText(message string, err error) string {
	return string(appendErrno([]byte(message), err))
}
