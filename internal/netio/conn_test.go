package netio

import (
	"bytes"
	"errors"
	"io"
	"net"
	"net/netip"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/weirproxy/weir/internal/loop"
	"golang.org/x/sys/unix"
)

// onLoop runs fn on a loop's goroutine and waits for it.
type onLoop struct {
	t *testing.T
	*loop.Loop
}

func start(t *testing.T) *onLoop {
	t.Helper()
	l, err := loop.New()
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() { l.Run(); close(done) }()
	t.Cleanup(func() { l.Stop(); <-done; l.Close() })
	return &onLoop{t, l}
}

func (l *onLoop) do(fn func()) {
	l.t.Helper()
	done := make(chan struct{})
	l.Post(func() { fn(); close(done) })
	select {
	case <-done:
	case <-time.After(10 * time.Second):
		l.t.Fatal("the loop did not answer within 10 s")
	}
}

// owner counts events and hands them to the test.
type owner struct{ events chan struct{} }

func newOwner() *owner { return &owner{events: make(chan struct{}, 1000)} }

func (o *owner) ConnReady(*Conn) { o.events <- struct{}{} }

// until waits for events until cond, asked on the loop, is true.
func (l *onLoop) until(o *owner, cond func() bool) {
	l.t.Helper()
	deadline := time.After(10 * time.Second)
	for {
		ok := false
		l.do(func() { ok = cond() })
		if ok {
			return
		}
		select {
		case <-o.events:
		case <-deadline:
			l.t.Fatal("the event did not come within 10 s")
		}
	}
}

// dialed connects a Conn to a listener of the net package and returns both ends.
func dialed(t *testing.T, l *onLoop, o *owner) (*Conn, *net.TCPConn) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	c := new(Conn)
	addr := Addr{AddrPort: netip.MustParseAddrPort(listener.Addr().String())}
	l.do(func() {
		if err := c.Dial(l.Loop, &addr, &DialOptions{NoDelay: true, KeepAlive: true}, o); err != nil {
			t.Error(err)
		}
	})
	l.until(o, func() bool { return !c.Connecting() || c.FinishConnect() == nil })
	far, err := listener.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { far.Close(); l.do(c.Close) })
	return c, far.(*net.TCPConn)
}

func TestReadPeekAndEnd(t *testing.T) {
	l, o := start(t), newOwner()
	c, far := dialed(t, l, o)
	buf := make([]byte, 100)
	l.do(func() {
		if _, err := c.Read(buf); err != ErrAgain || c.Readable() {
			t.Errorf("reading nothing: %v, readable %v", err, c.Readable())
		}
	})
	io.WriteString(far, "hello")
	l.until(o, c.Readable)
	l.do(func() {
		for range 2 {
			if n, err := c.Peek(buf); string(buf[:n]) != "hello" || err != nil {
				t.Errorf("peeked %q, %v", buf[:n], err)
			}
		}
		if n, err := c.Read(buf); string(buf[:n]) != "hello" || err != nil {
			t.Errorf("read %q, %v", buf[:n], err)
		}
		if c.Readable() {
			t.Error("a short read leaves the connection readable")
		}
	})
	far.CloseWrite()
	l.until(o, c.PeerFinished)
	l.do(func() {
		if _, err := c.Read(buf); err != io.EOF || !c.EOF() {
			t.Errorf("at the end: %v", err)
		}
		if n, err := c.Write([]byte("bye")); n != 3 || err != nil {
			t.Errorf("writing after the peer's end: %d, %v", n, err)
		}
		if err := errors.Join(c.CloseWrite(), c.CloseWrite()); err != nil {
			t.Error(err)
		}
	})
	if got, err := io.ReadAll(far); string(got) != "bye" || err != nil {
		t.Errorf("the peer got %q, %v", got, err)
	}
}

