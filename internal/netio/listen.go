package netio

import (
	"os"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// ListenOptions are the listen directive's socket parameters (ngx_stream_core_module: listen). Sizes are in bytes.
type ListenOptions struct {
	Backlog    int // 0: 511, as nginx
	RecvBuffer int
	SendBuffer int
	ReusePort  bool
	DeferSecs  int  // TCP_DEFER_ACCEPT; 0: off
	FastOpen   int  // TCP_FASTOPEN queue; 0: off
	IPv6Only   bool // of an IPv6 address
	NoDelay    bool // inherited by what is accepted
	KeepAlive  KeepAlive
	Packets    bool // of a unix socket: SOCK_SEQPACKET
}

// KeepAlive is so_keepalive. Zero times are the system's; they are in seconds.
type KeepAlive struct {
	Set, On               bool
	Idle, Interval, Count int
}

// Listen opens a listening stream socket, non-blocking and closed on exec. What accepted sockets inherit is set
// here once. The descriptor is the caller's.
func Listen(addr Addr, o *ListenOptions) (int, error) {
	kind := unix.SOCK_STREAM
	if o.Packets {
		kind = unix.SOCK_SEQPACKET
	}
	fd, err := socket(family(&addr), kind)
	if err != nil {
		return -1, err
	}
	if err := listen(fd, addr, o); err != nil {
		closeFd(fd)
		return -1, err
	}
	return fd, nil
}

func listen(fd int, addr Addr, o *ListenOptions) error {
	if err := setsockopt(fd, unix.SOL_SOCKET, unix.SO_REUSEADDR, 1); err != nil {
		return err
	}
	if family(&addr) == unix.AF_INET6 {
		if err := setsockopt(fd, unix.IPPROTO_IPV6, unix.IPV6_V6ONLY, boolInt(o.IPv6Only)); err != nil {
			return err
		}
	}
	if err := o.Apply(fd, addr); err != nil {
		return err
	}
	if err := bind(fd, &addr); err != nil {
		return err
	}
	return Backlog(fd, o.Backlog)
}

// Backlog calls listen, which may be repeated on a listening socket to change its backlog.
func Backlog(fd, backlog int) error {
	if backlog == 0 {
		backlog = 511 // nginx's NGX_LISTEN_BACKLOG
	}
	return os.NewSyscallError("listen", unix.Listen(fd, backlog))
}

// Apply sets the options that may change while the socket listens (a reload).
func (o *ListenOptions) Apply(fd int, addr Addr) error {
	k := o.KeepAlive
	tcp := !addr.IsUnix()
	return setOptions(fd, []option{
		{o.RecvBuffer > 0, unix.SOL_SOCKET, unix.SO_RCVBUF, o.RecvBuffer},
		{o.SendBuffer > 0, unix.SOL_SOCKET, unix.SO_SNDBUF, o.SendBuffer},
		{tcp, unix.SOL_SOCKET, unix.SO_REUSEPORT, boolInt(o.ReusePort)},
		{tcp, unix.IPPROTO_TCP, unix.TCP_NODELAY, boolInt(o.NoDelay)},
		{tcp && k.Set, unix.SOL_SOCKET, unix.SO_KEEPALIVE, boolInt(k.On)},
		{tcp && k.Idle > 0, unix.IPPROTO_TCP, unix.TCP_KEEPIDLE, k.Idle},
		{tcp && k.Interval > 0, unix.IPPROTO_TCP, unix.TCP_KEEPINTVL, k.Interval},
		{tcp && k.Count > 0, unix.IPPROTO_TCP, unix.TCP_KEEPCNT, k.Count},
		{tcp && o.DeferSecs > 0, unix.IPPROTO_TCP, unix.TCP_DEFER_ACCEPT, o.DeferSecs},
		{tcp && o.FastOpen > 0, unix.IPPROTO_TCP, unix.TCP_FASTOPEN, o.FastOpen},
	})
}

// Accept takes one connection off the queue of a listening socket: ErrAgain when there is none. The descriptor is
// the caller's.
func Accept(listener int) (fd int, from Addr, err error) {
	for {
		var sa unix.RawSockaddrAny
		size := uint32(unsafe.Sizeof(sa))
		n, _, errno := syscall.RawSyscall6(syscall.SYS_ACCEPT4, uintptr(listener), uintptr(unsafe.Pointer(&sa)),
			uintptr(unsafe.Pointer(&size)), unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0, 0)
		switch {
		case errno == 0:
			return int(n), fromRaw(&sa, size), nil
		case errno == unix.EAGAIN:
			return -1, Addr{}, ErrAgain
		case errno != unix.EINTR && errno != unix.ECONNABORTED:
			return -1, Addr{}, os.NewSyscallError("accept4", errno)
		}
	}
}
