package main

import (
	"fmt"
	"net/netip"

	"golang.org/x/sys/unix"
)

// acceptFunc takes over a connection that the proxy opened and registers it.
type acceptFunc func(l *loop, fd int)

// listener accepts for the backend.
type listener struct {
	loop *loop
	fd   int
	serv acceptFunc
}

// serveBackend listens on addr; serv gets each connection.
func serveBackend(l *loop, addr netip.AddrPort, serv acceptFunc) error {
	fd, err := listen(addr)
	if err != nil {
		return fmt.Errorf("backend %v: %w", addr, err)
	}
	l.add(fd, &listener{loop: l, fd: fd, serv: serv})
	return l.err
}

func (ln *listener) ready(uint32) {
	for {
		fd, _, err := unix.Accept4(ln.fd, unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC)
		if err == unix.EAGAIN {
			return
		}
		if err != nil {
			ln.loop.fail(fmt.Errorf("backend accept: %w", err))
			return
		}
		ln.serv(ln.loop, fd)
	}
}

// echoConn sends back what it reads. Messages are small: a send that does not
// take all of one is a failure.
type echoConn struct {
	loop *loop
	fd   int
}

func serveEcho(l *loop, fd int) { l.add(fd, &echoConn{loop: l, fd: fd}) }

func (c *echoConn) ready(ev uint32) {
	if ev&(unix.EPOLLIN|unix.EPOLLRDHUP) == 0 {
		return
	}
	for {
		n, err := recv(c.fd, c.loop.buf[:], 0)
		if err == unix.EAGAIN {
			return
		}
		if n <= 0 {
			c.loop.remove(c.fd)
			return
		}
		if m, err := send(c.fd, c.loop.buf[:n]); m != n {
			c.loop.fail(fmt.Errorf("backend echo: sent %d of %d bytes: %v", m, n, err))
			return
		}
		if ev&unix.EPOLLRDHUP == 0 {
			return
		}
	}
}
