package netio

import (
	"os"
	"syscall"
	"unsafe"

	"github.com/weirproxy/weir/internal/loop"
	"golang.org/x/sys/unix"
)

// DialOptions say how an outgoing connection is made. The zero value is a plain one.
type DialOptions struct {
	Local       Addr // bound to first, when Bind is set; port 0 lets connect choose one
	Bind        bool
	Transparent bool // Local may be foreign (IP_TRANSPARENT)
	KeepAlive   bool
	NoDelay     bool // TCP_NODELAY, see nodelay.go
	SendBuffer  int  // bytes; 0: the system's
	RecvBuffer  int
}

// Dial begins to connect c to addr and watches it. While Connecting, the owner is told when it is done: then
// FinishConnect says how it went. A returned error means that the connection could not even begin, and c is closed.
func (c *Conn) Dial(l *loop.Loop, addr *Addr, opts *DialOptions, owner Owner) error {
	fd, err := socket(family(addr), unix.SOCK_STREAM)
	if err != nil {
		return err
	}
	if err := opts.apply(fd, addr); err != nil {
		closeFd(fd)
		return err
	}
	var sa unix.RawSockaddrAny
	size := raw(addr, &sa)
	_, _, errno := syscall.RawSyscall(syscall.SYS_CONNECT, uintptr(fd), uintptr(unsafe.Pointer(&sa)), uintptr(size))
	if errno != 0 && errno != unix.EINPROGRESS {
		closeFd(fd)
		return os.NewSyscallError("connect", errno)
	}
	if err := c.Attach(l, fd, owner); err != nil {
		closeFd(fd)
		return err
	}
	if errno != 0 {
		c.state = open | connecting
	}
	if opts.NoDelay && !addr.IsUnix() {
		c.state |= delays
	}
	return nil
}

func socket(family, kind int) (int, error) {
	fd, _, errno := syscall.RawSyscall(syscall.SYS_SOCKET, uintptr(family),
		uintptr(kind|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC), 0)
	if errno != 0 {
		return -1, os.NewSyscallError("socket", errno)
	}
	return int(fd), nil
}

func (o *DialOptions) apply(fd int, addr *Addr) error {
	if addr.IsUnix() {
		return nil
	}
	err := setOptions(fd, []option{
		{o.KeepAlive, unix.SOL_SOCKET, unix.SO_KEEPALIVE, 1},
		{o.SendBuffer > 0, unix.SOL_SOCKET, unix.SO_SNDBUF, o.SendBuffer},
		{o.RecvBuffer > 0, unix.SOL_SOCKET, unix.SO_RCVBUF, o.RecvBuffer},
		{o.Transparent, unix.SOL_IP, unix.IP_TRANSPARENT, 1},
		{o.Bind && o.Local.AddrPort.Port() == 0, unix.SOL_IP, unix.IP_BIND_ADDRESS_NO_PORT, 1},
	})
	if err == nil && o.Bind {
		err = bind(fd, &o.Local)
	}
	return err
}

func bind(fd int, addr *Addr) error {
	var sa unix.RawSockaddrAny
	size := raw(addr, &sa)
	_, _, errno := syscall.RawSyscall(syscall.SYS_BIND, uintptr(fd), uintptr(unsafe.Pointer(&sa)), uintptr(size))
	if errno != 0 {
		return os.NewSyscallError("bind", errno)
	}
	return nil
}

// Connecting tells that connect has not finished.
func (c *Conn) Connecting() bool { return c.state&connecting != 0 }

// FinishConnect tells whether connect has succeeded: ErrAgain while it has not finished.
func (c *Conn) FinishConnect() error {
	if c.state&failed != 0 {
		errno, err := unix.GetsockoptInt(int(c.fd), unix.SOL_SOCKET, unix.SO_ERROR)
		if err == nil && errno != 0 {
			err = syscall.Errno(errno)
		}
		if err != nil {
			return os.NewSyscallError("connect", err)
		}
	}
	if c.state&writable == 0 {
		return ErrAgain
	}
	c.state &^= connecting
	return nil
}
