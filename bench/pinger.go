package main

import (
	"fmt"
	"net/netip"
	"time"

	"golang.org/x/sys/unix"
)

// openWindow is how many connections are being opened at a time.
const openWindow = 64

// pingers are connections that each send a message, wait for it to come back,
// and send the next.
type pingers struct {
	loop    *loop
	all     []*pinger
	ops     int64 // messages that came back whole
	waiting int   // connections whose message is still out
	sending bool  // an answer is followed by the next message
}

// openPingers opens n connections to addr and lets each exchange one message.
func openPingers(l *loop, addr netip.AddrPort, n int) (*pingers, error) {
	g := &pingers{loop: l}
	for len(g.all) < n {
		if err := g.dial(addr); err != nil {
			return nil, err
		}
		below := func() bool { return g.waiting < openWindow }
		if err := l.run(10*time.Second, below); err != nil {
			return nil, fmt.Errorf("open connection %d: %w", len(g.all), err)
		}
	}
	return g, g.drain()
}

func (g *pingers) dial(addr netip.AddrPort) error {
	fd, err := dial(addr)
	if err != nil {
		return fmt.Errorf("connect: %w", err)
	}
	p := &pinger{group: g, fd: fd, id: uint64(len(g.all))}
	g.all = append(g.all, p)
	g.loop.add(fd, p)
	p.send()
	return g.loop.err
}

// start sets every connection going.
func (g *pingers) start() {
	g.sending = true
	for _, p := range g.all {
		p.send()
	}
}

// drain lets no new message out and waits for those that are.
func (g *pingers) drain() error {
	g.sending = false
	return g.loop.run(10*time.Second, func() bool { return g.waiting == 0 })
}

// pinger is one connection of pingers.
type pinger struct {
	group *pingers
	fd    int
	id    uint64
	seq   uint64
	msg   message
	got   int // bytes of msg that are back
}

func (p *pinger) send() {
	p.seq++
	p.got = 0
	p.msg.next(p.id, p.seq)
	p.group.waiting++
	if n, err := send(p.fd, p.msg[:]); n != messageSize {
		p.group.loop.fail(fmt.Errorf("client sent %d of %d bytes: %v", n, messageSize, err))
	}
}

func (p *pinger) ready(ev uint32) {
	if ev&(unix.EPOLLIN|unix.EPOLLRDHUP) == 0 {
		return
	}
	n, err := recv(p.fd, p.group.loop.buf[:4096], 0)
	if err == unix.EAGAIN {
		return
	}
	if n <= 0 {
		p.group.loop.fail(fmt.Errorf("the server closed connection %d: %v", p.id, err))
		return
	}
	if !p.msg.continues(p.got, p.group.loop.buf[:n]) {
		p.group.loop.fail(fmt.Errorf("connection %d got wrong bytes back", p.id))
		return
	}
	if p.got += n; p.got == messageSize {
		p.answered()
	}
}

func (p *pinger) answered() {
	p.group.ops++
	p.group.waiting--
	if p.group.sending {
		p.send()
	}
}
