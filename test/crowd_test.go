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
