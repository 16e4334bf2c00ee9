package test

import (
	"bufio"
	"io"
	"net"
	"testing"
	"time"
)

// client is a plain connection whose every operation has the deadline and fails the test.
type client struct {
	net.Conn
	t testing.TB
	r *bufio.Reader
}

// dial connects to one of the server's ports.
func (w *workspace) dial(port int) *client {
	w.t.Helper()
	return dial(w.t, "tcp", w.addr(port))
}

func dial(t testing.TB, network, addr string) *client {
	t.Helper()
	conn, err := net.DialTimeout(network, addr, deadline)
	if err != nil {
		t.Fatal(err)
	}
	return newClient(t, conn)
}

func newClient(t testing.TB, conn net.Conn) *client {
	t.Cleanup(func() { conn.Close() })
	conn.SetDeadline(time.Now().Add(deadline))
	return &client{Conn: conn, t: t, r: bufio.NewReader(conn)}
}

func (c *client) send(text string) {
	c.t.Helper()
	if _, err := io.WriteString(c.Conn, text); err != nil {
		c.t.Fatalf("send %q: %v", text, err)
	}
}

// want reads as many bytes as text has and compares.
func (c *client) want(text string) {
	c.t.Helper()
	got := make([]byte, len(text))
	n, err := io.ReadFull(c.r, got)
	if err != nil || string(got) != text {
		c.t.Fatalf("received %q (%v), want %q", got[:n], err, text)
	}
}

// line reads up to and without a line feed.
func (c *client) line() string {
	c.t.Helper()
	line, err := c.r.ReadString('\n')
	if err != nil {
		c.t.Fatalf("received %q: %v", line, err)
	}
	return line[:len(line)-1]
}

// all reads to the end.
func (c *client) all() string {
	c.t.Helper()
	text, err := io.ReadAll(c.r)
	if err != nil {
		c.t.Fatalf("received %q: %v", text, err)
	}
	return string(text)
}

// wantAll reads to the end and compares.
func (c *client) wantAll(text string) {
	c.t.Helper()
	if got := c.all(); got != text {
		c.t.Fatalf("received %q, want %q", got, text)
	}
}

// closeWrite tells the server that nothing more will come.
func (c *client) closeWrite() {
	c.t.Helper()
	if err := c.Conn.(interface{ CloseWrite() error }).CloseWrite(); err != nil {
		c.t.Fatal(err)
	}
}

// exchange connects, sends, closes for writing, and returns all that comes back.
func (w *workspace) exchange(port int, text string) string {
	w.t.Helper()
	c := w.dial(port)
	defer c.Close()
	c.send(text)
	c.closeWrite()
	return c.all()
}

// backend is a server of the test's own: handle is called for each connection, which is closed afterwards.
func backend(t testing.TB, handle func(conn net.Conn)) (addr string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				conn.SetDeadline(time.Now().Add(deadline))
				handle(conn)
			}()
		}
	}()
	return l.Addr().String()
}

// echoBackend sends back what it receives.
func echoBackend(t testing.TB) (addr string) {
	return backend(t, func(conn net.Conn) { io.Copy(conn, conn) })
}
