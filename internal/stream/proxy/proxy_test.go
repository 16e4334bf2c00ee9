package proxy

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/weirproxy/weir/internal/proxyproto"
	"github.com/weirproxy/weir/internal/stream/streamtest"
)

// backend listens on a free port and runs handle for each connection.
func backend(t *testing.T, handle func(net.Conn)) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var open sync.WaitGroup
	t.Cleanup(func() { l.Close(); open.Wait() })
	open.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			open.Go(func() { defer c.Close(); handle(c) })
		}
	})
	return l.Addr().String()
}

// plain is a server with nothing but a backend.
const plain = "server { listen 127.0.0.1:%PORT%; proxy_pass BACKEND; }"

// start runs a configuration whose BACKEND is a server that handles its connections so.
func start(t *testing.T, text string, handle func(net.Conn)) *streamtest.Server {
	t.Helper()
	return streamtest.Start(t, strings.ReplaceAll(text, "BACKEND", backend(t, handle)), Module)
}

func echo(c net.Conn) { io.Copy(c, c) }

// What cannot be bound to is named, as by nginx.
func TestBindFails(t *testing.T) {
	for local, want := range map[string]string{
		"192.0.2.1":      "bind(192.0.2.1) failed (99: Cannot assign requested address)",
		"192.0.2.1:8000": "bind(192.0.2.1:8000) failed (99: Cannot assign requested address)",
	} {
		s := start(t, "server { listen 127.0.0.1:%PORT%; proxy_bind "+local+
			"; proxy_pass BACKEND; }", echo)
		s.Ask(0, "")
		s.Settle()
		want += " while connecting to upstream, client: 127.0.0.1, server: 127.0.0.1:"
		if log := s.ErrorLog(); !strings.Contains(log, "[crit]") || !strings.Contains(log, want) {
			t.Errorf("%s: %s, want %s", local, log, want)
		}
	}
}

// An IPv6 address, as $remote_addr has it, is one to bind to.
func TestBindToClientsAddress(t *testing.T) {
	l, err := net.Listen("tcp", "[::1]:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	from := make(chan string, 1)
	go func() {
		if c, err := l.Accept(); err == nil {
			from <- c.RemoteAddr().(*net.TCPAddr).IP.String()
			c.Close()
		}
	}()
	s := streamtest.Start(t, "server { listen [::1]:%PORT%; proxy_bind $remote_addr; proxy_pass "+l.Addr().String()+"; }", Module)
	s.ReadAll(s.Dial(0))
	select {
	case got := <-from:
		if got != "::1" {
			t.Errorf("connected from %s", got)
		}
	default:
		t.Error("not connected")
	}
	if log := s.ErrorLog(); strings.Contains(log, "invalid local address") {
		t.Error(log)
	}
}

func TestEveryByteArrivesInOrder(t *testing.T) {
	for _, size := range []int{1, 1000, 64 << 10, 1<<20 + 7, 48 << 20} {
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			s := start(t, "server { listen 127.0.0.1:%PORT%; proxy_pass BACKEND; proxy_half_close on; }", echo)
			c := s.Dial(0).(*net.TCPConn)
			sent, got := sha256.New(), sha256.New()
			go func() {
				source := rand.NewChaCha8([32]byte{byte(size)})
				io.CopyN(io.MultiWriter(c, sent), source, int64(size))
				c.CloseWrite()
			}()
			n, err := io.Copy(got, c)
			if err != nil || n != int64(size) {
				t.Fatalf("%d of %d bytes came back: %v", n, size, err)
			}
			if !bytes.Equal(sent.Sum(nil), got.Sum(nil)) {
				t.Error("the bytes that came back are not those that were sent")
			}
		})
	}
}

func TestManySessionsOnTwoWorkers(t *testing.T) {
	s := streamtest.StartWorkers(t, 2, "server { listen 127.0.0.1:%PORT%; proxy_pass "+backend(t, echo)+"; }", Module)
	addr := s.Config.Listeners[0].Addr.String()
	var clients sync.WaitGroup
	for i := range 200 {
		clients.Go(func() {
			c, err := net.Dial("tcp", addr)
			if err != nil {
				t.Error(err)
				return
			}
			defer c.Close()
			c.SetDeadline(time.Now().Add(20 * time.Second))
			want := strings.Repeat(fmt.Sprintf("session %d ", i), 50)
			io.WriteString(c, want)
			got := make([]byte, len(want))
			if _, err := io.ReadFull(c, got); err != nil || string(got) != want {
				t.Errorf("session %d: got %.40q, %v", i, got, err)
			}
		})
	}
	clients.Wait()
}

