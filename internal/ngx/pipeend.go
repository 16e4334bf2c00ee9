package ngx

import (
	"bytes"
	"errors"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/weirproxy/weir/internal/logs"
	"github.com/weirproxy/weir/internal/loop"
	"github.com/weirproxy/weir/internal/luajit"
)

// pipeEnd is our end of one of a child's standard streams. At most one light thread reads or writes it at a time.
type pipeEnd struct {
	child      *child
	fd         int // -1: closed
	bufferSize int
	timeout    int64 // milliseconds, 0 for none
	co         *coroutine

	received []byte // and not taken yet
	kind     readKind
	want     int // bytes
	sending  []byte
	total    int
}

// readKind is how much a read returns (ngx_http_lua_pipe.c: PIPE_READ_*).
type readKind int

const (
	readAll readKind = iota
	readBytes
	readLine
	readAny
)

// readPipe(child, from stderr, kind, length) is proc:stdout_read_* and proc:stderr_read_*.
func readPipe(m *machine, c *luajit.Call) luajit.Outcome {
	ch := childOf(m, c)
	end := ch.streams[stdout]
	if c.Bool(2) {
		end = ch.streams[stderr]
	}
	switch {
	case end == nil:
		return failure(c, "merged to stdout")
	case end.co != nil:
		return failure(c, "pipe busy reading")
	case end.fd < 0:
		return failure(c, "closed")
	}
	end.kind, end.want = readKind(c.Int(3)), c.Int(4)
	if push := end.read(); push != nil {
		push(&c.Values)
		return luajit.Return
	}
	return end.wait(m.running(c))
}

// writePipe(child, bytes) is proc:write.
func writePipe(m *machine, c *luajit.Call) luajit.Outcome {
	end := childOf(m, c).streams[stdin]
	switch {
	case end.co != nil:
		return failure(c, "pipe busy writing")
	case end.fd < 0:
		return failure(c, "closed")
	}
	end.sending = c.Bytes(2)
	end.total = len(end.sending)
	if push := end.write(); push != nil {
		push(&c.Values)
		return luajit.Return
	}
	end.sending = bytes.Clone(end.sending)
	return end.wait(m.running(c))
}

// wait parks co until the pipe is ready.
func (end *pipeEnd) wait(co *coroutine) luajit.Outcome {
	end.co = co
	if end.timeout > 0 {
		co.after(end.timeout, func(*coroutine) { end.abort("timeout") })
	}
	return co.park(end)
}

// cancel implements waiter.
func (end *pipeEnd) cancel(*coroutine) { end.co, end.sending = nil, nil }

// Ready implements loop.Handler.
func (end *pipeEnd) Ready(loop.Events) {
	if end.co == nil {
		return
	}
	step := end.read
	if end == end.child.streams[stdin] {
		step = end.write
	}
	if push := step(); push != nil {
		end.resume(push)
	}
}

func (end *pipeEnd) resume(push func(v *luajit.Values)) {
	co := end.co
	end.co = nil
	co.resume(push)
	if end.child.reaped && end.co == nil {
		end.close()
	}
}

// abort ends the waiting call with an error, and with what it has read.
func (end *pipeEnd) abort(message string) {
	if end == end.child.streams[stdin] {
		end.sending = nil
		end.resume(pushFailure(message))
		return
	}
	end.resume(pushPartial(message, end.take(len(end.received))))
}

// close closes the stream; who waits for it is told "aborted".
func (end *pipeEnd) close() {
	if end.fd < 0 {
		return
	}
	end.child.m.worker.Loop.Forget(end.fd)
	unix.Close(end.fd)
	end.fd = -1
	if end.co != nil && !end.child.gone {
		end.abort("aborted")
	}
}

// read goes on with the read that is under way: it answers what the call returns, nil when it must wait.
func (end *pipeEnd) read() (push func(v *luajit.Values)) {
	for {
		if n, skip := end.enough(); n >= 0 {
			text := end.take(n)
			end.take(skip)
			return pushText(text)
		}
		n, err := end.fill()
		switch {
		case err == syscall.EAGAIN:
			return nil
		case err != nil:
			return pushPartial(describe(err), end.take(len(end.received)))
		case n > 0:
			continue
		}
		if end.kind == readAll {
			return pushText(end.take(len(end.received)))
		}
		return pushPartial("closed", end.take(len(end.received)))
	}
}

// enough tells how many of the received bytes the read returns, and how many behind them go; n is -1 for not yet.
func (end *pipeEnd) enough() (n, skip int) {
	switch end.kind {
	case readBytes:
		if len(end.received) >= end.want {
			return end.want, 0
		}
	case readAny:
		if len(end.received) > 0 {
			return min(end.want, len(end.received)), 0
		}
	case readLine:
		if i := bytes.IndexByte(end.received, '\n'); i >= 0 {
			return i, 1
		}
	}
	return -1, 0
}

// fill reads once.
func (end *pipeEnd) fill() (int, error) {
	used := len(end.received)
	end.received = append(end.received, make([]byte, end.bufferSize)...)
	n, err := syscall.Read(end.fd, end.received[used:])
	end.received = end.received[:used+max(n, 0)]
	if err == syscall.EINTR {
		return end.fill()
	}
	return n, err
}

// take removes n received bytes and returns them; of a line, without its carriage returns.
func (end *pipeEnd) take(n int) []byte {
	text := end.received[:n:n]
	end.received = end.received[n:]
	if end.kind == readLine && bytes.IndexByte(text, '\r') >= 0 {
		text = bytes.ReplaceAll(text, []byte{'\r'}, nil)
	}
	return text
}

// write goes on with the write that is under way.
func (end *pipeEnd) write() (push func(v *luajit.Values)) {
	for len(end.sending) > 0 {
		n, err := syscall.Write(end.fd, end.sending)
		switch {
		case err == syscall.EAGAIN:
			return nil
		case err == syscall.EINTR:
			continue
		case err == syscall.EPIPE:
			return pushFailure("closed")
		case err != nil:
			return pushFailure(describe(err))
		}
		end.sending = end.sending[n:]
	}
	total := end.total
	end.sending = nil
	return func(v *luajit.Values) { v.PushInt(total) }
}

// shutdownPipe(child, direction) is proc:shutdown.
func shutdownPipe(m *machine, c *luajit.Call) luajit.Outcome {
	ch := childOf(m, c)
	if ch.reaped {
		return failure(c, "closed")
	}
	end := ch.streams[c.Int(2)]
	if end == nil {
		return failure(c, "merged to stdout")
	}
	end.close()
	return succeeded(c)
}

// errnoIn is the error number in err.
func errnoIn(err error) (syscall.Errno, bool) {
	var errno syscall.Errno
	ok := errors.As(err, &errno)
	return errno, ok
}

// describe is the C library's text of an error.
func describe(err error) string {
	if errno, ok := errnoIn(err); ok {
		return logs.Strerror(errno)
	}
	return err.Error()
}
