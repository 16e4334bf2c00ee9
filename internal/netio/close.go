package netio

import (
	"syscall"

	"golang.org/x/sys/unix"
)

// Close closes the descriptor. Nothing happens when it is closed already.
func (c *Conn) Close() {
	if !c.IsOpen() {
		return
	}
	c.Settle()
	if c.unsent != nil && c.unsent.err == nil {
		c.closeBehind()
		c.state, c.before, c.unsent = 0, nil, nil
		return
	}
	if c.state&shared != 0 {
		c.Unwatch() // the kernel only forgets a descriptor whose last copy is closed
		c.shutdown(unix.SHUT_RDWR)
	}
	c.loop.Forget(int(c.fd))
	c.state, c.before, c.unsent = 0, nil, nil
	closeFd(int(c.fd))
}

// Reset closes the descriptor so that the peer sees a reset: nothing unsent is sent any more.
func (c *Conn) Reset() {
	if c.IsOpen() {
		c.dropLate()
		unix.SetsockoptLinger(int(c.fd), unix.SOL_SOCKET, unix.SO_LINGER, &unix.Linger{Onoff: 1})
		c.Close()
	}
}

// Share says that another process may have a copy of the descriptor and keep it: Close then ends the connection all
// the same.
func (c *Conn) Share() { c.state |= shared }

// Shared tells that Share was called. The other process may have made the descriptor a blocking one.
func (c *Conn) Shared() bool { return c.state&shared != 0 }

// LetGo closes this process's copy of a descriptor that another process has: the connection stays open there.
func (c *Conn) LetGo() {
	if c.IsOpen() {
		closeFd(c.Detach())
	}
}

// Detach gives the descriptor away: it is watched no more, stays open, and is the caller's. The Conn is closed. What is
// Unsent after Settle is lost.
func (c *Conn) Detach() int {
	fd := c.Fd()
	c.Unwatch()
	c.state, c.before, c.unsent = 0, nil, nil
	return fd
}

// closeFd is unix.Close without the Go scheduler: what is closed on a loop does not wait.
func closeFd(fd int) { syscall.RawSyscall(syscall.SYS_CLOSE, uintptr(fd), 0, 0) }
