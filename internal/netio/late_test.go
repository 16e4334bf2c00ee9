package netio

import (
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// round is connections that all have an event in one round of a loop.
type round struct {
	l     *onLoop
	conns []*Conn
	far   []*net.TCPConn
	short []shortWrite
}

type shortWrite struct {
	c    *Conn
	rest int
	err  error
}

func (r *round) WroteShort(c *Conn, rest []byte, err error) {
	r.short = append(r.short, shortWrite{c, len(rest), err})
}

// startRound connects n.
func startRound(t *testing.T, n int) *round {
	r := &round{l: start(t)}
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
		for _, far := range r.far {
			far.Write([]byte("x"))
		}
		time.Sleep(time.Millisecond) // loopback delivers at once: the next epoll_wait finds all of them
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

func TestWriteLate(t *testing.T) {
	r := startRound(t, 2*lateWrites+3)
	most, calls := 0, 0
	r.run(t, func(i int) {
		calls++
		r.conns[i].WriteLate([]byte("some"), r)
		r.conns[i].WriteLate([]byte("thing"), r)
		most = max(most, len(outboxOf(r.l.Loop).writes))
	})
	for i := range r.conns {
		r.want(t, i, "something")
	}
	if calls != len(r.conns) || most != lateWrites-1 {
		t.Errorf("%d events, and at most %d writes were put off; want %d and %d", calls, most, len(r.conns), lateWrites-1)
	}
	r.l.do(func() {
		if o := outboxOf(r.l.Loop); len(o.writes) != 0 || len(o.data) != 0 {
			t.Errorf("%d writes, %d bytes are left", len(o.writes), len(o.data))
		}
	})
}

// Whatever else writes, closes or gives away the connection does what was put off first.
func TestWriteLateKeepsTheOrder(t *testing.T) {
	big := strings.Repeat("b", LateMost+1)
	for _, test := range []struct {
		name, want string
		then       func(r *round, c *Conn)
	}{
		{"Write", "late!", func(_ *round, c *Conn) { c.Write([]byte("!")) }},
		{"WriteLate of much", "late" + big, func(r *round, c *Conn) { c.WriteLate([]byte(big), r) }},
		{"WriteLate of another", "late!", func(_ *round, c *Conn) { c.WriteLate([]byte("!"), new(round)) }},
		{"Settle", "late", func(_ *round, c *Conn) { c.Settle() }},
		{"CloseWrite", "late", func(_ *round, c *Conn) { c.CloseWrite() }},
		{"Close", "late", func(_ *round, c *Conn) { c.Close() }},
		{"Fd", "late!", func(_ *round, c *Conn) { unix.Write(c.Fd(), []byte("!")) }},
		{"Detach", "late!", func(_ *round, c *Conn) {
			fd := c.Detach()
			unix.Write(fd, []byte("!"))
			unix.Close(fd)
		}},
		{"nothing", "late", func(*round, *Conn) {}},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := startRound(t, 3)
			r.run(t, func(i int) {
				c := r.conns[i]
				if c.WriteLate([]byte("la"), r); i == 1 {
					r.conns[2].WriteLate([]byte("te"), r) // not the last one any more
				}
				c.WriteLate([]byte("te"), r)
				if i != 2 {
					test.then(r, c)
				}
			})
			r.want(t, 0, test.want)
			r.want(t, 1, test.want)
			if len(r.short) != 0 {
				t.Errorf("short writes: %v", r.short)
			}
		})
	}
}

// What the connection does not take is told, and Reset throws away what was put off.
func TestWriteLateFails(t *testing.T) {
	r := startRound(t, 4)
	r.far[1].SetLinger(0)
	r.far[1].Close() // resets
	r.l.until(newOwner(), func() bool { return r.conns[1].state&failed != 0 })
	r.far[1] = r.far[0]
	r.run(t, func(i int) {
		if i != 0 {
			return
		}
		full := r.conns[2]
		for full.Writable() {
			full.Write(make([]byte, 1<<20))
		}
		full.WriteLate([]byte("full"), r)
		r.conns[1].WriteLate([]byte("reset"), r)
		r.conns[3].WriteLate([]byte("thrown away"), r)
		r.conns[3].Reset()
	})
	if len(r.short) != 2 || r.short[0] != (shortWrite{r.conns[2], 4, nil}) || r.short[1].rest != 5 || r.short[1].err == nil {
		t.Errorf("short writes: %v", r.short)
	}
	if n, err := r.far[3].Read(make([]byte, 20)); n != 0 || err == nil {
		t.Errorf("after Reset: %d bytes, %v", n, err)
	}
}

// closer closes all connections when a write is short.
type closer struct{ *round }

func (c *closer) WroteShort(*Conn, []byte, error) {
	for _, conn := range c.conns {
		conn.Close()
	}
}

func TestWriteLateThatCloses(t *testing.T) {
	r := startRound(t, 3)
	r.run(t, func(i int) {
		c := r.conns[i]
		c.WriteLate([]byte("last words"), &closer{r})
		c.state &^= writable
	})
	r.l.do(func() {
		for i, c := range r.conns {
			if c.IsOpen() {
				t.Errorf("connection %d is open", i)
			}
		}
	})
	for i := range r.far {
		if i > 0 { // the first one's write was the short one
			r.want(t, i, "last words")
		}
	}
}
