package handover_test

import (
	"io"
	"net"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/weirproxy/weir/handoff"
	"github.com/weirproxy/weir/internal/stream"
	"github.com/weirproxy/weir/internal/stream/accesslog"
	"github.com/weirproxy/weir/internal/stream/handover"
	"github.com/weirproxy/weir/internal/stream/returns"
	"github.com/weirproxy/weir/internal/stream/setvar"
	"github.com/weirproxy/weir/internal/stream/streamtest"
)

const patience = 10 * time.Second

// start runs a configuration; receivers are made in its folder afterwards.
func start(t *testing.T, text string, more ...*stream.Module) *streamtest.Server {
	t.Helper()
	return streamtest.Start(t, `log_format h "$status [$handoff_status] [$handoff_receiver]"; access_log %DIR%/access.log h;`+text,
		append([]*stream.Module{handover.Module, returns.Module, setvar.Module, accesslog.Module}, more...)...)
}

func listen(t *testing.T, s *streamtest.Server, name string) *handoff.Listener {
	t.Helper()
	l, err := handoff.Listen(filepath.Join(s.Dir, name))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	l.SetDeadline(time.Now().Add(patience))
	return l
}

func accept(t *testing.T, l *handoff.Listener) *handoff.Conn {
	t.Helper()
	c, err := l.AcceptHandoff()
	if err != nil {
		t.Fatal(err)
	}
	c.SetDeadline(time.Now().Add(patience))
	t.Cleanup(func() { c.Close() })
	return c
}

func read(t *testing.T, r io.Reader, want string) {
	t.Helper()
	got := make([]byte, len(want))
	if n, err := io.ReadFull(r, got); err != nil || string(got) != want {
		t.Fatalf("read %q (%v), want %q", got[:n], err, want)
	}
}

// logged waits for n lines of the access log and returns the last.
func logged(t *testing.T, s *streamtest.Server, n int) string {
	t.Helper()
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(time.Millisecond) {
		s.Settle()
		s.Files.Flush(patience)
		if lines := strings.Split(strings.TrimSuffix(s.File("access.log"), "\n"), "\n"); len(lines) >= n && lines[n-1] != "" {
			return strings.ReplaceAll(lines[n-1], s.Dir, "")
		}
	}
	t.Fatalf("no %d lines in the access log:\n%s", n, s.File("access.log"))
	return ""
}

// receiver is one that does with each message what a test wants.
func receiver(t *testing.T, s *streamtest.Server, name string, each func(c *net.UnixConn, fd int) (more bool)) {
	t.Helper()
	l, err := net.ListenUnix("unixpacket", &net.UnixAddr{Name: filepath.Join(s.Dir, name), Net: "unixpacket"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.AcceptUnix()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				buf, control := make([]byte, handoff.MaxMessage), make([]byte, 64)
				for {
					_, n, _, _, err := c.ReadMsgUnix(buf, control)
					if err != nil || n == 0 {
						return
					}
					messages, _ := syscall.ParseSocketControlMessage(control[:n])
					fds, _ := syscall.ParseUnixRights(&messages[0])
					more := each(c, fds[0])
					syscall.Close(fds[0])
					if !more {
						return
					}
				}
			}()
		}
	}()
}

func refuse(c *net.UnixConn, _ int) bool { c.Write([]byte{handoff.Refused}); return true }
func die(*net.UnixConn, int) bool        { return false }
func sulk(*net.UnixConn, int) bool       { return true }

func TestHandOver(t *testing.T) {
	s := start(t, `handoff_meta colour $colour; server { listen 127.0.0.1:%PORT%; set $colour blue; handoff unix:%DIR%/r; }`)
	l := listen(t, s, "r")
	for n := range 5 {
		client := s.Dial(0)
		s.Send(client, "early")
		c := accept(t, l)
		if c.RemoteAddr().String() != client.LocalAddr().String() || c.LocalAddr().String() != client.RemoteAddr().String() {
			t.Errorf("addresses %v %v", c.RemoteAddr(), c.LocalAddr())
		}
		if c.Meta["colour"] != "blue" || c.UniqueID == "" {
			t.Errorf("metadata %+v", c.Metadata)
		}
		s.Send(client, " late")
		read(t, c, "early late")
		io.WriteString(c, "answer")
		read(t, client, "answer")
		if got := logged(t, s, n+1); got != "200 [accepted] [unix:/r]" {
			t.Errorf("log %q", got)
		}
		c.Close()
		if got := s.ReadAll(client); got != "" {
			t.Errorf("%q after the end", got)
		}
	}
}

