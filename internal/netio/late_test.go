package netio

import (
	"errors"
	"io"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func TestWriteLate(t *testing.T) {
	r := startRound(t, 2*lateWrites+3)
	most, calls := 0, 0
	r.run(t, func(i int) {
		calls++
		r.conns[i].WriteLate([]byte("some"))
		r.conns[i].WriteLate([]byte("thing"))
		most = max(most, len(deskOf(r.l.Loop).out.writes))
	})
	for i := range r.conns {
		r.want(t, i, "something")
	}
	if calls != len(r.conns) || most != lateWrites-1 {
		t.Errorf("%d events, and at most %d writes were put off; want %d and %d", calls, most, len(r.conns), lateWrites-1)
	}
	r.l.do(func() {
		if o := &deskOf(r.l.Loop).out; len(o.writes) != 0 || len(o.data) != 0 {
			t.Errorf("%d writes, %d bytes are left", len(o.writes), len(o.data))
		}
	})
}

// Whatever else writes, closes or gives away the connection does what was put off first.
func TestWriteLateKeepsTheOrder(t *testing.T) {
	big := strings.Repeat("b", LateMost+1)
	for _, test := range []struct {
		name, want string
		then       func(c *Conn)
	}{
		{"Write", "late!", func(c *Conn) { c.Write([]byte("!")) }},
		{"WriteLate of much", "late" + big, func(c *Conn) { c.WriteLate([]byte(big)) }},
		{"Settle", "late", func(c *Conn) { c.Settle() }},
		{"CloseWrite", "late", func(c *Conn) { c.CloseWrite() }},
		{"Close", "late", func(c *Conn) { c.Close() }},
		{"Fd", "late!", func(c *Conn) { unix.Write(c.Fd(), []byte("!")) }},
		{"Detach", "late!", func(c *Conn) {
			fd := c.Detach()
			unix.Write(fd, []byte("!"))
			unix.Close(fd)
		}},
		{"nothing", "late", func(*Conn) {}},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := startRound(t, 3)
			r.run(t, func(i int) {
				c := r.conns[i]
				if c.WriteLate([]byte("la")); i == 1 {
					r.conns[2].WriteLate([]byte("te")) // not the last one any more
				}
				c.WriteLate([]byte("te"))
				if i != 2 {
					test.then(c)
				}
			})
			r.want(t, 0, test.want)
			r.want(t, 1, test.want)
		})
	}
}

// fill writes until the kernel takes no more, and returns how much that was. The Conn believes that it takes more.
func fill(c *Conn) (n int) {
	for c.Writable() {
		m, _ := c.Write(make([]byte, 1<<20))
		n += m
	}
	c.state |= writable
	return n
}

// What the kernel does not take is kept, and goes before what comes behind it.
func TestWriteLateIsKept(t *testing.T) {
	for _, test := range []struct {
		name, want string
		end        bool // the peer then sees the end
		then       func(t *testing.T, c *Conn)
	}{
		{"alone", "late", false, func(t *testing.T, c *Conn) {
			if c.Writable() || !c.Unsent() {
				t.Error("the connection seems to take more")
			}
		}},
		{"Write", "late!", false, func(t *testing.T, c *Conn) {
			if n, err := c.Write([]byte("?")); n != 0 || err != ErrAgain {
				t.Errorf("Write: %d, %v", n, err)
			}
			c.SetOwner(&ready{fn: func(int) {
				if n, err := c.Write([]byte("!")); n != 1 || err != nil {
					t.Errorf("Write when writable: %d, %v", n, err)
				}
			}})
		}},
		{"CloseWrite", "late", true, func(t *testing.T, c *Conn) {
			if err := c.CloseWrite(); err != nil {
				t.Error(err)
			}
		}},
		{"Close", "late", true, func(_ *testing.T, c *Conn) { c.Close() }},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := startRound(t, 3)
			filled := 0
			r.run(t, func(i int) {
				if i == 0 {
					r.conns[0].Read(make([]byte, 10)) // unread, it would make of the end a reset
					filled = fill(r.conns[0])
					r.conns[0].WriteLate([]byte("la"))
					r.conns[0].WriteLate([]byte("te"))
				}
			})
			r.l.do(func() { test.then(t, r.conns[0]) })
			r.far[0].SetReadDeadline(time.Now().Add(10 * time.Second))
			if n, err := io.CopyN(io.Discard, r.far[0], int64(filled)); err != nil {
				t.Fatalf("%d of %d bytes: %v", n, filled, err)
			}
			r.want(t, 0, test.want)
			if test.end {
				if n, err := r.far[0].Read(make([]byte, 1)); n != 0 || err != io.EOF {
					t.Errorf("at the end: %d, %v", n, err)
				}
			}
		})
	}
}

// An error is that of the next Write; Reset throws away what was written late.
func TestWriteLateFails(t *testing.T) {
	r := startRound(t, 4)
	r.far[1].SetLinger(0)
	r.far[1].Close() // resets
	r.l.until(newOwner(), func() bool { return r.conns[1].state&failed != 0 })
	r.far[1] = r.far[0]
	r.run(t, func(i int) {
		if i == 0 {
			r.conns[1].WriteLate([]byte("reset"))
			r.conns[3].WriteLate([]byte("thrown away"))
			r.conns[3].Reset()
		}
	})
	r.l.do(func() {
		c := r.conns[1]
		if c.unsent == nil || c.unsent.err == nil || c.Unsent() {
			t.Fatalf("after a late error: %+v", c.unsent)
		}
		for range 2 {
			if n, err := c.Write([]byte("x")); n != 0 || !errors.Is(err, syscall.EPIPE) || c.unsent != nil {
				t.Errorf("Write after a late error: %d, %v", n, err)
			}
		}
	})
	if n, err := r.far[3].Read(make([]byte, 20)); n != 0 || err == nil {
		t.Errorf("after Reset: %d bytes, %v", n, err)
	}
}
