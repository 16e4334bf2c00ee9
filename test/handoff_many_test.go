package test

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"sync"
	"testing"
	"time"
)

// tcpPair is a client and its accepted connection.
func tcpPair(t testing.TB) (*client, *net.TCPConn) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	c := dial(t, "tcp", l.Addr().String())
	server, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { server.Close() })
	return c, server.(*net.TCPConn)
}

// TestHandoffLeavesNothing has many connections live on in a receiver: weir keeps no descriptor of them.
func TestHandoffLeavesNothing(t *testing.T) {
	const n = 500
	w := newWorkspace(t)
	w.write("nginx.conf", `events { worker_connections 2000; }
		stream { server { listen {host}:9000 backlog=1000; handoff unix:{dir}/r timeout=20s; } }`)
	l := w.receive("r")
	s := w.start()
	warm := s.dial(9000)
	takeOver(t, l)
	before := s.descriptors()
	clients := map[string]*client{warm.LocalAddr().String(): warm}
	for range n {
		c := s.dial(9000)
		clients[c.LocalAddr().String()] = c
	}
	for range n {
		conn := takeOver(t, l)
		fmt.Fprint(conn, conn.RemoteAddr())
	}
	const channels = 64 // that are kept open
	eventually(t, "weir to close its copies", func() bool { return s.descriptors() <= before+channels })
	delete(clients, warm.LocalAddr().String())
	for addr, c := range clients {
		c.want(addr)
	}
}

// TestHandoffLosesNothing has clients send all the time, in pieces, while receivers refuse, die and accept: what the
// last receiver reads is what was sent.
func TestHandoffLosesNothing(t *testing.T) {
	w := newWorkspace(t)
	w.write("unwilling.py", `
import os, random, socket, sys, threading
def receive(weir):
    while True:
        message, fds, _, _ = socket.recv_fds(weir, 1 << 18, 4)
        if not message:
            return
        what = random.randrange(3)
        if what == 0:
            weir.send(b"R")
        for fd in fds:
            os.close(fd)
        if what == 1:
            weir.close()
            return
listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
listener.bind(sys.argv[1])
listener.listen(100)
while True:
    threading.Thread(target=receive, args=(listener.accept()[0],), daemon=True).start()
`)
	w.write("nginx.conf", `worker_processes 2; stream { server { listen {host}:9000; handoff unix:{dir}/unwilling timeout=500ms backup=unix:{dir}/r; } }`)
	l := w.receive("r")
	w.run("unwilling", "python3", w.path("unwilling.py"))
	s := w.start()
	const n, size = 40, 200 << 10
	received := make(chan stream, n)
	go func() {
		for range n {
			conn, err := l.Accept()
			if err != nil {
				received <- stream{err: err}
				continue
			}
			go func() {
				defer conn.Close()
				conn.SetDeadline(time.Now().Add(deadline))
				data, err := io.ReadAll(conn)
				received <- stream{conn.RemoteAddr().String(), data, err}
			}()
		}
	}()
	sent := make(map[string][]byte, n)
	var clients sync.WaitGroup
	for range n {
		c := s.dial(9000)
		data := make([]byte, size)
		for i := range data {
			data[i] = byte(rand.Uint32())
		}
		sent[c.LocalAddr().String()] = data
		clients.Go(func() {
			for len(data) > 0 {
				piece := min(len(data), 1+rand.IntN(8<<10))
				if _, err := c.Write(data[:piece]); err != nil {
					t.Error(err)
					return
				}
				data = data[piece:]
			}
			if err := c.Conn.(*net.TCPConn).CloseWrite(); err != nil {
				t.Error(err)
			}
		})
	}
	clients.Wait()
	for range n {
		got := <-received
		if want := sent[got.from]; got.err != nil || !bytes.Equal(got.data, want) {
			t.Errorf("%s: %d bytes of %d, or others (%v)", got.from, len(got.data), len(want), got.err)
		}
	}
}

// stream is what a receiver has read from a client.
type stream struct {
	from string
	data []byte
	err  error
}
