// Package test starts the real binary, talks to it with plain sockets, and looks at what it does. One file per feature.
//
//	s := start(t, `stream { server { listen {host}:9000; return hello; } }`)
//	c := s.dial(9000)
//	c.wantAll("hello")
//
// Every server has an address of its own in 127.0.0.0/8, {host}, and a folder of its own, {dir}, which is its prefix; so
// tests choose ports freely. A server is stopped when its test ends, and the test fails if it did not stop cleanly or
// has logged an alert, an emergency, a panic or a data race that the test has not announced with allow.
package test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// deadline bounds every wait of a test.
const deadline = 20 * time.Second

// binary is the server, built once.
var binary string

func TestMain(m *testing.M) { os.Exit(buildAndRun(m)) }

func buildAndRun(m *testing.M) int {
	dir, err := os.MkdirTemp("", "weir-test")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	os.Chmod(dir, 0o755) // for servers that change their user
	binary = filepath.Join(dir, "weir")
	args := []string{"build", "-o", binary}
	if raceEnabled {
		args = append(args, "-race")
	}
	build := exec.Command("go", append(args, "../cmd/weir")...)
	build.Stdout, build.Stderr = os.Stderr, os.Stderr
	if err := build.Run(); err != nil {
		fmt.Fprintln(os.Stderr, "build:", err)
		return 1
	}
	return m.Run()
}

var hosts atomic.Int32

// newHost is an address that no other server of this or another test process has.
func newHost() string {
	n := hosts.Add(1)
	slot := (int(os.Getpid()) + int(n)/250*4099) % 16000
	return fmt.Sprintf("127.%d.%d.%d", 1+slot>>8, slot&0xff, 1+n%250)
}

// workspace is a folder and an address for a server that is yet to be started.
type workspace struct {
	t    testing.TB
	dir  string
	host string
	// program is what is started, and globals what it is given with -g.
	program, globals string
}

func newWorkspace(t testing.TB) *workspace {
	t.Helper()
	dir, err := os.MkdirTemp("", "weir")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o777); err != nil { // for servers that change their user
		t.Fatal(err)
	}
	return &workspace{t: t, dir: dir, host: newHost(), program: binary, globals: globals}
}

// expand puts the address and the folder into a text.
func (w *workspace) expand(text string) string {
	return strings.NewReplacer("{host}", w.host, "{dir}", w.dir).Replace(text)
}

// eventsBlock finds an events{} in a configuration.
var eventsBlock = regexp.MustCompile(`\bevents\s*\{`)

// write puts a text, expanded, into a file of the folder. A nginx.conf without the events{} that it must have gets an
// empty one, in the first line: most tests have nothing to say in it.
func (w *workspace) write(name, text string) {
	w.t.Helper()
	if name == "nginx.conf" && !eventsBlock.MatchString(text) {
		text = "events {} " + text
	}
	w.put(name, text)
}

// put is write without that.
func (w *workspace) put(name, text string) {
	w.t.Helper()
	if err := os.WriteFile(w.path(name), []byte(w.expand(text)), 0o644); err != nil {
		w.t.Fatal(err)
	}
}

func (w *workspace) path(name string) string { return filepath.Join(w.dir, name) }

// read is a file's text; "" while there is none.
func (w *workspace) read(name string) string {
	text, err := os.ReadFile(w.path(name))
	if err != nil && !os.IsNotExist(err) {
		w.t.Fatal(err)
	}
	return string(text)
}

// addr is the server's address with a port.
func (w *workspace) addr(port int) string { return fmt.Sprintf("%s:%d", w.host, port) }

// result is what a command that has ended left behind.
type result struct {
	code           int
	stdout, stderr string
}

// command runs the binary in the folder and waits until it ends.
func (w *workspace) command(args ...string) result {
	w.t.Helper()
	var out, errs strings.Builder
	cmd := exec.Command(binary, args...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = w.dir, &out, &errs
	cmd.WaitDelay = deadline
	timer := time.AfterFunc(deadline, func() { cmd.Process.Kill() })
	defer timer.Stop()
	if err := cmd.Run(); err != nil && cmd.ProcessState == nil {
		w.t.Fatal(err)
	}
	return result{code: cmd.ProcessState.ExitCode(), stdout: out.String(), stderr: errs.String()}
}

// eventually waits until ok is true.
func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	if !within(deadline, ok) {
		t.Fatalf("waited %v in vain: %s", deadline, what)
	}
}

// within waits until ok is true, and tells whether it was in time.
func within(limit time.Duration, ok func() bool) bool {
	for end := time.Now().Add(limit); !ok(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(end) {
			return false
		}
	}
	return true
}
