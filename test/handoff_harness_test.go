package test

import (
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/weirproxy/weir/handoff"
)

// receivers is where the example receivers are.
const receivers = "../examples/oneport/receivers"

// receive listens for connections handed over, in the folder.
func (w *workspace) receive(name string) *handoff.Listener {
	w.t.Helper()
	l, err := handoff.Listen(w.path(name))
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { l.Close() })
	l.SetDeadline(time.Now().Add(deadline))
	return l
}

// takeOver accepts a connection that is handed over.
func takeOver(t testing.TB, l *handoff.Listener) *handoff.Conn {
	t.Helper()
	c, err := l.AcceptHandoff()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	c.SetDeadline(time.Now().Add(deadline))
	return c
}

// wantFrom reads as many bytes as text has and compares.
func wantFrom(t testing.TB, r io.Reader, text string) {
	t.Helper()
	got := make([]byte, len(text))
	if n, err := io.ReadFull(r, got); err != nil || string(got) != text {
		t.Fatalf("received %q (%v), want %q", got[:n], err, text)
	}
}

func readFull(r io.Reader, buf []byte) error {
	_, err := io.ReadFull(r, buf)
	return err
}

// process is a program that a test has started.
type process struct {
	*exec.Cmd
	exited chan struct{}
}

// run starts a program that listens on a socket of the folder, its last argument, and waits until it does.
func (w *workspace) run(socket, name string, args ...string) *process {
	w.t.Helper()
	p := &process{exec.Command(name, append(args, w.path(socket))...), make(chan struct{})}
	p.Stdout, p.Stderr = os.Stderr, os.Stderr
	if err := p.Start(); err != nil {
		w.t.Fatal(err)
	}
	go func() {
		p.Wait()
		close(p.exited)
	}()
	w.t.Cleanup(p.kill)
	eventually(w.t, name+" to listen", func() bool { return listens(w.path(socket)) })
	return p
}

func (p *process) kill() {
	p.Process.Kill()
	<-p.exited
}

// compile makes a program of a C file among the receivers.
func (w *workspace) compile(source string) (program string) {
	w.t.Helper()
	program = w.path(filepath.Base(source) + ".bin")
	out, err := exec.Command("gcc", "-Wall", "-Wextra", "-Werror", "-pthread", "-o", program, filepath.Join(receivers, source)).CombinedOutput()
	if err != nil {
		w.t.Fatalf("gcc: %v\n%s", err, out)
	}
	return program
}

// build makes a program of a Go package.
func (w *workspace) build(dir string) (program string) {
	w.t.Helper()
	program = w.path(filepath.Base(dir) + ".bin")
	out, err := exec.Command("go", "build", "-o", program, dir).CombinedOutput()
	if err != nil {
		w.t.Fatalf("go build: %v\n%s", err, out)
	}
	return program
}

// listens tells whether a process listens on a unix socket, without connecting to it.
func listens(path string) bool {
	const listening = "00010000" // __SO_ACCEPTCON
	text, err := os.ReadFile("/proc/net/unix")
	for line := range strings.Lines(string(text)) {
		if fields := strings.Fields(line); len(fields) == 8 && fields[7] == path && fields[3] == listening {
			return true
		}
	}
	return err != nil
}

// freeAddr is an address that nobody listens on.
func freeAddr(t testing.TB, addr string) string {
	t.Helper()
	l, err := net.Listen("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// mustRun runs a program to its end.
func (w *workspace) mustRun(name string, args ...string) {
	w.t.Helper()
	if out, err := exec.Command(name, args...).CombinedOutput(); err != nil {
		w.t.Fatalf("%s: %v\n%s", name, err, out)
	}
}

// receivedBy takes a connection that was sent to a datagram socket.
func receivedBy(t testing.TB, l *net.UnixConn) net.Conn {
	t.Helper()
	l.SetReadDeadline(time.Now().Add(deadline))
	room := make([]byte, syscall.CmsgSpace(4))
	_, n, _, _, err := l.ReadMsgUnix(make([]byte, 1), room)
	if err != nil {
		t.Fatal(err)
	}
	messages, err := syscall.ParseSocketControlMessage(room[:n])
	if err != nil || len(messages) != 1 {
		t.Fatalf("%d control messages (%v)", len(messages), err)
	}
	fds, err := syscall.ParseUnixRights(&messages[0])
	if err != nil {
		t.Fatal(err)
	}
	file := os.NewFile(uintptr(fds[0]), "")
	defer file.Close()
	conn, err := net.FileConn(file)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	conn.SetDeadline(time.Now().Add(deadline))
	return conn
}
