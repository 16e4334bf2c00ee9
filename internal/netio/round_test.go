package netio

import (
	"io"
	"net"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// round is connections that all have an event in one round of a loop.
type round struct {
	l     *onLoop
	conns []*Conn
	far   []*net.TCPConn
	text  func(i int) string // that connection i has its event for
}

// startRound connects n.
func startRound(t *testing.T, n int) *round {
	r := &round{l: start(t), text: func(int) string { return "x" }}
	for range n {
		c, far := dialed(t, r.l, newOwner())
		r.conns = append(r.conns, c)
		r.far = append(r.far, far)
	}
	return r
}

// ready is called with the number of a connection that has its first event.
type ready struct {
	i  int
	fn func(i int)
}

func (o *ready) ConnReady(c *Conn) {
	c.SetOwner(&ready{o.i, func(int) {}})
	o.fn(o.i)
}

// run has fn called for each connection in one round, and returns when the round is over.
func (r *round) run(t *testing.T, fn func(i int)) {
	t.Helper()
	r.l.do(func() {
		for i, c := range r.conns {
			c.Read(make([]byte, 100)) // the edge of what came before
			c.SetOwner(&ready{i, fn})
		}
		for i, far := range r.far {
			far.Write([]byte(r.text(i)))
		}
		for _, c := range r.conns { // the next epoll_wait finds all of them
			if n, err := unix.Poll([]unix.PollFd{{Fd: c.fd, Events: unix.POLLIN}}, 10_000); n != 1 {
				t.Errorf("nothing to read within 10 s: %v", err)
			}
		}
	})
	r.l.do(func() {}) // this one may be called within the round
	r.l.do(func() {})
}

func (r *round) want(t *testing.T, i int, want string) {
	t.Helper()
	r.far[i].SetReadDeadline(time.Now().Add(10 * time.Second))
	got := make([]byte, len(want))
	if _, err := io.ReadFull(r.far[i], got); err != nil || string(got) != want {
		t.Errorf("connection %d: got %q, %v; want %q", i, got, err, want)
	}
}