func TestNextUpstream(t *testing.T) {
	s := start(t, `
		upstream u { server 127.0.0.1:%PORT1%; server BACKEND; }
		server { listen 127.0.0.1:%PORT%; proxy_pass u; }`, echo)
	for range 4 {
		c := s.Dial(0)
		io.WriteString(c, "x")
		if _, err := io.ReadFull(c, make([]byte, 1)); err != nil {
			t.Error(err)
		}
	}
}

func TestPeersEndReachesTheClientAfterItsBytes(t *testing.T) {
	s := start(t, plain, func(c net.Conn) { c.Write(bytes.Repeat([]byte("y"), 3<<20)) })
	got, err := io.ReadAll(s.Dial(0))
	if err != nil || len(got) != 3<<20 {
		t.Errorf("%d bytes, %v", len(got), err)
	}
}

func TestProxyProtocolHeaderGoesFirst(t *testing.T) {
	s := start(t, "server { listen 127.0.0.1:%PORT%; proxy_pass BACKEND; proxy_protocol on; }", echo)
	c := s.Dial(0)
	io.WriteString(c, "hello")
	want := fmt.Sprintf("PROXY TCP4 127.0.0.1 127.0.0.1 %d %d\r\nhello", c.LocalAddr().(*net.TCPAddr).Port,
		c.RemoteAddr().(*net.TCPAddr).Port)
	got := make([]byte, len(want))
	if _, err := io.ReadFull(c, got); err != nil || string(got) != want {
		t.Errorf("got %q, want %q, %v", got, want, err)
	}
}

func TestProxyProtocolVersion2(t *testing.T) {
	s := start(t, "server { listen 127.0.0.1:%PORT%; proxy_pass BACKEND; proxy_protocol v2; }", echo)
	c := s.Dial(0)
	io.WriteString(c, "hello")
	got := make([]byte, 28+5)
	if _, err := io.ReadFull(c, got); err != nil {
		t.Fatal(err)
	}
	var h proxyproto.Header
	n, err := proxyproto.Parse(got, &h)
	if err != nil || h.Source.String() != c.LocalAddr().String() || h.Destination.String() != c.RemoteAddr().String() ||
		string(got[n:]) != "hello" {
		t.Errorf("%q: %+v, %v", got, h, err)
	}
}

func TestIdleSessionTimesOut(t *testing.T) {
	s := start(t, "proxy_timeout 50ms; "+plain, echo)
	if _, err := io.ReadAll(s.Dial(0)); err != nil {
		t.Error(err)
	}
}

// Small pieces of many sessions at once are written late. None may be lost, also where clients do not read until the
// sockets on their way are full.
func TestSmallPiecesOfManySessions(t *testing.T) {
	const sessions, size = 20, 8 << 20
	s := start(t, "server { listen 127.0.0.1:%PORT%; proxy_pass BACKEND; proxy_half_close on; }", echo)
	var running sync.WaitGroup
	for i := range sessions {
		c := s.Dial(0).(*net.TCPConn)
		c.SetDeadline(time.Now().Add(time.Minute))
		sum := make(chan []byte, 1)
		running.Go(func() {
			sent := sha256.New()
			pieces := rand.New(rand.NewPCG(1, uint64(i)))
			source := rand.NewChaCha8([32]byte{byte(i)})
			for left := int64(size); left > 0; {
				n, err := io.CopyN(io.MultiWriter(c, sent), source, min(left, 1+pieces.Int64N(3000)))
				if left -= n; err != nil {
					t.Error(err)
					return
				}
			}
			sum <- sent.Sum(nil)
			c.CloseWrite()
		})
		running.Go(func() {
			got := sha256.New()
			pause := make([]byte, 64)
			for range i % 4 { // a slow reader at the beginning
				n, _ := io.ReadFull(c, pause)
				got.Write(pause[:n])
				s.Settle()
			}
			n, err := io.Copy(got, c)
			if want := int64(size - i%4*len(pause)); err != nil || n != want {
				t.Errorf("session %d: %d of %d bytes came back: %v", i, n, want, err)
			} else if !bytes.Equal(<-sum, got.Sum(nil)) {
				t.Errorf("session %d: the bytes that came back are not those that were sent", i)
			}
		})
	}
	running.Wait()
}

