package logs

import (
	"os"
	"path/filepath"
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

// stuck makes a sink that cannot write: a pipe that is full. The function returned reads the pipe until its writers
// are gone and returns what was in it, without what filled it.
func stuck(t *testing.T, path string) (release func() string) {
	t.Helper()
	if err := unix.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	fd, err := unix.Open(path, unix.O_RDWR|unix.O_NONBLOCK, 0)
	if err != nil {
		t.Fatal(err)
	}
	filled := 0
	for block := make([]byte, 4096); ; {
		n, err := unix.Write(fd, block)
		if err == unix.EAGAIN {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		filled += n
	}
	reader := os.NewFile(uintptr(fd), path)
	if err := reader.SetReadDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	return func() string {
		defer reader.Close()
		var all []byte
		block := make([]byte, 64<<10)
		for !strings.Contains(string(all[min(filled, len(all)):]), "lost") {
			n, err := reader.Read(block)
			if err != nil {
				t.Errorf("read pipe: %v", err)
				break
			}
			all = append(all, block[:n]...)
		}
		return string(all[min(filled, len(all)):])
	}
}
