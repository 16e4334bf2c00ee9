package test

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// TestCrowd: what many clients say at the same moment comes back to each, whatever its size, by a proxied session and by
// Lua, while others of them go away in the middle of a line; and what is said last does so too.
func TestCrowd(t *testing.T) {
	s := start(t, `stream {
		server { listen {host}:9000; proxy_pass `+echoBackend(t)+`; proxy_half_close on; }
		server {
			listen {host}:9001;
			lua_socket_log_errors off;
			content_by_lua_block {
				local sock = assert(ngx.req.socket(true))
				while true do
					local line, err, part = sock:receive()
					if not line then
						return sock:send(part)
					end
					sock:send(line .. "\n")
				end
			}
		}
	}`)
	const clients, rounds = 100, 40
	for _, port := range []int{9000, 9001} {
		var all []*crowdClient
		for i := range clients {
			conn, err := net.Dial("tcp", s.addr(port))
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { conn.Close() })
			conn.SetDeadline(time.Now().Add(deadline))
			all = append(all, &crowdClient{conn.(*net.TCPConn), rand.New(rand.NewPCG(uint64(port), uint64(i)))})
		}
		for round := range rounds {
			together(t, all, func(c *crowdClient) error { return c.echo(round) })
			for _, c := range all[clients/2:] {
				if c.IntN(rounds) == 0 {
					c.reset()
				}
			}
		}
		together(t, all, (*crowdClient).lastWord)
	}
}

type crowdClient struct {
	*net.TCPConn
	*rand.Rand
}

// together runs fn for all at once.
func together(t *testing.T, all []*crowdClient, fn func(*crowdClient) error) {
	t.Helper()
	var group sync.WaitGroup
	for i, c := range all {
		if c.TCPConn == nil {
			continue
		}
		group.Go(func() {
			if err := fn(c); err != nil {
				t.Errorf("client %d: %v", i, err)
			}
		})
	}
	group.Wait()
}

// echo says a line, mostly a short one, in one piece or two.
func (c *crowdClient) echo(round int) error {
	size := c.IntN(200)
	if c.IntN(8) == 0 {
		size = c.IntN(10_000)
	}
	line := []byte(fmt.Sprintf("%d %s\n", round, strings.Repeat("x", size)))
	cut := c.IntN(len(line) + 1)
	for _, part := range [][]byte{line[:cut], line[cut:]} {
		if _, err := c.Write(part); err != nil {
			return err
		}
	}
	got := make([]byte, len(line))
	if n, err := io.ReadFull(c, got); err != nil || !bytes.Equal(got, line) {
		return fmt.Errorf("round %d: %d of %d bytes, %v", round, n, len(line), err)
	}
	return nil
}

// lastWord says something and finishes at once: it comes back, and then the end.
func (c *crowdClient) lastWord() error {
	fmt.Fprint(c, "good", "bye")
	c.CloseWrite()
	if got, err := io.ReadAll(c); err != nil || string(got) != "goodbye" {
		return fmt.Errorf("%q, %v", got, err)
	}
	return nil
}

// reset goes away in the middle of a line.
func (c *crowdClient) reset() {
	if c.TCPConn != nil {
		fmt.Fprint(c, "never")
		c.SetLinger(0)
		c.Close()
		c.TCPConn = nil
	}
}

// TestCrowdLingers: a client has not read all of its answer when the peer finishes, and what it says at that moment is read
// together with what others say. The answer is not lost for that (lingering_close).
func TestCrowdLingers(t *testing.T) {
	const answer = 60_000
	answered, finish, finished := make(chan struct{}), make(chan struct{}), make(chan struct{})
	peer := backend(t, func(conn net.Conn) {
		io.ReadFull(conn, make([]byte, 6))
		conn.Write(make([]byte, answer))
		if !within(deadline, func() bool { return unacknowledged(conn) == 0 }) {
			t.Error("the answer was not taken")
		}
		close(answered)
		<-finish
		conn.(*net.TCPConn).CloseWrite()
		close(finished)
		io.Copy(io.Discard, conn)
	})
	s := start(t, `worker_processes 1; stream {
		server { listen {host}:9000; proxy_pass `+peer+`; }
		server {
			listen {host}:9001;
			content_by_lua_block {
				local sock = assert(ngx.req.socket(true))
				while true do
					local line = sock:receive()
					if not line then
						return
					end
					sock:send("begun\n")
					ngx.flush()
					local till = os.clock() + tonumber(line)
					while os.clock() < till do end
					sock:send("done\n")
				end
			}
		}
	}`)
	var crowd []*client
	for range 12 {
		crowd = append(crowd, s.dial(9001))
	}
	each := func(fn func(c *client)) {
		for _, c := range crowd {
			fn(c)
		}
	}
	ask := func() { each(func(c *client) { c.send("0\n") }) }
	heard := func() { each(func(c *client) { c.want("begun\ndone\n") }) }
	c := s.small(9000)
	c.send("hello\n")
	<-answered
	for range 2 { // and when others have been served, weir has read the answer and sent it
		ask()
		heard()
	}
	busy := s.dial(9001)
	busy.send("0.5\n")
	busy.want("begun\n") // the worker sees all of what follows at once
	close(finish)
	<-finished
	c.send("more\n")
	ask()
	busy.want("done\n")
	heard()
	c.send("still more\n") // to a connection that is closed it would bring a reset
	if n, err := io.Copy(io.Discard, c.r); n != answer || err != nil {
		t.Errorf("%d of %d bytes, %v", n, answer, err)
	}
}

// unacknowledged is how many bytes the other side's kernel has not got yet.
func unacknowledged(conn net.Conn) (n int) {
	raw, err := conn.(*net.TCPConn).SyscallConn()
	if err == nil {
		raw.Control(func(fd uintptr) { n, err = unix.IoctlGetInt(int(fd), unix.SIOCOUTQ) })
	}
	if err != nil {
		return -1
	}
	return n
}
