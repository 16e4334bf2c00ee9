package netio

import (
	"slices"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

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
