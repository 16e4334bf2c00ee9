package test

import (
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// server is a running weir.
type server struct {
	*workspace
	pid     int
	cmd     *exec.Cmd // nil for a daemon
	exited  chan struct{}
	stderr  strings.Builder
	allowed []string
	stopped bool
}

// globals are given with -g: where the harness looks for the pid and the log.
const globals = "pid weir.pid; error_log error.log info;"

// start runs weir on a configuration, waits until it listens, and stops it when the test ends.
func start(t testing.TB, config string) *server {
	t.Helper()
	w := newWorkspace(t)
	w.write("nginx.conf", config)
	return w.start()
}

// start runs weir in the foreground on the folder's nginx.conf, and waits until it listens.
func (w *workspace) start(args ...string) *server {
	w.t.Helper()
	s := w.launch(args...)
	s.waitReady()
	return s
}

// launch is start without the wait.
func (w *workspace) launch(args ...string) *server {
	w.t.Helper()
	s := &server{workspace: w, exited: make(chan struct{})}
	s.cmd = exec.Command(w.program, append([]string{"-p", w.dir, "-c", "nginx.conf", "-e", "error.log", "-g", w.globals}, args...)...)
	s.cmd.Dir, s.cmd.Stdout, s.cmd.Stderr = w.dir, &s.stderr, &s.stderr
	if err := s.cmd.Start(); err != nil {
		w.t.Fatal(err)
	}
	s.pid = s.cmd.Process.Pid
	go func() {
		s.cmd.Wait()
		close(s.exited)
	}()
	w.t.Cleanup(s.stop)
	return s
}

func (s *server) waitReady() {
	s.t.Helper()
	eventually(s.t, "the pid file", func() bool {
		return s.hasExited() || s.read("weir.pid") == strconv.Itoa(s.pid)+"\n"
	})
	if s.hasExited() {
		s.stopped = true
		s.t.Fatalf("weir did not start:\n%s", s.stderr.String())
	}
}

func (s *server) hasExited() bool {
	if s.cmd == nil {
		stat, err := os.ReadFile("/proc/" + strconv.Itoa(s.pid) + "/stat")
		return err != nil || strings.Contains(string(stat), ") Z ") // nobody may come for it
	}
	select {
	case <-s.exited:
		return true
	default:
		return false
	}
}

// allow announces lines of the log that would otherwise fail the test: those that hold text.
func (s *server) allow(text string) { s.allowed = append(s.allowed, text) }

func (s *server) signal(sig syscall.Signal) {
	s.t.Helper()
	if err := syscall.Kill(s.pid, sig); err != nil {
		s.t.Fatalf("%v: %v", sig, err)
	}
}

// waitExit waits until the server has ended and returns its exit code.
func (s *server) waitExit() int {
	s.t.Helper()
	eventually(s.t, "the end of the process", s.hasExited)
	s.stopped = true
	if s.cmd == nil {
		return 0
	}
	return s.cmd.ProcessState.ExitCode()
}

// stop ends the server and looks for what must not have happened.
func (s *server) stop() {
	if !s.stopped {
		syscall.Kill(s.pid, syscall.SIGTERM)
		if !within(deadline, s.hasExited) {
			syscall.Kill(s.pid, syscall.SIGABRT) // a trace of its goroutines
			within(time.Second, s.hasExited)
			syscall.Kill(s.pid, syscall.SIGKILL)
			s.t.Errorf("weir did not stop by SIGTERM")
		} else if s.cmd != nil && s.cmd.ProcessState.ExitCode() != 0 {
			s.t.Errorf("weir ended with %v", s.cmd.ProcessState)
		}
		s.stopped = true
	}
	s.check()
}

// bad is what a log must not hold.
var bad = regexp.MustCompile(`\[(alert|emerg)\]|^panic: |^fatal error: |DATA RACE|^SIG[A-Z]+: `)

func (s *server) check() {
	s.t.Helper()
	if s.cmd != nil && !s.hasExited() {
		s.t.Log("weir still runs")
		return
	}
	text := s.log() + s.stderr.String()
	failed := false
	for line := range strings.Lines(text) {
		if bad.MatchString(line) && !s.announced(line) {
			s.t.Errorf("log: %s", line)
			failed = true
		}
	}
	if failed || s.t.Failed() {
		s.t.Logf("error.log and stderr:\n%s", tail(text, 8000))
	}
}

func (s *server) announced(line string) bool {
	for _, text := range s.allowed {
		if strings.Contains(line, text) {
			return true
		}
	}
	return false
}

func tail(text string, n int) string {
	if len(text) > n {
		return "…" + text[len(text)-n:]
	}
	return text
}

// log is the error log.
func (s *server) log() string { return s.read("error.log") }

// waitLog waits for a line of the error log that matches, and returns what the last group of the pattern caught.
func (s *server) waitLog(pattern string) string {
	s.t.Helper()
	return s.waitLogs(pattern, 1)
}

// waitLogs waits until n lines match, and returns what the last group caught in the last of them.
func (s *server) waitLogs(pattern string, n int) string {
	s.t.Helper()
	re := regexp.MustCompile(pattern)
	var found [][]string
	eventually(s.t, "the log to say "+pattern, func() bool {
		found = re.FindAllStringSubmatch(s.log(), -1)
		return len(found) >= n
	})
	last := found[len(found)-1]
	return last[len(last)-1]
}

// reload writes a new configuration and waits until the server uses it.
func (s *server) reload(config string) {
	s.t.Helper()
	s.write("nginx.conf", config)
	before := strings.Count(s.log(), reloaded)
	s.signal(syscall.SIGHUP)
	s.waitLogs(regexp.QuoteMeta(reloaded), before+1)
}

// reloaded is what the log says when a reload has been carried out.
const reloaded = "configuration reloaded"

// descriptors is how many the server has open.
func (s *server) descriptors() int {
	s.t.Helper()
	entries, err := os.ReadDir("/proc/" + strconv.Itoa(s.pid) + "/fd")
	if err != nil {
		s.t.Fatal(err)
	}
	return len(entries)
}