func TestWriteUntilFullAndGoOn(t *testing.T) {
	l, o := start(t), newOwner()
	c, far := dialed(t, l, o)
	chunk := bytes.Repeat([]byte("0123456789abcdef"), 4096)
	var written int
	fill := func() {
		for c.Writable() {
			n, err := c.Write(chunk[written%len(chunk):])
			if err != nil && err != ErrAgain {
				t.Fatal(err)
			}
			written += n
		}
	}
	l.do(fill)
	first := written
	if first == 0 {
		t.Fatal("nothing was written")
	}
	got := make([]byte, first)
	if _, err := io.ReadFull(far, got); err != nil {
		t.Fatal(err)
	}
	for i := range got {
		if got[i] != chunk[i%len(chunk)] {
			t.Fatalf("byte %d is %q", i, got[i])
		}
	}
	l.until(o, c.Writable)
}

func openPipe(t *testing.T) *Pipe {
	t.Helper()
	p := new(Pipe)
	if err := p.Open(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	return p
}

func TestSplice(t *testing.T) {
	l, o := start(t), newOwner()
	from, source := dialed(t, l, o)
	to, sink := dialed(t, l, o)
	p := openPipe(t)
	l.do(func() {
		if n, err := from.SpliceTo(p); n != 0 || err != nil {
			t.Errorf("before anything has come: %d, %v", n, err)
		}
	})
	io.WriteString(source, "through the pipe")
	source.CloseWrite()
	l.until(o, from.PeerFinished)
	l.do(func() {
		n, err := from.SpliceTo(p)
		if n != 16 || err != nil {
			t.Errorf("into the pipe: %d, %v", n, err)
		}
		if n, err := to.SpliceFrom(p, n); n != 16 || err != nil {
			t.Errorf("out of the pipe: %d, %v", n, err)
		}
		if _, err := to.SpliceFrom(p, 1); err != ErrAgain {
			t.Errorf("out of an empty pipe: %v", err)
		}
		if n, err := from.SpliceTo(p); n != 0 || err != nil {
			t.Errorf("at the end: %d, %v", n, err)
		}
		if _, err := from.Read(make([]byte, 1)); err != io.EOF {
			t.Errorf("at the end: %v", err)
		}
		to.CloseWrite()
	})
	if got, err := io.ReadAll(sink); string(got) != "through the pipe" || err != nil {
		t.Errorf("got %q, %v", got, err)
	}
}

// TestSpliceUrgent: a byte of urgent data, which splice takes for the end, is not the end.
func TestSpliceUrgent(t *testing.T) {
	l, o := start(t), newOwner()
	from, source := dialed(t, l, o)
	p := openPipe(t)
	io.WriteString(source, "before")
	raw, _ := source.SyscallConn()
	raw.Control(func(fd uintptr) { unix.Sendto(int(fd), []byte("!"), unix.MSG_OOB, nil) })
	io.WriteString(source, "after")
	source.CloseWrite()
	l.until(o, from.PeerFinished)
	l.do(func() {
		if n, err := from.SpliceTo(p); n != len("before") || err != nil {
			t.Errorf("into the pipe: %d, %v", n, err)
		}
		if n, err := from.SpliceTo(p); n != 0 || err != nil {
			t.Errorf("the rest: %d, %v", n, err)
		}
		buf := make([]byte, 10)
		if n, err := from.Read(buf); string(buf[:n]) != "after" || err != nil {
			t.Errorf("read %q, %v", buf[:n], err)
		}
		if _, err := from.Read(buf); err != io.EOF {
			t.Errorf("at the end: %v", err)
		}
	})
}

// TestSpliceReset: a reset that splice meets is told by it, as the next call would not.
func TestSpliceReset(t *testing.T) {
	l, o := start(t), newOwner()
	from, source := dialed(t, l, o)
	p := openPipe(t)
	source.SetLinger(0)
	source.Close()
	l.until(o, from.PeerFinished)
	l.do(func() {
		if _, err := from.SpliceTo(p); !errors.Is(err, syscall.ECONNRESET) {
			t.Errorf("got %v", err)
		}
	})
}

// TestBlockingDescriptor: another process that has the descriptor may make it a blocking one, and nothing waits all the same.
func TestBlockingDescriptor(t *testing.T) {
	l, o := start(t), newOwner()
	c, _ := dialed(t, l, o)
	l.do(func() {
		unix.SetNonblock(c.Fd(), false)
		if _, err := c.Read(make([]byte, 1)); err != ErrAgain {
			t.Errorf("read: %v", err)
		}
		fill(c)
	})
}

func TestResetIsAnError(t *testing.T) {
	l, o := start(t), newOwner()
	c, far := dialed(t, l, o)
	far.SetLinger(0)
	far.Close()
	l.until(o, c.PeerFinished)
	l.do(func() {
		if _, err := c.Read(make([]byte, 1)); !errors.Is(err, syscall.ECONNRESET) {
			t.Errorf("got %v", err)
		}
	})
}

func TestDialRefused(t *testing.T) {
	l, o := start(t), newOwner()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := Addr{AddrPort: netip.MustParseAddrPort(listener.Addr().String())}
	listener.Close()
	var c Conn
	l.do(func() { err = c.Dial(l.Loop, &addr, &DialOptions{}, o) })
	if err != nil {
		t.Fatal(err)
	}
	var failed error
	l.until(o, func() bool { failed = c.FinishConnect(); return failed != ErrAgain })
	if !errors.Is(failed, syscall.ECONNREFUSED) {
		t.Errorf("got %v", failed)
	}
	l.do(c.Close)
}

func TestDialUnixPathThatIsNotThere(t *testing.T) {
	l := start(t)
	addr := Addr{Path: filepath.Join(t.TempDir(), "nobody.sock")}
	var c Conn
	l.do(func() {
		if err := c.Dial(l.Loop, &addr, &DialOptions{}, newOwner()); !errors.Is(err, syscall.ENOENT) || c.IsOpen() {
			t.Errorf("got %v", err)
		}
	})
}

func TestDetachedDescriptorLivesOn(t *testing.T) {
	l, o := start(t), newOwner()
	c, far := dialed(t, l, o)
	var fd int
	l.do(func() { fd = c.Detach() })
	if c.IsOpen() || c.Fd() != -1 {
		t.Error("the connection is still open")
	}
	if _, err := syscall.Write(fd, []byte("alive")); err != nil {
		t.Fatal(err)
	}
	syscall.Close(fd)
	if got, _ := io.ReadAll(far); string(got) != "alive" {
		t.Errorf("got %q", got)
	}
}

func TestListenAndAccept(t *testing.T) {
	unixPath := filepath.Join(t.TempDir(), "a.sock")
	for _, addr := range []Addr{
		{AddrPort: netip.MustParseAddrPort("127.0.0.1:0")},
		{AddrPort: netip.MustParseAddrPort("[::1]:0")},
		{Path: unixPath},
		{Path: "@weir-netio-test"},
	} {
		t.Run(addr.String(), func(t *testing.T) {
			fd, err := Listen(addr, &ListenOptions{NoDelay: true, Backlog: 5, RecvBuffer: 8192,
				KeepAlive: KeepAlive{Set: true, On: true, Idle: 10, Interval: 5, Count: 3}})
			if err != nil {
				t.Fatal(err)
			}
			defer syscall.Close(fd)
			if _, _, err := Accept(fd); err != ErrAgain {
				t.Errorf("with nobody there: %v", err)
			}
			bound := LocalAddr(fd)
			network, to := "tcp", bound.String()
			if !bound.AddrPort.IsValid() {
				network, to = "unix", bound.Path
			}
			c, err := net.Dial(network, to)
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			accepted, from, err := Accept(fd)
			if err != nil {
				t.Fatal(err)
			}
			defer syscall.Close(accepted)
			if network == "tcp" && from.String() != c.LocalAddr().String() {
				t.Errorf("accepted from %s, dialed from %s", from, c.LocalAddr())
			}
			if network == "tcp" && PeerAddr(accepted) != from {
				t.Errorf("peer %s, from %s", PeerAddr(accepted), from)
			}
		})
	}
}
