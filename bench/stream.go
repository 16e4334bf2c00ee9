package main

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"net/netip"

	"golang.org/x/sys/unix"
)

// patternSize is a period that is no multiple of any buffer's size, so that bytes
// lost or swapped show.
const patternSize = 64<<10 - 251

// pattern is the bytes that a source sends, long enough that any stretch of the
// stream, up to a scratch buffer's length, is a slice of it.
var pattern = func() []byte {
	period := make([]byte, patternSize)
	r := rand.New(rand.NewPCG(1, 2))
	for i := range period {
		period[i] = byte(r.Uint32())
	}
	return bytes.Repeat(period, 6)
}()

// source is a backend connection that sends the pattern without end. Sources and
// sinks are level-triggered, with one call per turn: on an edge, the first would
// keep the loop as long as the proxy keeps up with it.
type source struct {
	loop *loop
	fd   int
	sent int
}

func serveSource(l *loop, fd int) {
	l.register(fd, &source{loop: l, fd: fd}, unix.EPOLLOUT)
}

func (s *source) ready(uint32) {
	at := s.sent % patternSize
	n, err := send(s.fd, pattern[at:at+len(s.loop.buf)])
	if err == unix.EAGAIN {
		return
	}
	if err != nil {
		s.loop.remove(s.fd)
		return
	}
	s.sent += n
}

// sinks are client connections that read from sources.
type sinks struct {
	loop  *loop
	bytes int64
}

// openSinks opens n connections to addr.
func openSinks(l *loop, addr netip.AddrPort, n int) (*sinks, error) {
	g := &sinks{loop: l}
	for range n {
		fd, err := dial(addr)
		if err != nil {
			return nil, fmt.Errorf("connect: %w", err)
		}
		l.register(fd, &sink{group: g, fd: fd}, unix.EPOLLIN)
	}
	return g, l.err
}

// checkEvery is which read of a sink is copied out and compared; the others are
// dropped in the kernel, which spares the client's core.
const checkEvery = 8

type sink struct {
	group *sinks
	fd    int
	got   int
	reads int
}

func (s *sink) ready(uint32) {
	l := s.group.loop
	flags := unix.MSG_TRUNC
	if s.reads++; s.reads%checkEvery == 0 {
		flags = 0
	}
	n, err := recv(s.fd, l.buf[:], flags)
	if err == unix.EAGAIN {
		return
	}
	if n <= 0 {
		l.fail(fmt.Errorf("the server closed a bulk connection: %v", err))
		return
	}
	at := s.got % patternSize
	if flags == 0 && !bytes.Equal(l.buf[:n], pattern[at:at+n]) {
		l.fail(fmt.Errorf("wrong bytes at offset %d of a bulk connection", s.got))
		return
	}
	s.got += n
	s.group.bytes += int64(n)
}
