package handoff

import (
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

const patience = 10 * time.Second

func listen(t *testing.T, lc ListenConfig) (*Listener, string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "s")
	l, err := lc.Listen(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	l.SetDeadline(time.Now().Add(patience))
	return l, path
}

// pair is a connection and its client.
func pair(t *testing.T) (client, server *net.TCPConn) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	c, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	s, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close(); s.Close() })
	c.SetDeadline(time.Now().Add(patience))
	return c.(*net.TCPConn), s.(*net.TCPConn)
}

func send(path string, conn syscall.Conn, m *Message) <-chan error {
	sent := make(chan error, 1)
	go func() { sent <- Send(path, conn, m) }()
	return sent
}

func accept(t *testing.T, l *Listener) *Conn {
	t.Helper()
	c, err := l.AcceptHandoff()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

func wantRead(t *testing.T, r io.Reader, want string) {
	t.Helper()
	got := make([]byte, len(want))
	if n, err := io.ReadFull(r, got); err != nil || string(got) != want {
		t.Fatalf("read %q (%v), want %q", got[:n], err, want)
	}
}

func TestConnectionLivesOn(t *testing.T) {
	l, path := listen(t, ListenConfig{})
	client, server := pair(t)
	io.WriteString(client, "consumed and not")
	wantRead(t, server, "consumed")
	sent := send(path, server, &Message{Consumed: []byte("consumed"),
		Metadata: Metadata{SNI: "example.com", Meta: map[string]string{"k": "v"}}})
	c := accept(t, l)
	if err := <-sent; err != nil {
		t.Fatal(err)
	}
	server.Close()
	if c.RemoteAddr().String() != client.LocalAddr().String() || c.LocalAddr().String() != client.RemoteAddr().String() {
		t.Errorf("addresses %v, %v", c.RemoteAddr(), c.LocalAddr())
	}
	if c.SNI != "example.com" || c.Meta["k"] != "v" {
		t.Errorf("metadata %+v", c.Metadata)
	}
	wantRead(t, c, "consumed and not")
	io.WriteString(c, "answer")
	c.CloseWrite()
	got, err := io.ReadAll(client)
	if string(got) != "answer" || err != nil {
		t.Errorf("%q, %v", got, err)
	}
	c.SetReadDeadline(time.Now().Add(time.Millisecond))
	if _, err := c.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("deadline: %v", err)
	}
}

func TestHandedOnWithAllItCameWith(t *testing.T) {
	first, firstPath := listen(t, ListenConfig{})
	second, secondPath := listen(t, ListenConfig{})
	client, server := pair(t)
	sent := send(firstPath, server, &Message{Consumed: []byte("abc"), Metadata: Metadata{Protocol: "ssh"}})
	c := accept(t, first)
	wantRead(t, c, "a")
	if err := <-sent; err != nil {
		t.Fatal(err)
	}
	sent = send(secondPath, c, nil)
	d := accept(t, second)
	if err := <-sent; err != nil {
		t.Fatal(err)
	}
	if d.Protocol != "ssh" || d.RemoteAddr().String() != client.LocalAddr().String() {
		t.Errorf("%+v from %v", d.Metadata, d.RemoteAddr())
	}
	io.WriteString(client, "d")
	client.CloseWrite()
	var got strings.Builder
	if _, err := io.Copy(&got, d); err != nil || got.String() != "bcd" {
		t.Errorf("%q, %v", got.String(), err)
	}
}

func TestSenderReconnects(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	sender := Sender{Path: path}
	defer sender.Close()
	for range 3 {
		l, err := Listen(path)
		if err != nil {
			t.Fatal(err)
		}
		for range 2 {
			_, server := pair(t)
			sent := make(chan error, 1)
			go func() { sent <- sender.Send(server, nil) }()
			accept(t, l)
			if err := <-sent; err != nil {
				t.Fatal(err)
			}
		}
		if n := len(sender.idle); n != 1 {
			t.Errorf("%d connections kept", n)
		}
		l.Close()
	}
	_, server := pair(t)
	if err := sender.Send(server, nil); !errors.Is(err, syscall.ENOENT) {
		t.Errorf("nobody listens: %v", err)
	}
}

func TestManySenders(t *testing.T) {
	l, path := listen(t, ListenConfig{})
	sender := Sender{Path: path, Timeout: patience}
	defer sender.Close()
	const n = 50
	var all sync.WaitGroup
	for range n {
		_, server := pair(t)
		all.Go(func() {
			if err := sender.Send(server, nil); err != nil {
				t.Error(err)
			}
		})
	}
	for range n {
		accept(t, l)
	}
	all.Wait()
}

// TestLateAnswer has Accept be called when the sender has given up: the connection is the sender's, and Accept must not
// return it.
func TestLateAnswer(t *testing.T) {
	l, path := listen(t, ListenConfig{})
	_, server := pair(t)
	sender := Sender{Path: path, Timeout: 20 * time.Millisecond}
	if err := sender.Send(server, nil); err != ErrTimeout {
		t.Fatalf("%v", err)
	}
	if len(sender.idle) != 0 {
		t.Error("the connection is kept")
	}
	for end := time.Now().Add(patience); l.hasSender(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("the listener still has what nobody wants to give it any more")
		}
	}
	_, server = pair(t)
	if err := sender.Send(server, nil); err != ErrTimeout {
		t.Fatalf("%v", err)
	}
	client, server := pair(t)
	sent := send(path, server, nil)
	c := accept(t, l)
	if c.RemoteAddr().String() != client.LocalAddr().String() {
		t.Errorf("accepted %v, which was given up", c.RemoteAddr())
	}
	if err := <-sent; err != nil {
		t.Error(err)
	}
}

