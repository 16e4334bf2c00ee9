package main

import (
	"fmt"
	"net/netip"
	"time"

	"golang.org/x/sys/unix"
)

// handoffWorkload compares handing a connection over, to a receiver that closes it, with closing it at once: the same
// process has a server for each, which are loaded in turns. The figure is the quotient of the CPU times.
var handoffWorkload = workload{
	name:  "handoff",
	title: "hand-over: CPU of accept and close",
	unit:  "×",
	conf:  "handoff",
	kinds: []string{kindWeir},
	goal:  goal{absolute: 1.6},
	sample: func(r *run) (sample, error) {
		if err := serveReceiver(r.loop, r.receiverPath(), func(_ *loop, fd int) { unix.Close(fd) }); err != nil {
			return sample{}, err
		}
		for _, addr := range []netip.AddrPort{r.front(), r.server.at.Second} { // warms both up
			if _, err := r.closeCost(addr); err != nil {
				return sample{}, err
			}
		}
		const turns = 4
		var closed, handed sample
		for range turns {
			c, err := r.closeCost(r.server.at.Second)
			if err != nil {
				return closed, err
			}
			h, err := r.closeCost(r.front())
			if err != nil {
				return handed, err
			}
			closed.Figure += c.Figure
			handed.Figure += h.Figure
			handed.Busy += h.Busy / turns
			handed.Foreign += h.Foreign / turns
			handed.Client += h.Client / turns
			handed.Ops += h.Ops
		}
		handed.Figure /= closed.Figure
		return handed, nil
	},
}

// closeCost measures connections to addr, which whoever gets them closes, for half a window.
func (r *run) closeCost(addr netip.AddrPort) (sample, error) {
	g := &visitors{loop: r.loop, addr: addr, opening: true}
	for range 64 {
		g.open()
	}
	if err := r.warmUp(r.window/16, &g.ops); err != nil {
		return sample{}, err
	}
	s, err := r.cpuPerOpIn(r.window/2, &g.ops)
	if err != nil {
		return s, err
	}
	g.opening = false
	return s, r.loop.run(10*time.Second, func() bool { return g.waiting == 0 })
}

// visitors open a connection, wait for its end, and begin again.
type visitors struct {
	loop    *loop
	addr    netip.AddrPort
	ops     int64
	waiting int
	opening bool
}

func (g *visitors) open() {
	fd, err := dial(g.addr)
	if err != nil {
		g.loop.fail(fmt.Errorf("connect: %w", err))
		return
	}
	g.waiting++
	g.loop.add(fd, &visitor{g, fd})
}

type visitor struct {
	group *visitors
	fd    int
}

func (v *visitor) ready(ev uint32) {
	if ev&(unix.EPOLLIN|unix.EPOLLRDHUP) == 0 {
		return
	}
	l := v.group.loop
	n, err := recv(v.fd, l.buf[:1], 0)
	if err == unix.EAGAIN {
		return
	}
	if n != 0 {
		l.fail(fmt.Errorf("a connection ended with %d bytes: %v", n, err))
		return
	}
	l.remove(v.fd)
	v.group.ops++
	v.group.waiting--
	if v.group.opening {
		v.group.open()
	}
}

const handedSessions = 15000

// handedWorkload hands connections over that live on in the receiver. The figure is what the server's own memory
// has grown by when it has let go of all.
var handedWorkload = workload{
	name:  "handed",
	title: "memory after 15 000 live hand-overs",
	unit:  "MB",
	conf:  "handoff",
	kinds: []string{kindWeir},
	goal:  goal{absolute: 8},
	sample: func(r *run) (sample, error) {
		stop, err := r.startReceiver()
		if err != nil {
			return sample{}, err
		}
		defer stop()
		if _, err := openPingers(r.loop, r.front(), 1); err != nil { // the worker is up
			return sample{}, err
		}
		before, err := memory(r.server.processes())
		if err != nil {
			return sample{}, err
		}
		g, err := openPingers(r.loop, r.front(), handedSessions)
		if err != nil {
			return sample{}, err
		}
		if err := r.loop.run(time.Second/2, nil); err != nil {
			return sample{}, err
		}
		after, err := memory(r.server.processes())
		if err != nil {
			return sample{}, err
		}
		g.start() // all of them are still served
		return sample{Figure: float64(after-before) / (1 << 20), Ops: handedSessions}, g.drain()
	},
}
