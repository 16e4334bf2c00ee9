package netio

import (
	"io"
	"testing"
)

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