// TestAnswerInTimeButUnread has the answer come before the sender gives up, but be looked at only after: it counts.
func TestAnswerInTimeButUnread(t *testing.T) {
	fds, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_SEQPACKET|syscall.SOCK_NONBLOCK, 0)
	if err != nil {
		t.Fatal(err)
	}
	var ends [2]*net.UnixConn
	for i, fd := range fds {
		file := os.NewFile(uintptr(fd), "")
		c, err := net.FileConn(file)
		file.Close()
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		ends[i] = c.(*net.UnixConn)
	}
	ends[1].Write([]byte{Accepted})
	ends[0].SetDeadline(time.Now().Add(-time.Second))
	if err := await(ends[0]); err != nil {
		t.Errorf("%v", err)
	}
	if _, err := ends[1].Write([]byte{Accepted}); !errors.Is(err, syscall.EPIPE) {
		t.Errorf("an answer after the timeout: %v", err)
	}
}

func TestRefusals(t *testing.T) {
	l, path := listen(t, ListenConfig{})
	_, server := pair(t)
	sent := send(path, server, nil)
	for end := time.Now().Add(patience); !l.hasSender() && time.Now().Before(end); {
		time.Sleep(time.Millisecond)
	}
	l.Close()
	if err := <-sent; err != ErrGone {
		t.Errorf("closed listener: %v", err)
	}
	if _, err := os.Lstat(path); !os.IsNotExist(err) {
		t.Errorf("socket file: %v", err)
	}
	if _, err := l.Accept(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("accept: %v", err)
	}
	if err := Send(path, server, &Message{Consumed: make([]byte, MaxConsumed+1)}); err != ErrTooLarge {
		t.Errorf("too large: %v", err)
	}
}

func (l *Listener) hasSender() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.senders) > 0
}

func TestMalformedMessageIsRefused(t *testing.T) {
	_, path := listen(t, ListenConfig{})
	c, err := net.Dial("unixpacket", path)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(patience))
	good, _ := new(Message).Append(nil)
	null, err := os.Open("/dev/null")
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	file := int(null.Fd())
	for name, message := range map[string]struct {
		text   []byte
		rights []byte
	}{
		"no descriptor":   {good, nil},
		"two descriptors": {good, syscall.UnixRights(file, file)},
		"not a socket":    {good, syscall.UnixRights(file)},
		"no header":       {[]byte("x"), syscall.UnixRights(file)},
		"only descriptor": {nil, syscall.UnixRights(file)},
	} {
		if _, _, err := c.(*net.UnixConn).WriteMsgUnix(message.text, message.rights, nil); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		var answer [1]byte
		if n, err := c.Read(answer[:]); n != 1 || answer[0] != Refused {
			t.Errorf("%s: %q, %v", name, answer[:n], err)
		}
	}
}

func TestAcceptDeadline(t *testing.T) {
	l, _ := listen(t, ListenConfig{})
	l.SetDeadline(time.Now().Add(-time.Second))
	for range 2 {
		if _, err := l.Accept(); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("%v", err)
		}
	}
	l.SetDeadline(time.Now().Add(time.Millisecond))
	if _, err := l.Accept(); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("%v", err)
	}
}

func TestSocketFile(t *testing.T) {
	for mode, want := range map[os.FileMode]os.FileMode{0: 0o600, 0o666: 0o666, 0o660: 0o660} {
		_, path := listen(t, ListenConfig{Mode: mode})
		stat, err := os.Stat(path)
		if err != nil || stat.Mode().Perm() != want {
			t.Errorf("%o: %v, %v", mode, stat.Mode(), err)
		}
		if _, err := Listen(path); !errors.Is(err, syscall.EADDRINUSE) {
			t.Errorf("a second listener: %v", err)
		}
	}
	path := filepath.Join(t.TempDir(), "stale")
	left, err := net.ListenUnix("unixpacket", &net.UnixAddr{Name: path, Net: "unixpacket"})
	if err != nil {
		t.Fatal(err)
	}
	left.SetUnlinkOnClose(false)
	left.Close()
	l, err := Listen(path)
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	if _, err := Listen(""); err == nil {
		t.Error("no path: no error")
	}
}

func TestPeerIsChecked(t *testing.T) {
	_, server := pair(t)
	nobody := 65534
	_, path := listen(t, ListenConfig{UIDs: []int{nobody}})
	if err := Send(path, server, nil); err != ErrGone {
		t.Errorf("another user: %v", err)
	}
	l, path := listen(t, ListenConfig{UIDs: []int{nobody}, GIDs: []int{os.Getegid()}})
	sent := send(path, server, nil)
	accept(t, l)
	if err := <-sent; err != nil {
		t.Errorf("this group: %v", err)
	}
	for _, c := range []struct {
		lc   ListenConfig
		p    peer
		want bool
	}{
		{ListenConfig{}, peer{0, 0}, true},
		{ListenConfig{}, peer{os.Geteuid(), 5}, true},
		{ListenConfig{}, peer{nobody, nobody}, false},
		{ListenConfig{UIDs: []int{1}}, peer{1, 9}, true},
		{ListenConfig{UIDs: []int{1}}, peer{0, 0}, false},
	} {
		if got := c.lc.allows(c.p); got != c.want {
			t.Errorf("%+v allows %+v: %v", c.lc, c.p, got)
		}
	}
}
