package netio

import (
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// pipeSize is asked for: what one splice can move at most. Unprivileged users may get less.
const pipeSize = 1 << 20

// Pipe carries bytes from one socket to another without copying them.
type Pipe struct{ r, w int32 }

// Open makes the pipe, which the caller closes.
func (p *Pipe) Open() error {
	var fds [2]int
	if err := unix.Pipe2(fds[:], unix.O_NONBLOCK|unix.O_CLOEXEC); err != nil {
		return os.NewSyscallError("pipe2", err)
	}
	p.r, p.w = int32(fds[0]), int32(fds[1])
	unix.FcntlInt(uintptr(p.w), unix.F_SETPIPE_SZ, pipeSize) // a smaller pipe works too
	return nil
}

// Close closes the pipe with whatever is in it.
func (p *Pipe) Close() {
	closeFd(int(p.r))
	closeFd(int(p.w))
}

// SpliceTo moves what there is to read into an empty pipe. When that is nothing, without an error, Read tells why: splice does
// not get past a byte of urgent data, and takes it for the end when the peer has finished. An error is Read's, which does
// not come a second time. Neither end of a splice may be Shared.
func (c *Conn) SpliceTo(p *Pipe) (int, error) {
	n, errno := splice(c.fd, p.w, pipeSize)
	switch errno {
	case 0:
		return n, nil
	case unix.EAGAIN:
		return 0, nil
	}
	return 0, os.NewSyscallError("recv", errno)
}

// SpliceFrom moves at most n bytes, which are in the pipe, to the connection: ErrAgain when it takes none.
func (c *Conn) SpliceFrom(p *Pipe, n int) (int, error) {
	if err := c.first(); err != nil {
		return 0, err
	}
	if c.state&delays != 0 {
		c.beforeSend(n)
	}
	moved, errno := splice(p.r, c.fd, n)
	switch {
	case errno == 0: // a short count may have other reasons than a full socket: only EAGAIN brings an edge
		return moved, nil
	case errno == unix.EAGAIN:
		c.state &^= writable
		return 0, ErrAgain
	}
	return 0, os.NewSyscallError("send", errno)
}

func splice(from, to int32, n int) (int, syscall.Errno) {
	for {
		moved, _, errno := syscall.RawSyscall6(syscall.SYS_SPLICE, uintptr(from), 0, uintptr(to), 0, uintptr(n),
			unix.SPLICE_F_NONBLOCK|unix.SPLICE_F_MOVE)
		if errno != unix.EINTR {
			return int(moved), errno
		}
	}
}