// TestNextReceiver has receivers fail in every way before one takes the session.
func TestNextReceiver(t *testing.T) {
	s := start(t, `server { listen 127.0.0.1:%PORT%; handoff unix:%DIR%/none timeout=20ms backup=unix:%DIR%/refuses
		backup=unix:%DIR%/dies backup=unix:%DIR%/sulks backup=unix:%DIR%/takes; }`)
	receiver(t, s, "refuses", refuse)
	receiver(t, s, "dies", die)
	receiver(t, s, "sulks", sulk)
	l := listen(t, s, "takes")
	client := s.Dial(0)
	s.Send(client, "ping")
	c := accept(t, l)
	read(t, c, "ping")
	io.WriteString(c, "pong")
	read(t, client, "pong")
	want := "200 [failed, refused, gone, timeout, accepted] [unix:/none, unix:/refuses, unix:/dies, unix:/sulks, unix:/takes]"
	if got := logged(t, s, 1); got != want {
		t.Errorf("log %q, want %q", got, want)
	}
	errors := strings.ReplaceAll(s.ErrorLog(), s.Dir, "")
	for _, want := range []string{
		`connect() to unix:/none failed (2: No such file or directory) while handing over connection, client: 127.0.0.1, server: `,
		`refused by the receiver, receiver: "unix:/refuses" while handing over connection`,
		`receiver closed the connection before it answered, receiver: "unix:/dies"`,
		`receiver timed out (110: Connection timed out), receiver: "unix:/sulks"`,
	} {
		if !strings.Contains(errors, want) {
			t.Errorf("no %q in\n%s", want, errors)
		}
	}
}

func TestNobodyTakesIt(t *testing.T) {
	s := start(t, `
		server { listen 127.0.0.1:%PORT%;  handoff unix:%DIR%/refuses; }
		server { listen 127.0.0.1:%PORT1%; handoff unix:%DIR%/refuses fallback=127.0.0.1:%PORT2%; }
		server { listen 127.0.0.1:%PORT2%; return "instead: $handoff_status"; }
		server { listen 127.0.0.1:%PORT3%; set $where unix:nowhere; handoff $where; }
		server { listen 127.0.0.1:%PORT4%; handoff $remote_addr; }
		server { listen 127.0.0.1:%PORT5%; set $empty ""; handoff $empty backup=$empty; }`)
	receiver(t, s, "refuses", refuse)
	for n, want := range []struct{ answer, log string }{
		{"", "502 [refused] [unix:/refuses]"},
		{"instead: refused", "200 [refused] [unix:/refuses]"},
		{}, // listens only
		{"", "502 [failed] [unix:nowhere]"},
		{"", "502 [invalid] [127.0.0.1]"},
		{"", "502 [invalid, invalid] [-, -]"},
	} {
		if n == 2 {
			continue
		}
		if got := s.Ask(n, ""); got != want.answer {
			t.Errorf("%d: %q", n, got)
		}
		if n > 2 {
			n--
		}
		if got := logged(t, s, n+1); got != want.log {
			t.Errorf("%d: log %q", n, got)
		}
	}
}

// TestClosedThoughAReceiverKeepsIt has a receiver neither answer nor close: the client is told that it is over.
func TestClosedThoughAReceiverKeepsIt(t *testing.T) {
	s := start(t, `server { listen 127.0.0.1:%PORT%; handoff unix:%DIR%/keeps timeout=10ms; }`)
	over := make(chan struct{})
	receiver(t, s, "keeps", func(*net.UnixConn, int) bool { <-over; return false })
	if got := s.Ask(0, "hello"); got != "" {
		t.Errorf("%q", got)
	}
	close(over)
}

