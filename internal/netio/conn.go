// Package netio is endpoints on a loop: stream sockets that never block.
//
// A Conn owns one connected (or connecting) descriptor and belongs to the loop's goroutine. It is registered once,
// edge-triggered in both directions, and remembers what the kernel has said and nobody has used up yet: Readable and
// Writable. Its Owner is told when either may have changed. An I/O method asks the kernel once, and never waits,
// whatever flags another process that has the descriptor has set:
//
//	n, err := c.Read(buf) // ErrAgain: nothing there, the owner will be told; io.EOF: the peer has finished
//
// Beyond a round of the loop it buffers only what was put back (Unread), what an owner has left of an early read
// (early.go), and what was written late and the kernel has not taken (late.go). When to close is for sessions to decide;
// what is unsent then goes on being sent, for a limited time (closer.go).
package netio

import (
	"errors"
	"io"
	"os"
	"syscall"
	"unsafe"

	"github.com/weirproxy/weir/internal/loop"
	"golang.org/x/sys/unix"
)

// ErrAgain says that a call would have to wait; the owner is told when it is worth trying again.
var ErrAgain = errors.New("resource temporarily unavailable")

// Owner is told that a connection may be readable or writable, has connected, or has failed.
type Owner interface {
	ConnReady(c *Conn)
}

// Conn is one stream socket. The zero value is closed; it is meant to be embedded and reused.
type Conn struct {
	loop  *loop.Loop
	owner Owner
	fd    int32
	state connState
	// before is what comes before the kernel's bytes (ahead.go); nil: nothing, as nearly always.
	before *ahead
	unsent *unsent // nil: nothing, as nearly always
}

type connState uint16

const (
	open       connState = 1 << iota
	connecting           // connect has not finished
	readable             // there may be something to read
	writable             // there may be room to write
	readHup              // the peer has finished sending: after a short read there is still the end to be read
	failed               // EPOLLERR or EPOLLHUP was seen
	eof                  // the end was read
	sentFin              // CloseWrite was called
	unwatched            // Unwatch was called
	shared               // Share was called
	late                 // WriteLate has put something off
	eager                // SetEager was called
	brief                // the last Read was of few bytes
	delays               // TCP_NODELAY is wanted and not set yet
	spoken               // while delays: something was sent
)

// Attach takes over fd, a non-blocking socket, and watches it. The descriptor is the Conn's from now on, unless an
// error is returned.
func (c *Conn) Attach(l *loop.Loop, fd int, owner Owner) error {
	*c = Conn{loop: l, owner: owner, fd: int32(fd), state: open | writable}
	err := l.Add(fd, c, watched)
	if err != nil {
		c.state = 0
	}
	return err
}

// ExpectInput has Readable say yes before an event has told so: who connects often sends at once, and an accepted
// connection's first bytes are there by the time that somebody asks.
func (c *Conn) ExpectInput() { c.state |= readable }

const watched = loop.In | loop.Out | loop.ReadHup | loop.Edge

// Unwatch has the owner be told nothing, until Watch.
func (c *Conn) Unwatch() {
	if c.state&unwatched == 0 {
		c.state |= unwatched
		c.loop.Remove(int(c.fd))
	}
}

// Watch undoes Unwatch: what has happened in between is told. After an error the owner is still told nothing.
func (c *Conn) Watch() error {
	if c.state&unwatched == 0 {
		return nil
	}
	err := c.loop.Add(int(c.fd), c, watched)
	if err == nil {
		c.state &^= unwatched
	}
	return err
}

// SetOwner changes who is told of events.
func (c *Conn) SetOwner(owner Owner) { c.owner = owner }

// Ready implements loop.Handler.
func (c *Conn) Ready(ev loop.Events) {
	if ev&(loop.In|loop.ReadHup|loop.Hup|loop.Err) != 0 {
		c.state |= readable
	}
	if ev&(loop.Out|loop.Hup|loop.Err) != 0 {
		c.state |= writable
		if c.unsent != nil {
			c.push()
		}
	}
	if ev&loop.ReadHup != 0 {
		c.state |= readHup
	}
	if ev&(loop.Hup|loop.Err) != 0 {
		c.state |= failed
	}
	c.owner.ConnReady(c)
}

// IsOpen tells whether there is a descriptor.
func (c *Conn) IsOpen() bool { return c.state&open != 0 }

// Readable tells that Read may return something other than ErrAgain.
func (c *Conn) Readable() bool { return c.state&readable != 0 }

