package netio

import (
	"io"
	"testing"

	"github.com/weirproxy/weir/internal/loop"
	"golang.org/x/sys/unix"
)

type silent struct{}

func (silent) ConnReady(*Conn) {}

func TestUnreadComesFirst(t *testing.T) {
	l, err := loop.New()
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fds[1])
	var c Conn
	if err := c.Attach(l, fds[0], silent{}); err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	c.Unread([]byte("cdef"))
	c.Unread([]byte("ab"))
	buf := make([]byte, 16)
	want := func(what string, n int, err error, text string, readable bool) {
		t.Helper()
		if err != nil || string(buf[:n]) != text || c.Readable() != readable {
			t.Errorf("%s: %q, %v, readable %v; want %q", what, buf[:n], err, c.Readable(), text)
		}
	}
	n, err := c.Peek(buf)
	want("peek without more", n, err, "abcdef", true)
	n, err = c.Read(buf[:3])
	want("a part", n, err, "abc", true)
	unix.Write(fds[1], []byte("gh"))
	n, err = c.Peek(buf)
	want("peek with more", n, err, "defgh", true)
	if string(c.Before()) != "def" {
		t.Errorf("before: %q", c.Before())
	}
	n, err = c.Read(buf)
	want("both", n, err, "defgh", false)
	if _, err := c.Read(buf); err != ErrAgain {
		t.Errorf("drained: %v", err)
	}
	c.Unread([]byte("ij"))
	unix.Shutdown(fds[1], unix.SHUT_WR)
	c.Ready(loop.In | loop.ReadHup)
	n, err = c.Read(buf)
	want("at the end", n, err, "ij", true)
	if _, err := c.Read(buf); err != io.EOF {
		t.Errorf("end: %v", err)
	}
}

// TestHasInput: what has come, what was peeked at and what was put back is input, and what was read is not.
func TestHasInput(t *testing.T) {
	l, o := start(t), newOwner()
	c, far := dialed(t, l, o)
	buf := make([]byte, 100)
	step := func(name string, want bool, do func()) {
		t.Helper()
		l.do(func() {
			do()
			if got := c.HasInput(); got != want {
				t.Errorf("%s: HasInput is %v", name, got)
			}
		})
	}
	step("at first", false, func() {})
	io.WriteString(far, "hello")
	l.until(o, c.Readable)
	step("arrived", true, func() {})
	step("peeked at", true, func() { c.Peek(buf) })
	step("read in part", true, func() { c.Read(buf[:1]) })
	step("read", false, func() { c.Read(buf) })
	step("put back", true, func() { c.Unread(buf[:1]) })
	step("read again", false, func() { c.Read(buf) })
	io.WriteString(far, "hello")
	l.until(o, c.Readable)
	step("peeked at again", true, func() { c.Peek(buf) })
	step("spliced", false, func() {
		var p Pipe
		if err := p.Open(); err != nil {
			t.Fatal(err)
		}
		defer p.Close()
		c.SpliceTo(&p)
	})
}
