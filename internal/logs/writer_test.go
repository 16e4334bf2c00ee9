package logs

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"os"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"
)

func TestWriterUnbuffered(t *testing.T) {
	f := newFixture(t, Info)
	w := f.writer(t, "a.log", Buffering{})
	line := []byte("first\n")
	w.Write(line)
	copy(line, "xxxxx")
	w.Write([]byte("second\n"))
	if got := read(t, f.in("a.log")); got != "first\nsecond\n" {
		t.Errorf("got %q", got)
	}
}

func (f *fixture) writer(t *testing.T, name string, b Buffering) *Writer {
	t.Helper()
	w, err := f.gen.Writer(f.in(name), b)
	if err != nil {
		t.Fatal(err)
	}
	f.open(t)
	return w
}

func TestWriterBuffer(t *testing.T) {
	f := newFixture(t, Info)
	w := f.writer(t, "a.log", Buffering{Size: 10})
	steps := []struct{ line, file string }{
		{"1234\n", ""},
		{"5678\n", ""}, // exactly full
		{"9\n", "1234\n5678\n"},
		{"longer than the buffer\n", "1234\n5678\n9\nlonger than the buffer\n"},
		{"x\n", "1234\n5678\n9\nlonger than the buffer\n"},
	}
	for _, step := range steps {
		w.Write([]byte(step.line))
		if got := read(t, f.in("a.log")); got != step.file {
			t.Errorf("after %q the file has %q, want %q", step.line, got, step.file)
		}
	}
	f.gen.Release()
	if got := read(t, f.in("a.log")); !strings.HasSuffix(got, "x\n") {
		t.Errorf("released without flushing: %q", got)
	}
}

func TestWriterReopenFlushesToTheOldFile(t *testing.T) {
	f := newFixture(t, Info)
	w := f.writer(t, "a.log", Buffering{Size: 1 << 10})
	w.Write([]byte("old\n"))
	if err := os.Rename(f.in("a.log"), f.in("b.log")); err != nil {
		t.Fatal(err)
	}
	if err := f.Reopen(); err != nil {
		t.Fatal(err)
	}
	w.Write([]byte("new\n"))
	f.flush(t)
	if a, b := read(t, f.in("a.log")), read(t, f.in("b.log")); a != "new\n" || b != "old\n" {
		t.Errorf("new file %q, old file %q", a, b)
	}
}

func TestWriterFlushTime(t *testing.T) {
	f := newFixture(t, Info)
	f.Start()
	w := f.writer(t, "a.log", Buffering{Size: 1 << 10, Flush: 5 * time.Millisecond})
	want := ""
	for n := range 3 {
		line := fmt.Sprintf("%d\n", n)
		w.Write([]byte(line))
		want += line
		appears(t, f.in("a.log"), want)
	}
}

func TestWriterGzip(t *testing.T) {
	f := newFixture(t, Info)
	f.Start()
	w := f.writer(t, "a.log.gz", Buffering{Size: 4 << 10, Gzip: 6})
	var mu sync.Mutex
	var want bytes.Buffer
	var wg sync.WaitGroup
	for id := range 4 {
		wg.Go(func() {
			for n := range 500 {
				line := fmt.Appendf(nil, "%d %d %s\n", id, n, strings.Repeat("z", n%50))
				mu.Lock()
				w.Write(line)
				want.Write(line)
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	w.Write([]byte(strings.Repeat("long", 2000) + "\n"))
	want.WriteString(strings.Repeat("long", 2000) + "\n")
	f.flush(t)

	raw := read(t, f.in("a.log.gz"))
	z, err := gzip.NewReader(strings.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(z)
	if err != nil || !bytes.Equal(got, want.Bytes()) {
		t.Errorf("%d bytes of %d come back, %v", len(got), want.Len(), err)
	}
	if members := strings.Count(raw, "\x1f\x8b\x08"); members < 2 || len(raw) > want.Len()/2 {
		t.Errorf("%d members, %d bytes of %d", members, len(raw), want.Len())
	}
}

func TestWriterConflicts(t *testing.T) {
	gen := NewFiles().Generation()
	first, err := gen.Writer("/a", Buffering{Size: 10})
	if err != nil {
		t.Fatal(err)
	}
	if same, err := gen.Writer("/a", Buffering{}); same != first || err != nil {
		t.Errorf("without parameters: %v %v", same, err)
	}
	const want = `access_log "/a" already defined with conflicting parameters`
	if _, err := gen.Writer("/a", Buffering{Size: 20}); err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

func TestWriterFullDisk(t *testing.T) {
	f := newFixture(t, Info)
	w, err := f.gen.Writer("/dev/full", Buffering{})
	if err != nil {
		t.Fatal(err)
	}
	f.open(t)
	for range 5 {
		w.Write([]byte("line\n"))
	}
	want := regexp.MustCompile(`(?m) \[alert\] .*: write\(\) to "/dev/full" failed \(28: No space left on device\)$`)
	if got := want.FindAllString(read(t, f.path), -1); len(got) != 1 {
		t.Errorf("told %d times: %q", len(got), read(t, f.path))
	}
}

func TestAccessOverflowIsToldInTheErrorLog(t *testing.T) {
	for _, buffering := range []Buffering{{}, {Size: 500}} {
		f := newFixture(t, Info)
		f.setQueueSize(4096)
		release := stuck(t, f.in("pipe"))
		w := f.writer(t, "pipe", buffering)
		f.Start()
		for range 1000 {
			w.Write([]byte("access line\n"))
		}
		w.Flush()
		text := release(func(text string) bool { return strings.Count(text, "\n")+lost(read(t, f.path)) == 1000 })
		if strings.Contains(text, "lost") {
			t.Error("the access log has a line that is not its own")
		}
		if want := `messages were lost, access log "` + f.in("pipe") + `"`; !strings.Contains(read(t, f.path), want) {
			t.Errorf("error log has %q, not %q", read(t, f.path), want)
		}
	}
}
