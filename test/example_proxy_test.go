package test

import (
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"
)

func TestExampleProxy(t *testing.T) { eachServer(t, "proxy", testProxy) }

func testProxy(t *testing.T, s *server) {
	s.allow("7010") // where nobody listens

	// Two sessions, one of which is given the dead peer first.
	for range 2 {
		c := s.dialFrom(s.host, 7003)
		c.send("hello\n")
		c.want("peer public\nhello\n") // the byte that was peeked at is still there
		c.Close()
	}
	s.waitLog(`another peer, as the last one failed`)

	admin := s.dialFrom(s.host, 7003)
	admin.send("!status\n")
	admin.want("peer admin\n!status\n")
	admin.Close()

	stranger := s.dialFrom("127.0.0.2", 7003)
	stranger.send("!")
	stranger.want("go away: not from 127.0.0.2\n")
	stranger = s.dialFrom("127.0.0.2", 7003)
	stranger.send("hello\n")
	stranger.want("peer public\nhello\n")
	stranger.Close()

	tls := s.dialFrom(s.host, 7003)
	tls.send("\x16")
	tls.want("go away: no TLS here\n")

	var sessions, refused, retried int
	eventually(t, "a summary of all six sessions", func() bool {
		sessions, refused, retried = summaries(s)
		return sessions == 6
	})
	if refused != 2 || retried != 2 {
		t.Errorf("%d refused and %d retried, want 2 and 2", refused, retried)
	}
}

// summaries adds up what the collector has been told.
func summaries(s *server) (sessions, refused, retried int) {
	for line := range strings.Lines(s.log()) {
		_, text, found := strings.Cut(line, "summary: ")
		var n [5]int
		if !found {
			continue
		}
		if _, err := fmt.Sscanf(text, "sessions=%d refused=%d retried=%d received=%d sent=%d",
			&n[0], &n[1], &n[2], &n[3], &n[4]); err != nil {
			s.t.Fatalf("%q: %v", text, err)
		}
		sessions, refused, retried = sessions+n[0], refused+n[1], retried+n[2]
	}
	return sessions, refused, retried
}

// Sessions are served while one configuration after the other takes over, each with a Lua of its own.
func TestExampleProxyReload(t *testing.T) {
	s := startExample(t, binary, "proxy", nil)
	s.allow("7010")
	done := make(chan struct{})
	var clients sync.WaitGroup
	for range 4 {
		clients.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
				}
				if err := s.sayHello(); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	for range 10 {
		s.reload(s.read("nginx.conf"))
	}
	close(done)
	clients.Wait()
}

// sayHello has a session with a public peer.
func (w *workspace) sayHello() error {
	conn, err := net.DialTimeout("tcp", w.addr(7003), deadline)
	if err != nil {
		return err
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(deadline))
	const request, want = "hello\n", "peer public\nhello\n"
	if _, err := io.WriteString(conn, request); err != nil {
		return err
	}
	got := make([]byte, len(want))
	if n, err := io.ReadFull(conn, got); err != nil || string(got) != want {
		return fmt.Errorf("received %q (%v)", got[:n], err)
	}
	return nil
}
