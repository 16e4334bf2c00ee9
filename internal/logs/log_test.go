package logs

import (
	"fmt"
	"os"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

func TestLineIsNginxs(t *testing.T) {
	f := newFixture(t, Info)
	f.log.Write(Error, 0, "no connection")
	f.log.WriteBytes(Info, 42, []byte("message, client: 127.0.0.1, server: 0.0.0.0:1985"))
	f.log.Printf(Stderr, 0, "%d of %d", 1, 2)
	f.log.Write(Debug, 1, "not wanted")

	want := []string{
		`\[error\] PID#\d+: no connection`,
		`\[info\] PID#\d+: \*42 message, client: 127\.0\.0\.1, server: 0\.0\.0\.0:1985`,
		`\[\] PID#\d+: 1 of 2`,
	}
	got := lines(t, f.path) // synchronous before Start
	if len(got) != len(want) {
		t.Fatalf("got %q", got)
	}
	for i, pattern := range want {
		pattern = `^\d{4}/\d\d/\d\d \d\d:\d\d:\d\d ` + strings.Replace(pattern, "PID", fmt.Sprint(os.Getpid()), 1) + `$`
		if !regexp.MustCompile(pattern).MatchString(got[i]) {
			t.Errorf("line %q does not match %s", got[i], pattern)
		}
	}
}

func TestPrefixTime(t *testing.T) {
	at := time.Date(2026, 11, 1, 3, 4, 5, 0, time.Local)
	got := string(appendPrefix([]byte("x"), at, Warn, 7))
	want := fmt.Sprintf("x2026/11/01 03:04:05 [warn] %d#%d: *7 ", os.Getpid(), syscall.Gettid())
	if strings.SplitN(got, "#", 2)[0] != strings.SplitN(want, "#", 2)[0] || !strings.HasSuffix(got, ": *7 ") {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := string(stampOf(at).syslog[:]); got != "Nov  1 03:04:05" {
		t.Errorf("syslog time %q", got)
	}
}

func TestLongLineIsCut(t *testing.T) {
	f := newFixture(t, Info)
	f.log.Write(Error, 1, strings.Repeat("a", 3*maxLine))
	f.log.Write(Error, 1, "next")
	text := read(t, f.path)
	if at := strings.IndexByte(text, '\n'); at != maxLine-1 {
		t.Errorf("line feed at %d, want %d", at, maxLine-1)
	}
	if !strings.HasSuffix(text, " *1 next\n") {
		t.Errorf("next line is %q", text[maxLine:])
	}
}

func TestTargetsHaveTheirOwnLevels(t *testing.T) {
	f := newFixture(t, Error)
	gen := f.Generation()
	defer gen.Release()
	var targets []Target
	for _, args := range [][]string{{"emerg.log", "emerg"}, {"info.log", "info"}, {"error.log"}, {"debug.log", "debug"}} {
		target, err := gen.ErrorLog(args, f.in)
		if err != nil {
			t.Fatal(err)
		}
		targets = append(targets, target)
	}
	if err := gen.Open(); err != nil {
		t.Fatal(err)
	}
	log := f.NewLog(targets...)
	for level := Emerg; level <= Debug; level++ {
		log.Write(level, 0, "x")
	}
	for name, want := range map[string]int{"emerg.log": 1, "error.log": 4, "info.log": 7, "debug.log": 8} {
		if got := len(lines(t, f.in(name))); got != want {
			t.Errorf("%s has %d lines, want %d", name, got, want)
		}
	}
	if log.Level() != Debug || !log.Enabled(Debug) || f.log.Enabled(Warn) {
		t.Error("Enabled does not follow the most talkative target")
	}
}

func TestNoTargetNoLog(t *testing.T) {
	for _, log := range []*Log{nil, NewFiles().NewLog()} {
		if log.Enabled(Stderr) || log.Enabled(Emerg) {
			t.Error("enabled")
		}
		log.Write(Emerg, 1, "nowhere")
		log.Printf(Emerg, 1, "nowhere")
	}
}

func TestTapSeesTheLine(t *testing.T) {
	f := newFixture(t, Warn)
	var seen []string
	f.log.Tap = func(level Level, now time.Time, line []byte) {
		if time.Since(now) > time.Minute {
			t.Errorf("time is %v", now)
		}
		seen = append(seen, level.String()+" "+string(line))
	}
	f.log.Write(Error, 3, "captured")
	f.log.Write(Info, 3, "below the level")
	if len(seen) != 1 || "error "+lines(t, f.path)[0] != seen[0] {
		t.Errorf("seen %q", seen)
	}
}

func TestEchoOnStderr(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	saved, err := syscall.Dup(2)
	if err != nil {
		t.Fatal(err)
	}
	if err := syscall.Dup2(int(w.Fd()), 2); err != nil {
		t.Fatal(err)
	}
	f := newFixture(t, Info)
	f.SetEcho("nginx: ")
	f.log.Write(Emerg, 0, "grave")
	f.log.Write(Notice, 0, "not grave")
	f.NewLog(Target{Level: Info, File: f.gen.File("")}).Write(Emerg, 0, "once")
	f.SetEcho("")
	f.log.Write(Emerg, 0, "silent")
	_ = syscall.Dup2(saved, 2)
	_ = syscall.Close(saved)
	w.Close()

	buf := make([]byte, 4096)
	n, _ := r.Read(buf)
	got := string(buf[:n])
	if !regexp.MustCompile(`^nginx: \[emerg\] grave\n\d{4}/.* \[emerg\] .*: once\n$`).MatchString(got) {
		t.Errorf("stderr has %q", got)
	}
}

func TestOrderAndCompleteness(t *testing.T) {
	const writers, each = 8, 2000
	f := newFixture(t, Info)
	f.Start()
	var wg sync.WaitGroup
	for id := range writers {
		wg.Go(func() {
			for n := range each {
				f.log.Printf(Info, uint64(id+1), "%d", n)
				if n%500 == 499 {
					f.Flush(patience)
				}
			}
		})
	}
	wg.Wait()
	f.flush(t)

	var next [writers + 1]int
	got := lines(t, f.path)
	for _, line := range got {
		var id, n int
		if _, err := fmt.Sscanf(line[strings.IndexByte(line, '*'):], "*%d %d", &id, &n); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		if n != next[id] {
			t.Fatalf("writer %d: line %d, want %d", id, n, next[id])
		}
		next[id]++
	}
	if len(got) != writers*each {
		t.Errorf("%d lines of %d", len(got), writers*each)
	}
}

func TestLinesAppearWithoutFlush(t *testing.T) {
	f := newFixture(t, Info)
	f.Start()
	f.log.Write(Error, 0, "soon")
	appears(t, f.path, "soon\n")
}

func TestWritingAllocatesNothing(t *testing.T) {
	f := newFixture(t, Info)
	gen := f.Generation()
	defer gen.Release()
	log := f.NewLog(Target{Level: Info, File: gen.File("/dev/null")})
	if err := gen.Open(); err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 0, 128)
	if n := testing.AllocsPerRun(100, func() { buf = appendPrefix(buf[:0], time.Now(), Error, 12) }); n >= 1 {
		t.Errorf("appendPrefix: %v allocations", n)
	}
	msg := []byte("a message, client: 127.0.0.1")
	if n := testing.AllocsPerRun(1000, func() { log.WriteBytes(Error, 12, msg) }); n >= 1 && !raceEnabled {
		t.Errorf("Write: %v allocations", n)
	}
}

func TestErrno(t *testing.T) {
	for errno, want := range map[syscall.Errno]string{
		syscall.EACCES:       " (13: Permission denied)",
		syscall.ECONNREFUSED: " (111: Connection refused)",
		syscall.ENOSPC:       " (28: No space left on device)",
	} {
		wrapped := fmt.Errorf("wrapped: %w", os.NewSyscallError("open", errno))
		if got := string(appendErrno(nil, wrapped)); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	if got := appendErrno(nil, os.ErrDeadlineExceeded); len(got) != 0 {
		t.Errorf("not an errno: %q", got)
	}
}

func BenchmarkWrite(b *testing.B) {
	fs := NewFiles()
	gen := fs.Generation()
	log := fs.NewLog(Target{Level: Info, File: gen.File("/dev/null")})
	if err := gen.Open(); err != nil {
		b.Fatal(err)
	}
	fs.Start()
	msg := []byte("a message of a usual length, client: 127.0.0.1, server: 0.0.0.0:1985")
	b.ReportAllocs()
	for b.Loop() {
		log.WriteBytes(Error, 12, msg)
	}
	gen.Release()
}