// Writable tells that Write may return something other than ErrAgain.
func (c *Conn) Writable() bool { return c.state&writable != 0 }

// PeerFinished tells that the kernel has reported the end of the peer's stream, or an error; unread bytes may still
// be there before it.
func (c *Conn) PeerFinished() bool { return c.state&(readHup|failed|eof) != 0 }

// EOF tells that the end of the peer's stream has been read.
func (c *Conn) EOF() bool { return c.state&eof != 0 }

// Fd is the descriptor, which stays the Conn's; -1 when closed.
//
// What was put off is written, as whoever has the descriptor may write to it.
func (c *Conn) Fd() int {
	if !c.IsOpen() {
		return -1
	}
	c.Settle()
	if c.state&delays != 0 {
		c.setNoDelay()
	}
	return int(c.fd)
}

// Read reads at most len(p) bytes: io.EOF at the end, ErrAgain when nothing is there.
func (c *Conn) Read(p []byte) (int, error) {
	if c.before != nil {
		return c.readBefore(p)
	}
	n, err := c.recv(p, 0)
	if err != nil {
		return 0, err
	}
	if n < earlyMost {
		c.state |= brief
	} else {
		c.state &^= brief
	}
	if n < len(p) {
		c.sawDrained()
	}
	return n, nil
}

// sawDrained is called after a short read: the next edge tells of more. The end and an error are still to be read.
func (c *Conn) sawDrained() {
	if c.state&(readHup|failed) == 0 {
		c.state &^= readable
	}
}

// Peek is Read that leaves the bytes where they are, in the kernel. More than once it returns the same bytes, and more
// when more have come. While no event has told of any, the kernel is not asked.
func (c *Conn) Peek(p []byte) (int, error) {
	if c.before != nil {
		return c.peekBefore(p)
	}
	if !c.Readable() {
		return 0, ErrAgain
	}
	return c.recv(p, unix.MSG_PEEK)
}

func (c *Conn) recv(p []byte, flags uintptr) (int, error) {
	for {
		n, _, errno := syscall.RawSyscall6(syscall.SYS_RECVFROM, uintptr(c.fd), uintptr(unsafe.Pointer(unsafe.SliceData(p))),
			uintptr(len(p)), flags|unix.MSG_DONTWAIT, 0, 0)
		switch {
		case errno == 0 && n == 0 && len(p) > 0:
			c.state |= eof
			return 0, io.EOF
		case errno == 0:
			return int(n), nil
		case errno == unix.EAGAIN:
			c.state &^= readable
			return 0, ErrAgain
		case errno != unix.EINTR:
			return 0, os.NewSyscallError("recv", errno)
		}
	}
}

// Write writes what the kernel takes of p. A short count comes with no error: the rest has to wait for the owner to
// be told.
func (c *Conn) Write(p []byte) (int, error) {
	if err := c.first(); err != nil {
		return 0, err
	}
	return c.send(p)
}

func (c *Conn) send(p []byte) (int, error) {
	if c.state&delays != 0 {
		c.beforeSend(len(p))
	}
	for {
		n, _, errno := syscall.RawSyscall6(syscall.SYS_SENDTO, uintptr(c.fd), uintptr(unsafe.Pointer(unsafe.SliceData(p))),
			uintptr(len(p)), unix.MSG_NOSIGNAL|unix.MSG_DONTWAIT, 0, 0)
		switch {
		case errno == 0:
			if int(n) < len(p) {
				c.state &^= writable
			}
			return int(n), nil
		case errno == unix.EAGAIN:
			c.state &^= writable
			return 0, ErrAgain
		case errno != unix.EINTR:
			return 0, os.NewSyscallError("send", errno)
		}
	}
}

// CloseWrite tells the peer that nothing more will be sent; reading goes on.
func (c *Conn) CloseWrite() error {
	if c.state&sentFin != 0 {
		return nil
	}
	c.Settle()
	c.state |= sentFin
	if c.unsent != nil && c.unsent.err == nil {
		c.unsent.fin = true
		return nil
	}
	return c.shutdown(unix.SHUT_WR)
}

// WriteClosed tells whether CloseWrite was called.
func (c *Conn) WriteClosed() bool { return c.state&sentFin != 0 }

func (c *Conn) shutdown(how int) error {
	_, _, errno := syscall.RawSyscall(syscall.SYS_SHUTDOWN, uintptr(c.fd), uintptr(how), 0)
	if errno != 0 {
		return os.NewSyscallError("shutdown", errno)
	}
	return nil
}
