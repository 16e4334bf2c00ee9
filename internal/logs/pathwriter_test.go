package logs

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"
)

func TestPathWriterCache(t *testing.T) {
	tests := []struct {
		name  string
		cache Cache
		open  int // descriptors kept after three lines to each of four files
	}{
		{"none", Cache{}, 0},
		{"room for all", Cache{Max: 10, Inactive: time.Hour, Valid: time.Hour, MinUses: 1}, 4},
		{"room for two", Cache{Max: 2, Inactive: time.Hour, Valid: time.Hour, MinUses: 1}, 2},
		{"seldom used", Cache{Max: 10, Inactive: time.Hour, Valid: time.Hour, MinUses: 4}, 0},
		{"used enough", Cache{Max: 10, Inactive: time.Hour, Valid: time.Hour, MinUses: 3}, 4},
		{"checked always", Cache{Max: 10, Inactive: time.Hour, MinUses: 1}, 4},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			f := newFixture(t, Info)
			w := f.gen.PathWriter(test.cache)
			before := descriptors(t)
			for n := range 12 {
				w.Write([]byte(f.in(fmt.Sprintf("%d.log", n%4))), fmt.Appendf(nil, "line %d\n", n))
			}
			if got := descriptors(t) - before; got != test.open {
				t.Errorf("%d files are open, want %d", got, test.open)
			}
			for n := range 4 {
				want := fmt.Sprintf("line %d\nline %d\nline %d\n", n, n+4, n+8)
				if got := read(t, f.in(fmt.Sprintf("%d.log", n))); got != want {
					t.Errorf("file %d has %q", n, got)
				}
			}
			f.gen.Release()
			if got := descriptors(t); got != before-1 { // the error log is closed, too
				t.Errorf("%d files are open after the release", got-before)
			}
		})
	}
}

func TestFileCacheTimes(t *testing.T) {
	var c fileCache
	c.init(Cache{Max: 10, Inactive: 10 * time.Second, Valid: 5 * time.Second, MinUses: 1})
	defer c.clear()
	path := t.TempDir() + "/a.log"
	now := time.Now()
	use := func(after time.Duration) *cachedFile {
		now = now.Add(after)
		f, err := c.get([]byte(path), now)
		if err != nil {
			t.Fatal(err)
		}
		c.put(f)
		return f
	}
	first := use(0)
	if err := os.Rename(path, path+".old"); err != nil {
		t.Fatal(err)
	}
	if use(time.Second); sameFile(first.fd, path) {
		t.Error("reopened before valid ran out")
	}
	if use(5 * time.Second); !sameFile(first.fd, path) {
		t.Error("not reopened after valid ran out")
	}
	if f := use(10 * time.Second); f == first || first.fd >= 0 {
		t.Error("an inactive file is still open")
	}
}

func TestPathWriterReopen(t *testing.T) {
	f := newFixture(t, Info)
	w := f.gen.PathWriter(Cache{Max: 10, Inactive: time.Hour, Valid: time.Hour, MinUses: 1})
	path := f.in("a.log")
	w.Write([]byte(path), []byte("old\n"))
	if err := os.Rename(path, path+".old"); err != nil {
		t.Fatal(err)
	}
	if err := f.Reopen(); err != nil {
		t.Fatal(err)
	}
	w.Write([]byte(path), []byte("new\n"))
	if got := read(t, path); got != "new\n" {
		t.Errorf("new file has %q", got)
	}
}

func TestPathWriterReportsOncePerPath(t *testing.T) {
	f := newFixture(t, Info)
	f.Start()
	w := f.gen.PathWriter(Cache{})
	for range 5 {
		w.Write([]byte("/nowhere/a.log"), []byte("x\n"))
		w.Write([]byte("/nowhere/b.log"), []byte("x\n"))
		w.Write([]byte("/dev/full"), []byte("x\n"))
	}
	f.flush(t)
	f.flush(t) // what the first flush made the writer report
	text := read(t, f.path)
	for _, want := range []string{
		`open() "/nowhere/a.log" failed (2: No such file or directory)`,
		`open() "/nowhere/b.log" failed (2: No such file or directory)`,
		`write() to "/dev/full" failed (28: No space left on device)`,
	} {
		if n := strings.Count(text, want); n != 1 {
			t.Errorf("%q is told %d times", want, n)
		}
	}
}