// TestRestartedReceiver has the channel that was kept be of no use any more: a new one is, and nothing is logged.
func TestRestartedReceiver(t *testing.T) {
	s := start(t, `server { listen 127.0.0.1:%PORT%; handoff unix:%DIR%/r; }`)
	for n := range 3 {
		l := listen(t, s, "r")
		s.Dial(0)
		accept(t, l)
		if got := logged(t, s, n+1); got != "200 [accepted] [unix:/r]" {
			t.Errorf("log %q", got)
		}
		release := s.Pause() // so that the worker does not see the channel's end before the next session
		l.Close()
		if n < 2 {
			l = listen(t, s, "r")
			s.Dial(0)
			release()
			accept(t, l)
			l.Close()
			continue
		}
		release()
	}
	if text := s.ErrorLog(); strings.Contains(text, "[error]") {
		t.Errorf("log:\n%s", text)
	}
}

// TestRestartedWithAMessageUnread has a channel that has served be closed with a session on it: the receiver is asked
// once more, on a new one, and not a third time.
func TestRestartedWithAMessageUnread(t *testing.T) {
	s := start(t, `server { listen 127.0.0.1:%PORT%; handoff unix:%DIR%/r; }`)
	var n atomic.Int32
	receiver(t, s, "r", func(c *net.UnixConn, _ int) bool {
		if message := n.Add(1); message == 2 || message > 3 {
			return false
		}
		c.Write([]byte{handoff.Accepted})
		return true
	})
	for i, want := range []string{"accepted", "accepted", "gone"} {
		s.Dial(0)
		if got := logged(t, s, i+1); !strings.Contains(got, "["+want+"]") {
			t.Errorf("%d: log %q", i, got)
		}
	}
	if n.Load() != 5 {
		t.Errorf("%d messages sent", n.Load())
	}
}

// TestBurst has more sessions than there may be channels.
func TestBurst(t *testing.T) {
	s := start(t, `server { listen 127.0.0.1:%PORT%; handoff unix:%DIR%/r timeout=10s; }`)
	release := s.Pause()
	s.Config.WorkerConnections = 1000
	release()
	l := listen(t, s, "r")
	const n = 200
	clients := map[string]net.Conn{}
	for range n {
		c := s.Dial(0)
		clients[c.LocalAddr().String()] = c
	}
	for range n {
		c := accept(t, l)
		io.WriteString(c, c.RemoteAddr().String())
		c.Close()
	}
	for addr, c := range clients {
		if got := s.ReadAll(c); got != addr {
			t.Errorf("%s was answered %q", addr, got)
		}
	}
}

// TestAllChannelsAreLost has a receiver close all of its channels with sessions on them, and be slow to take new ones,
// while more sessions wait: those that are sent again need channels that have not served yet.
func TestAllChannelsAreLost(t *testing.T) {
	s := start(t, `server { listen 127.0.0.1:%PORT%; handoff unix:%DIR%/r timeout=10s; }`)
	release := s.Pause()
	s.Config.WorkerConnections = 1000
	release()
	l, err := net.ListenUnix("unixpacket", &net.UnixAddr{Name: filepath.Join(s.Dir, "r"), Net: "unixpacket"})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	raw, _ := l.SyscallConn()
	raw.Control(func(fd uintptr) { err = syscall.Listen(int(fd), 1) })
	if err != nil {
		t.Fatal(err)
	}
	const channels, waiting = 64, 70
	var (
		first, lost sync.WaitGroup
		anew        sync.WaitGroup
		accepted    int
	)
	gate := make(chan struct{}, 1) // full: nothing is accepted
	first.Add(channels)
	lost.Add(channels)
	anew.Add(channels)
	together := func(all *sync.WaitGroup) { all.Done(); all.Wait() } // so that each session has a channel of its own
	serve := func(c *net.UnixConn, number int) {
		defer c.Close()
		buf, control := make([]byte, handoff.MaxMessage), make([]byte, 64)
		for n := 0; ; n++ {
			_, k, _, _, err := c.ReadMsgUnix(buf, control)
			if err != nil || k == 0 {
				return
			}
			messages, _ := syscall.ParseSocketControlMessage(control[:k])
			fds, _ := syscall.ParseUnixRights(&messages[0])
			syscall.Close(fds[0])
			switch {
			case number < channels && n == 0:
				together(&first)
			case number < channels:
				together(&lost)
				return
			case number < 2*channels && n == 0:
				together(&anew)
			}
			c.Write([]byte{handoff.Accepted})
		}
	}
	go func() {
		for {
			gate <- struct{}{}
			<-gate
			c, err := l.AcceptUnix()
			if err != nil {
				return
			}
			go serve(c, accepted)
			accepted++
		}
	}()
	for range channels {
		s.Dial(0)
	}
	logged(t, s, channels)
	gate <- struct{}{}
	for range channels + waiting {
		s.Dial(0)
	}
	lost.Wait()
	s.Settle()
	<-gate
	logged(t, s, 2*channels+waiting)
	if n := strings.Count(s.File("access.log"), " [accepted] "); n != 2*channels+waiting {
		t.Errorf("%d of %d sessions were accepted", n, 2*channels+waiting)
	}
}

