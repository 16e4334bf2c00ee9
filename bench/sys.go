package main

import (
	"net/netip"
	"unsafe"

	"golang.org/x/sys/unix"
)

// The hot calls go around the scheduler: this process has one goroutine, and no
// call but epoll_wait blocks. Each returns what the kernel says, EAGAIN included.

func epollWait(ep int, events []unix.EpollEvent, millis int) (int, error) {
	return raw6(unix.SYS_EPOLL_PWAIT, ep, unsafe.Pointer(&events[0]), len(events), millis)
}

func recv(fd int, b []byte, flags int) (int, error) {
	return raw6(unix.SYS_RECVFROM, fd, unsafe.Pointer(&b[0]), len(b), flags)
}

func send(fd int, b []byte) (int, error) {
	return raw6(unix.SYS_SENDTO, fd, unsafe.Pointer(&b[0]), len(b), unix.MSG_NOSIGNAL)
}

func raw6(call uintptr, fd int, p unsafe.Pointer, n, flags int) (int, error) {
	r, _, errno := unix.RawSyscall6(call, uintptr(fd), uintptr(p), uintptr(n), uintptr(flags), 0, 0)
	if errno != 0 {
		return -1, errno
	}
	return int(r), nil
}

// listen opens a non-blocking listening socket.
func listen(addr netip.AddrPort) (int, error) {
	fd, err := socket()
	if err != nil {
		return -1, err
	}
	unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEADDR, 1)
	unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1)
	if err = unix.Bind(fd, sockaddr(addr)); err == nil {
		err = unix.Listen(fd, 4096)
	}
	if err != nil {
		unix.Close(fd)
		return -1, err
	}
	return fd, nil
}

// dial starts to connect. On loopback the handshake is over when connect
// returns, so the first send need not wait for an event.
func dial(addr netip.AddrPort) (int, error) {
	fd, err := socket()
	if err != nil {
		return -1, err
	}
	unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1)
	err = unix.Connect(fd, sockaddr(addr))
	if err != nil && err != unix.EINPROGRESS {
		unix.Close(fd)
		return -1, err
	}
	return fd, nil
}

func socket() (int, error) {
	return unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
}

func sockaddr(addr netip.AddrPort) unix.Sockaddr {
	return &unix.SockaddrInet4{Addr: addr.Addr().As4(), Port: int(addr.Port())}
}
