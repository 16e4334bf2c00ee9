package main

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// startLoop returns a loop whose backend is serv, and where it listens.
func startLoop(t *testing.T, serv acceptFunc) (*loop, netip.AddrPort) {
	t.Helper()
	l, err := newLoop()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(l.close)
	fd, err := listen(netip.MustParseAddrPort("127.0.0.1:0"))
	if err != nil {
		t.Fatal(err)
	}
	l.add(fd, &listener{loop: l, fd: fd, serv: serv})
	name, err := unix.Getsockname(fd)
	if err != nil {
		t.Fatal(err)
	}
	port := name.(*unix.SockaddrInet4).Port
	return l, netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), uint16(port))
}

func TestPingersCountRoundTrips(t *testing.T) {
	l, addr := startLoop(t, serveEcho)
	g, err := openPingers(l, addr, 100)
	if err != nil {
		t.Fatal(err)
	}
	if g.ops != 100 {
		t.Errorf("%d messages exchanged while opening, want 100", g.ops)
	}
	g.start()
	enough := func() bool { return g.ops > 1000 }
	if err := l.run(5*time.Second, enough); err != nil {
		t.Fatal(err)
	}
	if err := g.drain(); err != nil {
		t.Fatal(err)
	}
	if g.waiting != 0 {
		t.Errorf("%d messages out after drain", g.waiting)
	}
}

func TestDialersCountConnections(t *testing.T) {
	l, addr := startLoop(t, serveEcho)
	g := startDialers(l, addr, 8)
	if err := l.run(5*time.Second, func() bool { return g.ops > 100 }); err != nil {
		t.Fatal(err)
	}
	if err := g.drain(); err != nil {
		t.Fatal(err)
	}
	if g.ops != int64(g.opened) {
		t.Errorf("%d connections opened, %d done", g.opened, g.ops)
	}
}

func TestSinksReadWhatSourcesSend(t *testing.T) {
	l, addr := startLoop(t, serveSource)
	g, err := openSinks(l, addr, 2)
	if err != nil {
		t.Fatal(err)
	}
	if err := l.run(5*time.Second, func() bool { return g.bytes > 64<<20 }); err != nil {
		t.Fatal(err)
	}
}

// spoiler answers with other bytes than it got.
type spoiler struct{ echoConn }

func (c *spoiler) ready(uint32) {
	if n, _ := recv(c.fd, c.loop.buf[:], 0); n > 0 {
		c.loop.buf[n/2]++
		send(c.fd, c.loop.buf[:n])
	}
}

func TestWrongBytesFailTheRun(t *testing.T) {
	l, addr := startLoop(t, func(l *loop, fd int) { l.add(fd, &spoiler{echoConn{l, fd}}) })
	_, err := openPingers(l, addr, 1)
	if err == nil || !strings.Contains(err.Error(), "wrong bytes") {
		t.Errorf("error %v, want one about wrong bytes", err)
	}
}

func TestClosedConnectionFailsTheRun(t *testing.T) {
	l, addr := startLoop(t, func(l *loop, fd int) { unix.Close(fd) })
	if _, err := openPingers(l, addr, 1); err == nil {
		t.Error("a server that closes at once went unnoticed")
	}
}