// TestStrayAnswers: what a receiver says beside its answer is not taken for the answer to another session.
func TestStrayAnswers(t *testing.T) {
	s := start(t, `server { listen 127.0.0.1:%PORT%; handoff unix:%DIR%/babbles timeout=10s backup=unix:%DIR%/takes; }`)
	release := s.Pause()
	s.Config.WorkerConnections = 1000
	release()
	receiver(t, s, "babbles", func(c *net.UnixConn, _ int) bool {
		defer s.Pause()() // so that the worker finds both in one event
		c.Write([]byte{handoff.Refused})
		c.Write([]byte{handoff.Accepted})
		return true
	})
	l := listen(t, s, "takes")
	for range 3 {
		release := s.Pause()
		for range 100 {
			s.Dial(0)
		}
		release()
		for range 100 {
			accept(t, l).Close()
		}
	}
}

func TestRaw(t *testing.T) {
	for _, kind := range []string{"unix", "unixgram", "unixpacket"} {
		t.Run(kind, func(t *testing.T) {
			s := start(t, `server { listen 127.0.0.1:%PORT%; handoff unix:%DIR%/r raw; }`)
			next := rawReceiver(t, kind, filepath.Join(s.Dir, "r"))
			for range 3 {
				client := s.Dial(0)
				s.Send(client, "ping")
				c := next()
				read(t, c, "ping")
				io.WriteString(c, "pong")
				read(t, client, "pong")
			}
			if got := logged(t, s, 3); got != "200 [sent] [unix:/r]" {
				t.Errorf("log %q", got)
			}
		})
	}
}

// rawReceiver takes one descriptor per connection, as receivers do that people have.
func rawReceiver(t *testing.T, kind, path string) (next func() net.Conn) {
	t.Helper()
	addr := &net.UnixAddr{Name: path, Net: kind}
	from := func() *net.UnixConn { return nil }
	if kind == "unixgram" {
		c, err := net.ListenUnixgram(kind, addr)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
		c.SetDeadline(time.Now().Add(patience))
		from = func() *net.UnixConn { return c }
	} else {
		l, err := net.ListenUnix(kind, addr)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { l.Close() })
		l.SetDeadline(time.Now().Add(patience))
		from = func() *net.UnixConn {
			c, err := l.AcceptUnix()
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { c.Close() })
			return c
		}
	}
	return func() net.Conn {
		payload, control := make([]byte, 16), make([]byte, 64)
		n, m, _, _, err := from().ReadMsgUnix(payload, control)
		if err != nil || n != 1 {
			t.Fatalf("%d bytes of payload, %v", n, err)
		}
		messages, _ := syscall.ParseSocketControlMessage(control[:m])
		fds, err := syscall.ParseUnixRights(&messages[0])
		if err != nil {
			t.Fatal(err)
		}
		c := connOf(t, fds[0])
		c.SetDeadline(time.Now().Add(patience))
		return c
	}
}
