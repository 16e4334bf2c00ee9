package conf

import (
	"errors"
	"fmt"
	"os"
	"strconv"

	"github.com/weirproxy/weir/internal/logs"
)

// CommandLine is the File of what was given with -g. Its positions have no line.
const CommandLine = "command line"

// Pos is a place in a configuration file. The zero value is no place.
type Pos struct {
	File string // path, as it was opened
	Line int    // from 1; 0 on the command line
}

// String gives "file:line", or what there is of it.
func (p Pos) String() string {
	if p.Line == 0 {
		return p.File
	}
	return p.File + ":" + strconv.Itoa(p.Line)
}

// Error is a mistake in the configuration, told as nginx tells it (ngx_conf_log_error).
type Error struct {
	Pos Pos
	Msg string
	Err error // the cause, when there is one besides Msg
}

// Error gives `Msg in file:line`, or Msg alone without a position.
func (e *Error) Error() string {
	if e.Pos == (Pos{}) {
		return e.Msg
	}
	return e.Msg + " in " + e.Pos.String()
}

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Err }

func errorAt(pos Pos, format string, args ...any) *Error {
	return &Error{Pos: pos, Msg: fmt.Sprintf(format, args...)}
}

// fileError tells a failed system call on a file in nginx's words: `open() "x" failed (2: No such file or directory)`.
func fileError(pos Pos, path string, err error) *Error {
	call := "open"
	if pathErr, ok := errors.AsType[*os.PathError](err); ok && pathErr.Op != "open" {
		call = "pread" // which nginx reads with
	}
	return &Error{Pos: pos, Msg: logs.ErrnoText(fmt.Sprintf(`%s() "%s" failed`, call, path), err), Err: err}
}
