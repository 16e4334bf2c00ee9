package netio

import (
	"io"
	"slices"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// ahead is what Read returns before it asks the kernel.
type ahead struct {
	bytes   []byte
	err     error // after them; io.EOF: the end
	drained bool  // and the kernel has no more, or an event will tell of it
}

// Unread puts bytes before what the kernel holds: Read and Peek return them first. They are copied. That is for bytes
// that were read of this stream before the Conn had it, such as those that come with a connection handed over.
func (c *Conn) Unread(p []byte) {
	if len(p) == 0 {
		return
	}
	a := ahead{bytes: slices.Clone(p)}
	if old := c.before; old != nil {
		a = ahead{bytes: append(a.bytes, old.bytes...), err: old.err}
	}
	c.before = &a
	c.state |= readable
}

// HasBefore tells that Read has something to return before it asks the kernel: bytes, or an error.
func (c *Conn) HasBefore() bool { return c.before != nil }

// Before is what comes before the kernel's bytes. It is valid until the next Read or the end of the event.
func (c *Conn) Before() []byte {
	if c.before == nil {
		return nil
	}
	return c.before.bytes
}

// HasInput tells whether there are bytes to Read. It asks the kernel, so it knows of them before an event tells.
func (c *Conn) HasInput() bool {
	if len(c.Before()) > 0 {
		return true
	}
	var n int32
	_, _, errno := syscall.RawSyscall(syscall.SYS_IOCTL, uintptr(c.fd), unix.TIOCINQ, uintptr(unsafe.Pointer(&n)))
	return errno == 0 && n > 0
}

// readBefore is Read while there is something before the kernel's bytes. What fits is filled up from the kernel, unless
// that had no more, so that a short read means the same as ever: drained.
func (c *Conn) readBefore(p []byte) (int, error) {
	a := c.before
	n := copy(p, a.bytes)
	a.bytes = a.bytes[n:]
	switch {
	case len(a.bytes) > 0:
		return n, nil
	case a.err != nil && n > 0:
		return n, nil // the next call tells of the error
	}
	c.before = nil
	switch {
	case a.err != nil:
		if a.err == io.EOF {
			c.state |= eof
		}
		return 0, a.err
	case a.drained:
		c.sawDrained()
		return n, nil
	case n == len(p) || !c.Readable():
		return n, nil
	}
	m, err := c.Read(p[n:])
	c.state &^= brief
	if err != nil && err != ErrAgain {
		c.keepError(err)
	}
	return n + m, nil
}

// keepError has the next Read tell of an error: the kernel tells of a reset once.
func (c *Conn) keepError(err error) {
	c.state &^= eof
	c.before = &ahead{err: err}
}

// peekBefore is Peek while there is something before the kernel's bytes.
func (c *Conn) peekBefore(p []byte) (int, error) {
	a := c.before
	n := copy(p, a.bytes)
	switch {
	case n == len(p):
		return n, nil
	case a.err != nil && n > 0:
		return n, nil
	case a.err != nil:
		return 0, a.err
	}
	m, err := c.recv(p[n:], unix.MSG_PEEK)
	if err == ErrAgain {
		c.state |= readable
	}
	return n + m, nil
}
