package netio

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"syscall"
	"testing"

	"github.com/weirproxy/weir/internal/loop"
)

// startEager is startRound of connections that are read early.
func startEager(t *testing.T, n int) *round {
	r := startRound(t, n)
	r.text = func(i int) string { return fmt.Sprintf("text of %d", i) }
	r.l.do(func() {
		for _, c := range r.conns {
			c.SetEager(true)
			c.state |= brief
		}
	})
	return r
}

func (r *round) read(t *testing.T, i int) {
	t.Helper()
	buf := make([]byte, 100)
	if n, err := r.conns[i].Read(buf); err != nil || string(buf[:n]) != r.text(i) {
		t.Errorf("connection %d: %q, %v", i, buf[:n], err)
	}
	if r.conns[i].Readable() {
		t.Errorf("connection %d seems to have more", i)
	}
}

func (r *round) early() (n int) {
	for _, c := range r.conns {
		if c.before != nil {
			n++
		}
	}
	return n
}

func TestReadEarly(t *testing.T) {
	r := startEager(t, 2*loop.MaxEvents+10)
	most, calls := 0, 0
	for range 3 {
		r.run(t, func(i int) {
			calls++
			most = max(most, r.early())
			r.read(t, i)
		})
	}
	if calls != 3*len(r.conns) || most != loop.MaxEvents {
		t.Errorf("%d events, and %d connections at most were read early", calls, most)
	}
	r.l.do(func() {
		if n := r.early(); n != 0 || deskOf(r.l.Loop).in.n != 0 {
			t.Errorf("%d connections have something left", n)
		}
	})
}

// Those whose owners have not said so, or that have said much before, are not.
func TestReadEarlyOnlyTheEager(t *testing.T) {
	r := startEager(t, 20)
	r.l.do(func() {
		for i, c := range r.conns {
			switch i % 3 {
			case 0:
				c.SetEager(false)
			case 1:
				c.state &^= brief
			}
		}
	})
	r.run(t, func(i int) {
		for j, c := range r.conns {
			if c.before != nil && j%3 != 2 {
				t.Errorf("connection %d was read early", j)
			}
		}
		r.read(t, i)
	})
}

// What the owner leaves is there later, before what comes behind it.
func TestReadEarlyIsKept(t *testing.T) {
	r := startEager(t, 40)
	r.run(t, func(i int) {
		if i%2 == 1 {
			r.read(t, i)
			return
		}
		buf := make([]byte, 100)
		if n, err := r.conns[i].Peek(buf); err != nil || string(buf[:n]) != r.text(i) {
			t.Errorf("connection %d: peek: %q, %v", i, buf[:n], err)
		}
		if n, err := r.conns[i].Read(buf[:4]); err != nil || string(buf[:n]) != "text" {
			t.Errorf("connection %d: %q, %v", i, buf[:n], err)
		}
	})
	for i := 0; i < len(r.conns); i += 2 {
		r.far[i].Write([]byte("!"))
	}
	r.l.do(func() {
		clear(deskOf(r.l.Loop).in.data)
		buf := make([]byte, 100)
		for i := 0; i < len(r.conns); i += 2 {
			if n, err := r.conns[i].Peek(buf); err != nil || string(buf[:n]) != r.text(i)[4:]+"!" {
				t.Errorf("connection %d: peek later: %q, %v", i, buf[:n], err)
			}
			if n, err := r.conns[i].Read(buf); err != nil || string(buf[:n]) != r.text(i)[4:]+"!" {
				t.Errorf("connection %d later: %q, %v", i, buf[:n], err)
			}
		}
	})
}

func TestReadEarlyOfMuch(t *testing.T) {
	for _, size := range []int{earlyMost - 1, earlyMost, earlyMost + 1, 3 * earlyMost} {
		r := startEager(t, 10)
		r.text = func(int) string { return strings.Repeat("m", size) }
		r.run(t, func(i int) {
			buf := make([]byte, 4*earlyMost)
			if n, err := r.conns[i].Read(buf); n != size || err != nil || r.conns[i].Readable() {
				t.Errorf("%d bytes: %d, %v, readable %v", size, n, err, r.conns[i].Readable())
			}
			if still := r.conns[i].state&brief != 0; still != (size < earlyMost) {
				t.Errorf("%d bytes: read early the next time: %v", size, still)
			}
		})
	}
}

// The end, or an error, that came before the owner was told is told behind the bytes.
func TestReadEarlyAtTheEnd(t *testing.T) {
	for _, test := range []struct {
		name string
		end  func(r *round)
		text string
		err  error
	}{
		{"end", func(r *round) { r.far[0].Close() }, "", io.EOF},
		{"reset", func(r *round) { r.far[0].SetLinger(0); r.far[0].Close() }, "", syscall.ECONNRESET},
	} {
		r := startEager(t, 1)
		r.l.do(func() {
			c := r.conns[0]
			test.end(r)
			deskOf(r.l.Loop).Foresee(c, loop.In)
			deskOf(r.l.Loop).Handled()
			if c.EOF() {
				t.Errorf("%s: seen before it was read", test.name)
			}
			c.Ready(loop.In)
			buf := make([]byte, 10)
			if n, err := c.Peek(buf); n != 0 || !errors.Is(err, test.err) {
				t.Errorf("%s: Peek: %d, %v", test.name, n, err)
			}
			if n, err := c.Read(buf); n != 0 || !errors.Is(err, test.err) {
				t.Errorf("%s: Read: %d, %v", test.name, n, err)
			}
		})
	}
}

// One connection's owner closes or gives away another that was read early.
func TestReadEarlyAndGone(t *testing.T) {
	r := startEager(t, 10)
	told := map[int]bool{}
	r.run(t, func(i int) {
		told[i] = true
		if i == 0 {
			r.conns[4].Close()
			if got := string(r.conns[5].Before()); got != r.text(5) {
				t.Errorf("before: %q", got)
			}
			syscall.Close(r.conns[5].Detach())
		}
		if r.conns[i].IsOpen() {
			r.read(t, i)
		}
	})
	r.l.do(func() {
		if !told[0] || told[4] || told[5] || !told[9] {
			t.Errorf("told: %v", told)
		}
	})
}

// A reset that comes after the early read is told behind what was read, and once more by nothing.
func TestReadEarlyThenReset(t *testing.T) {
	r := startEager(t, 1)
	r.l.do(func() {
		c := r.conns[0]
		r.far[0].Write(make([]byte, earlyMost))
		deskOf(r.l.Loop).Foresee(c, loop.In)
		r.far[0].SetLinger(0)
		r.far[0].Close()
		c.Ready(loop.In)
		buf := make([]byte, 2*earlyMost)
		if n, err := c.Read(buf); n != earlyMost || err != nil {
			t.Errorf("Read: %d, %v", n, err)
		}
		if n, err := c.Read(buf); n != 0 || !errors.Is(err, syscall.ECONNRESET) {
			t.Errorf("the next Read: %d, %v", n, err)
		}
	})
}