// Small pieces that clients do not take are kept until they do.
func TestSmallPiecesThatAreNotTaken(t *testing.T) {
	const sessions, pieces, size = 4, 400, 1500
	peers := make(chan net.Conn, sessions)
	ended := make(chan struct{})
	s := start(t, "server { listen 127.0.0.1:%PORT% sndbuf=4k; proxy_pass BACKEND; }", func(c net.Conn) {
		peers <- c
		<-ended
	})
	var clients [sessions]*net.TCPConn
	var behind [sessions]net.Conn
	for i := range clients {
		clients[i] = s.Dial(0).(*net.TCPConn)
		behind[i] = <-peers
	}
	want := ""
	for n := range pieces {
		resume := s.Pause() // all pieces of a turn come in one round
		piece := strings.Repeat(string(rune('a'+n%26)), size)
		for _, c := range behind {
			io.WriteString(c, piece)
		}
		resume()
		s.Settle()
		want += piece
	}
	close(ended) // the peers finish while clients have not read all
	for i, c := range clients {
		got, err := io.ReadAll(c)
		if err != nil || string(got) != want {
			t.Errorf("session %d: %d of %d bytes, %v", i, len(got), len(want), err)
		}
	}
}

// Clients and peers that reset while bytes go both ways: their sessions end, and others are served.
func TestResetsOnBothSides(t *testing.T) {
	s := start(t, plain, func(c net.Conn) {
		b := make([]byte, 100)
		c.Read(b)
		c.Write(b[:1])
		c.Read(b)
		c.(*net.TCPConn).SetLinger(0)
	})
	var clients sync.WaitGroup
	for range 16 {
		clients.Go(func() {
			for range 150 {
				c := s.Dial(0)
				io.WriteString(c, "1")
				c.Read(make([]byte, 10))
				for range 6 {
					if _, err := io.WriteString(c, "2"); err != nil {
						break
					}
				}
				c.(*net.TCPConn).SetLinger(0)
				c.Close()
			}
		})
	}
	clients.Wait()
	c := s.Dial(0)
	s.Send(c, "1")
	if _, err := io.ReadFull(c, make([]byte, 1)); err != nil {
		t.Errorf("afterwards: %v", err)
	}
}

// A peer that sends much and then resets the connection has not ended it in order.
func TestResetAfterBulk(t *testing.T) {
	const size = 8 << 20
	closed := make(chan struct{})
	s := start(t, plain, func(c net.Conn) {
		c.Write(make([]byte, size))
		c.(*net.TCPConn).SetLinger(0)
		c.Close()
		close(closed)
	})
	c := s.Dial(0)
	if _, err := io.CopyN(io.Discard, c, 1<<20); err != nil { // and then slowly, so that all buffers are full
		t.Fatal(err)
	}
	for buf := make([]byte, 64<<10); ; s.Settle() {
		if _, err := c.Read(buf); err != nil {
			break
		}
	}
	<-closed
	s.Settle()
	if log := s.ErrorLog(); !strings.Contains(log, "recv() failed (104: Connection reset by peer) while proxying and reading from upstream") {
		t.Errorf("the log says\n%s", log)
	}
}

// Bytes that are spliced are counted, also when the peer makes pauses.
func TestBulkIsCounted(t *testing.T) {
	const pieces, size = 8, 2 << 20
	next := make(chan struct{}, pieces)
	s := start(t, plain, func(c net.Conn) {
		for range pieces {
			c.Write(make([]byte, size))
			<-next
		}
	})
	c := s.Dial(0)
	for range pieces {
		if _, err := io.CopyN(io.Discard, c, size); err != nil {
			t.Fatal(err)
		}
		s.Settle()
		next <- struct{}{}
	}
	s.ReadAll(c)
	s.Settle()
	want := fmt.Sprintf("bytes from/to client:0/%d, bytes from/to upstream:%[1]d/0", pieces*size)
	if log := s.ErrorLog(); !strings.Contains(log, want) {
		t.Errorf("no %q in\n%s", want, log)
	}
}
