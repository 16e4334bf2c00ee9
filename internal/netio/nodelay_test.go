package netio

import (
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
