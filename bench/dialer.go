package main

import (
	"fmt"
	"net/netip"
	"time"

	"golang.org/x/sys/unix"
)

// dialers open a connection, exchange one message, close, and begin again.
type dialers struct {
	loop    *loop
	addr    netip.AddrPort
	opened  uint64
	ops     int64 // connections closed after their message came back whole
	waiting int   // connections open now
	opening bool  // a closed connection is followed by the next
}

// startDialers keeps n connections to addr on their way.
func startDialers(l *loop, addr netip.AddrPort, n int) *dialers {
	g := &dialers{loop: l, addr: addr, opening: true}
	for range n {
		g.open()
	}
	return g
}

// drain opens no new connection and waits for those that are open.
func (g *dialers) drain() error {
	g.opening = false
	return g.loop.run(10*time.Second, func() bool { return g.waiting == 0 })
}

func (g *dialers) open() {
	fd, err := dial(g.addr)
	if err != nil {
		g.loop.fail(fmt.Errorf("connect: %w", err))
		return
	}
	g.opened++
	g.waiting++
	d := &dialer{group: g, fd: fd}
	d.msg.next(g.opened, 0)
	g.loop.add(fd, d)
	if n, err := send(fd, d.msg[:]); n != messageSize {
		g.loop.fail(fmt.Errorf("client sent %d of %d bytes: %v", n, messageSize, err))
	}
}

// dialer is one connection of dialers.
type dialer struct {
	group *dialers
	fd    int
	msg   message
	got   int
}

func (d *dialer) ready(ev uint32) {
	if ev&(unix.EPOLLIN|unix.EPOLLRDHUP) == 0 {
		return
	}
	l := d.group.loop
	n, err := recv(d.fd, l.buf[:4096], 0)
	if err == unix.EAGAIN {
		return
	}
	if n <= 0 {
		l.fail(fmt.Errorf("the server closed a connection without an answer: %v", err))
		return
	}
	if !d.msg.continues(d.got, l.buf[:n]) {
		l.fail(fmt.Errorf("a connection got wrong bytes back"))
		return
	}
	if d.got += n; d.got == messageSize {
		d.answered()
	}
}

func (d *dialer) answered() {
	d.group.loop.remove(d.fd)
	d.group.ops++
	d.group.waiting--
	if d.group.opening {
		d.group.open()
	}
}
