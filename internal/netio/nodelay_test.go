package netio

import (
	"net/netip"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// TestNoDelayWhenItMatters: a connection that was dialed has TCP_NODELAY from its second write on, from a first one of more
// than a packet, and whenever somebody else may write.
func TestNoDelayWhenItMatters(t *testing.T) {
	short, long := []byte("hello"), []byte(strings.Repeat("x", onePacket+1))
	write := func(p []byte) func(*Conn) {
		return func(c *Conn) { c.Write(p) }
	}
	late := func(c *Conn) { c.WriteLate(short); c.Settle() }
	fd := func(c *Conn) { c.Fd() }
	for name, test := range map[string]struct {
		steps []func(*Conn)
		want  bool
	}{
		"nothing":      {nil, false},
		"a short one":  {[]func(*Conn){write(short)}, false},
		"two":          {[]func(*Conn){write(short), write(short)}, true},
		"two late":     {[]func(*Conn){late, late}, true},
		"a long one":   {[]func(*Conn){write(long)}, true},
		"a descriptor": {[]func(*Conn){fd}, true},
	} {
		t.Run(name, func(t *testing.T) {
			l, o := start(t), newOwner()
			c, _ := dialed(t, l, o)
			l.do(func() {
				for _, step := range test.steps {
					step(c)
				}
				if got, err := unix.GetsockoptInt(int(c.fd), unix.IPPROTO_TCP, unix.TCP_NODELAY); (got != 0) != test.want {
					t.Errorf("TCP_NODELAY is %d (%v)", got, err)
				}
			})
		})
	}
}

// TestSpeaksFirst: who is connected to is told when the first bytes are there. If they are late, the kernel tells it before; so
// one of several connections suffices.
func TestSpeaksFirst(t *testing.T) {
	l := start(t)
	listener, err := Listen(Addr{AddrPort: netip.MustParseAddrPort("127.0.0.1:0")}, &ListenOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Close(listener) })
	addr := LocalAddr(listener)

	// accepted tells whether a connection was to be accepted before something was sent on it, and after.
	accepted := func(opts DialOptions) (before, after bool) {
		o := newOwner()
		c := new(Conn)
		l.do(func() {
			if err := c.Dial(l.Loop, &addr, &opts, o); err != nil {
				t.Fatal(err)
			}
		})
		l.until(o, func() bool { return !c.Connecting() || c.FinishConnect() == nil })
		l.do(func() {
			accept := func() bool {
				fd, _, err := Accept(listener)
				if err == nil {
					unix.Close(fd)
				}
				return err == nil
			}
			before = accept()
			c.Write([]byte("hello"))
			after = accept()
			c.Close()
		})
		return before, after
	}

	if before, _ := accepted(DialOptions{}); !before {
		t.Error("a connection that may not say anything is not there")
	}
	for range 20 {
		if before, after := accepted(DialOptions{SpeaksFirst: true}); !before && after {
			return
		}
	}
	t.Error("20 connections were there before their first bytes")
}
