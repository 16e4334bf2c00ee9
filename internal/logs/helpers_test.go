package logs

import (
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

const patience = 10 * time.Second

// fixture is a process with one generation and an error log at level.
type fixture struct {
	*Files
	gen  *Generation
	log  *Log
	dir  string
	path string
}

func newFixture(t *testing.T, level Level) *fixture {
	t.Helper()
	f := &fixture{Files: NewFiles(), dir: t.TempDir()}
	f.path = filepath.Join(f.dir, "error.log")
	f.gen = f.Generation()
	f.log = f.NewLog(Target{Level: level, File: f.gen.File(f.path)})
	f.SetLog(f.log)
	f.open(t)
	t.Cleanup(func() {
		f.gen.Release()
		f.Close(patience)
	})
	return f
}

func (f *fixture) open(t *testing.T) {
	t.Helper()
	if err := f.gen.Open(); err != nil {
		t.Fatal(err)
	}
}

func (f *fixture) in(name string) string { return filepath.Join(f.dir, name) }

func (f *fixture) flush(t *testing.T) {
	t.Helper()
	if !f.Flush(patience) {
		t.Fatal("not written in time")
	}
}

func read(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// appears waits until a file ends in text, which nobody is told to write now.
func appears(t *testing.T, path, text string) {
	t.Helper()
	for deadline := time.Now().Add(patience); !strings.HasSuffix(read(t, path), text); {
		if time.Now().After(deadline) {
			t.Fatalf("%s: %q, want %q", path, read(t, path), text)
		}
		time.Sleep(time.Millisecond)
	}
}

func lines(t *testing.T, path string) []string {
	t.Helper()
	text := read(t, path)
	if text == "" {
		return nil
	}
	if !strings.HasSuffix(text, "\n") {
		t.Fatalf("%s ends in half a line", path)
	}
	return strings.Split(strings.TrimSuffix(text, "\n"), "\n")
}

// stuck makes a sink that cannot write: a pipe that is full. The function returned empties the pipe until done says that
// everything has come, and returns that, without what filled the pipe.
func stuck(t *testing.T, path string) (release func(done func(text string) bool) string) {
	t.Helper()
	if err := unix.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	fd, err := unix.Open(path, unix.O_RDWR|unix.O_NONBLOCK, 0)
	if err != nil {
		t.Fatal(err)
	}
	filled := fill(t, fd)
	return func(done func(string) bool) string {
		defer unix.Close(fd)
		var all []byte
		block := make([]byte, 64<<10)
		for deadline := time.Now().Add(patience); ; {
			n, err := unix.Read(fd, block)
			if n > 0 {
				all = append(all, block[:n]...)
			}
			text := string(all[min(filled, len(all)):])
			if done(text) {
				return text
			}
			if time.Now().After(deadline) {
				t.Fatalf("not all has come: %v, %q", err, text[max(0, len(text)-300):])
			}
			_, _ = unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, 10)
		}
	}
}

func fill(t *testing.T, fd int) (n int) {
	t.Helper()
	for block := make([]byte, 4096); ; {
		m, err := unix.Write(fd, block)
		if err == unix.EAGAIN {
			return n
		}
		if err != nil {
			t.Fatal(err)
		}
		n += m
	}
}

var lostLine = regexp.MustCompile(`(\d+) messages were lost`)

// lost adds up what the lines about lost messages in text say.
func lost(text string) (sum int) {
	for _, match := range lostLine.FindAllStringSubmatch(text, -1) {
		n, _ := strconv.Atoi(match[1])
		sum += n
	}
	return sum
}
