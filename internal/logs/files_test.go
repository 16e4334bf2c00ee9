package logs

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

func TestReopenLosesNothing(t *testing.T) {
	const total = 5000
	f := newFixture(t, Info)
	f.Start()
	var wg sync.WaitGroup
	wg.Go(func() {
		for n := range total {
			f.log.Printf(Info, 0, "%d", n)
		}
	})
	var old []string
	for i := range 20 {
		name := f.in(fmt.Sprintf("old.%02d", i))
		if err := os.Rename(f.path, name); err != nil {
			t.Fatal(err)
		}
		if err := f.Reopen(); err != nil {
			t.Fatal(err)
		}
		old = append(old, name)
	}
	wg.Wait()
	f.log.Write(Info, 0, "last")
	f.flush(t)

	var all []string
	for _, name := range append(old, f.path) {
		all = append(all, lines(t, name)...)
	}
	if len(all) != total+1 {
		t.Fatalf("%d lines of %d", len(all), total+1)
	}
	for n, line := range all[:total] {
		if !strings.HasSuffix(line, fmt.Sprintf(": %d", n)) {
			t.Fatalf("line %d is %q", n, line)
		}
	}
	if got := lines(t, f.path); !strings.HasSuffix(got[len(got)-1], ": last") {
		t.Errorf("the new file ends with %q", got)
	}
}

func TestReopenKeepsWhatItCannotOpen(t *testing.T) {
	f := newFixture(t, Info)
	aside := f.in("aside")
	if err := os.Rename(f.path, aside); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(f.path, 0o755); err != nil {
		t.Fatal(err)
	}
	err := f.Reopen()
	want := `open() "` + f.path + `" failed (21: Is a directory)`
	if err == nil || err.Error() != want || !errors.Is(err, syscall.EISDIR) {
		t.Errorf("got %v, want %s", err, want)
	}
	f.log.Write(Error, 0, "still here")
	text := read(t, aside)
	if !strings.Contains(text, "[emerg]") || !strings.Contains(text, want) || !strings.Contains(text, "still here") {
		t.Errorf("old file has %q", text)
	}
}

func TestOpenFails(t *testing.T) {
	fs := NewFiles()
	gen := fs.Generation()
	defer gen.Release()
	gen.File("/nowhere/at/all.log")
	err := gen.Open()
	if err == nil || err.Error() != `open() "/nowhere/at/all.log" failed (2: No such file or directory)` {
		t.Errorf("got %v", err)
	}
}

func TestGenerationsShareAFile(t *testing.T) {
	f := newFixture(t, Info)
	before := descriptors(t)
	next := f.Generation()
	if first := next.File(f.path); first != f.gen.File(f.path) || next.File(f.path) != first {
		t.Fatal("one path, two files")
	}
	if err := next.Open(); err != nil {
		t.Fatal(err)
	}
	log := f.NewLog(Target{Level: Info, File: next.File(f.path)})
	f.log.Write(Info, 0, "old")
	f.gen.Release()
	f.gen.Release() // a second time does nothing
	log.Write(Info, 0, "new")
	if got := lines(t, f.path); len(got) != 2 {
		t.Errorf("got %q", got)
	}
	if got := descriptors(t); got != before {
		t.Errorf("%d descriptors, were %d", got, before)
	}
	next.Release()
	log.Write(Info, 0, "nowhere")
	if got := descriptors(t); got != before-1 || len(lines(t, f.path)) != 2 {
		t.Errorf("the last release leaves %d descriptors, were %d", got, before)
	}
}

func descriptors(t *testing.T) int {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(entries)
}

func TestOwner(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Fatal("needs root, as the product's tests do")
	}
	f := newFixture(t, Info)
	f.gen.File("/dev/null")
	f.open(t)
	if err := os.Chmod(f.path, 0o444); err != nil {
		t.Fatal(err)
	}
	if err := f.SetOwner(65534); err != nil {
		t.Fatal(err)
	}
	later := f.in("later.log")
	f.gen.File(later)
	f.open(t)
	for path, want := range map[string]uint32{f.path: 65534, later: 65534, "/dev/null": 0} {
		st, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if got := st.Sys().(*syscall.Stat_t).Uid; got != want {
			t.Errorf("%s belongs to %d, want %d", path, got, want)
		}
		if st.Mode().Perm()&0o600 != 0o600 {
			t.Errorf("%s has mode %v", path, st.Mode())
		}
	}
}

func TestOverflowIsCountedAndTold(t *testing.T) {
	f := newFixture(t, Info)
	f.setQueueSize(4096)
	path := f.in("pipe")
	release := stuck(t, path)
	gen := f.Generation()
	defer gen.Release()
	log := f.NewLog(Target{Level: Info, File: gen.File(path)})
	if err := gen.Open(); err != nil {
		t.Fatal(err)
	}
	f.Start()

	const total = 1000
	began := time.Now()
	for n := range total {
		log.Printf(Info, 0, "line %d", n)
	}
	if f.Flush(time.Millisecond) {
		t.Error("Flush says that a full pipe was written")
	}
	if took := time.Since(began); took > patience/2 {
		t.Errorf("writing to a stuck file took %v", took)
	}
	text := release(func(text string) bool { return strings.Count(text, ": line ")+lost(text) == total })
	next := 0
	for line := range strings.Lines(text) {
		if told := lost(line); told > 0 {
			next += told
			continue
		}
		if !strings.HasSuffix(line, fmt.Sprintf(": line %d\n", next)) {
			t.Fatalf("got %q, want line %d", line, next)
		}
		next++
	}
	if lost(text) == 0 {
		t.Error("nothing was lost")
	}
}

func TestErrorLogArguments(t *testing.T) {
	gen := NewFiles().Generation()
	full := func(name string) string { return "/prefix/" + name }
	tests := []struct {
		args string
		path string
		want string
	}{
		{"logs/e.log", "/prefix/logs/e.log", ""},
		{"stderr info", "", ""},
		{"/dev/null crit", "/prefix//dev/null", ""},
		{"memory:32m debug", "", `logs in memory are not supported, use a file, stderr or syslog: "memory:32m"`},
		{"syslog:server=", "", `no host in syslog server ""`},
		{"e.log loud", "", `invalid log level "loud"`},
	}
	for _, test := range tests {
		target, err := gen.ErrorLog(strings.Fields(test.args), full)
		if test.want != "" {
			if err == nil || err.Error() != test.want {
				t.Errorf("%s: got %v, want %s", test.args, err, test.want)
			}
			continue
		}
		if err != nil || target.File.path != test.path {
			t.Errorf("%s: %+v %v", test.args, target, err)
		}
	}
}
