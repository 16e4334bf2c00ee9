package test

import (
	"fmt"
	"io"
	"maps"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// TestDaemon: the command returns when the sockets listen, and the pid file holds the daemon's own number.
func TestDaemon(t *testing.T) {
	w := newWorkspace(t)
	w.write("nginx.conf", "daemon on; master_process off; stream { server { listen {host}:9000; return ok; } }")
	got := w.command("-p", w.dir, "-c", "nginx.conf", "-e", "error.log", "-g", globals)
	if got.code != 0 || got.stderr != "" {
		t.Fatalf("%+v", got)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(w.read("weir.pid")))
	if err != nil {
		t.Fatal(err)
	}
	s := &server{workspace: w, pid: pid}
	t.Cleanup(s.stop)
	w.dial(9000).wantAll("ok")
	for fd, want := range map[string]string{"0": os.DevNull, "1": os.DevNull, "2": w.path("error.log")} {
		if to, _ := os.Readlink(fmt.Sprintf("/proc/%d/fd/%s", pid, fd)); to != want {
			t.Errorf("descriptor %s is %s, want %s", fd, to, want)
		}
	}
	if sid, err := getsid(pid); err != nil || sid != pid {
		t.Errorf("session %d (%v), want its own, %d", sid, err, pid)
	}
}

// TestDaemonStderr: a daemon whose log is stderr keeps it; that of another is its log, whoever has named that.
func TestDaemonStderr(t *testing.T) {
	for _, test := range []struct{ globals, want string }{
		{"", "error.log"},
		{"error_log syslog:server=unix:{dir}/nobody;", "error.log"},
		{"error_log other.log;", "other.log"},
		{"error_log other.log; error_log stderr info;", "terminal"},
	} {
		w := newWorkspace(t)
		w.write("nginx.conf", "daemon on; "+test.globals+" stream { server { listen {host}:9000; return ok; } }")
		terminal, err := os.Create(w.path("terminal"))
		if err != nil {
			t.Fatal(err)
		}
		cmd := exec.Command(binary, "-p", w.dir, "-c", "nginx.conf", "-e", "error.log", "-g", "pid weir.pid;")
		cmd.Dir, cmd.Stderr = w.dir, terminal
		err = cmd.Run()
		terminal.Close()
		if err != nil {
			t.Fatalf("%v: %s", err, w.read("terminal"))
		}
		pid, err := strconv.Atoi(strings.TrimSpace(w.read("weir.pid")))
		if err != nil {
			t.Fatal(err)
		}
		s := &server{workspace: w, pid: pid}
		t.Cleanup(s.stop)
		if to, _ := os.Readlink(fmt.Sprintf("/proc/%d/fd/2", pid)); to != w.path(test.want) {
			t.Errorf("%s: stderr is %s", test.globals, to)
		}
		w.dial(9000).wantAll("ok")
		if test.want == "terminal" {
			eventually(t, "the session on stderr", func() bool { return strings.Contains(w.read("terminal"), "client 127.0.0.1:") })
		}
	}
}

func getsid(pid int) (int, error) {
	sid, _, errno := syscall.Syscall(syscall.SYS_GETSID, uintptr(pid), 0, 0)
	if errno != 0 {
		return 0, errno
	}
	return int(sid), nil
}

// TestDaemonFails: what the daemon can not do is the command's failure.
func TestDaemonFails(t *testing.T) {
	w := newWorkspace(t)
	w.write("nginx.conf", "daemon on; stream { server { listen 192.0.2.1:9000; return ok; } }")
	got := w.command("-p", w.dir, "-c", "nginx.conf", "-e", "error.log", "-g", globals)
	const want = "weir: [emerg] bind() to 192.0.2.1:9000 failed (99: Cannot assign requested address)\n"
	if got.code == 0 || got.stderr != want {
		t.Errorf("%+v", got)
	}
}

// TestAddressInUse: an address that is freed while weir tries is taken.
func TestAddressInUse(t *testing.T) {
	w := newWorkspace(t)
	l, err := net.Listen("tcp", w.addr(9000))
	if err != nil {
		t.Fatal(err)
	}
	w.write("nginx.conf", "stream { server { listen {host}:9000; return ok; } }")
	s := w.launch()
	s.allow("failed (98: Address already in use)")
	s.waitLog("Address already in use")
	l.Close()
	s.waitReady()
	s.dial(9000).wantAll("ok")
}

// TestReopen: after USR1 the log is a new file.
func TestReopen(t *testing.T) {
	s := start(t, "stream { server { listen {host}:9000; return ok; } }")
	s.dial(9000).wantAll("ok")
	s.waitLog("client 127.0.0.1:")
	if err := os.Rename(s.path("error.log"), s.path("old.log")); err != nil {
		t.Fatal(err)
	}
	s.signal(syscall.SIGUSR1)
	eventually(t, "the new log", func() bool { _, err := os.Stat(s.path("error.log")); return err == nil })
	s.dial(9000).wantAll("ok")
	s.waitLog("client 127.0.0.1:")
	if n := strings.Count(s.read("old.log"), "client 127.0.0.1:"); n != 1 {
		t.Errorf("%d sessions in the old log", n)
	}
}

// TestQuit: a graceful end takes no more sessions and waits for those that are there.
func TestQuit(t *testing.T) {
	s := start(t, "stream { server { listen {host}:9000; proxy_pass "+echoBackend(t)+"; } }")
	c := s.dial(9000)
	c.send("one")
	c.want("one")
	s.signal(syscall.SIGQUIT)
	s.waitLog("gracefully shutting down")
	eventually(t, "the socket to be closed", func() bool {
		conn, err := net.Dial("tcp", s.addr(9000))
		if err == nil {
			conn.Close()
		}
		return err != nil
	})
	c.send("two")
	c.want("two")
	if s.hasExited() {
		t.Fatal("weir ended with a session running")
	}
	c.Close()
	if code := s.waitExit(); code != 0 {
		t.Errorf("exit code %d", code)
	}
	s.waitLog(`\[notice\] .*: exit`)
}

func TestShutdownTimeout(t *testing.T) {
	s := start(t, "worker_shutdown_timeout 50ms; stream { server { listen {host}:9000; proxy_pass "+echoBackend(t)+"; } }")
	c := s.dial(9000)
	c.send("one")
	c.want("one")
	s.signal(syscall.SIGQUIT)
	c.wantAll("")
	s.waitExit()
}

// TestExpedite: TERM ends a graceful end.
func TestExpedite(t *testing.T) {
	s := start(t, "stream { server { listen {host}:9000; proxy_pass "+echoBackend(t)+"; } }")
	c := s.dial(9000)
	c.send("one")
	c.want("one")
	s.signal(syscall.SIGQUIT)
	s.waitLog("gracefully shutting down")
	s.signal(syscall.SIGTERM)
	c.wantAll("")
	s.waitExit()
}

// TestUser: all threads change to the user, after a port that only root may take was bound. A reload can bind another, and
// no thread but one keeps anything of what root may.
func TestUser(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Fatal("the tests run as root")
	}
	nobody, err := user.Lookup("nobody")
	if err != nil {
		t.Fatal(err)
	}
	const head = "user nobody nogroup; worker_processes 2; "
	s := start(t, head+"stream { server { listen {host}:79; return ok; } }")
	s.dial(79).wantAll("ok")
	for _, thread := range s.threads() {
		if id := nobody.Uid; thread["Uid"] != strings.Join([]string{id, id, id, id}, "\t") {
			t.Errorf("a thread's users: %s", thread["Uid"])
		}
	}
	s.wantCapabilities(map[string]int{"0000000000800400": 1})
	s.signal(syscall.SIGUSR1) // the log can be opened again
	s.waitLog("reopening logs")
	s.reload(head + "stream { server { listen {host}:79; listen {host}:78; return again; } }")
	s.dial(79).wantAll("again")
	s.dial(78).wantAll("again")
	s.reload("user nobody nogroup; worker_processes 4; stream { server { listen {host}:78 reuseport; return four; } }")
	s.dial(78).wantAll("four")
	s.reload(head + "stream { server { listen {host}:79; proxy_pass {host}:78; proxy_bind $remote_addr transparent; } }")
	s.waitLog(`\[warn\].*"transparent" takes a privilege`)
}

// TestPriority: the workers have it, and change it by reload, also after the process has become another user.
func TestPriority(t *testing.T) {
	config := func(directives string) string {
		return "user nobody nogroup; worker_processes 2; " + directives + "stream { server { listen {host}:9000; return ok; } }"
	}
	s := start(t, config(""))
	usual := s.niceThreads()
	for _, priority := range []int{5, -3, -7} {
		s.reload(config(fmt.Sprintf("worker_priority %d; ", priority)))
		if got := s.niceThreads(); got[priority] != 2 {
			t.Errorf("threads by nice value: %v, want two of %d", got, priority)
		}
	}
	s.reload(config(""))
	if got := s.niceThreads(); len(got) != len(usual) {
		t.Errorf("threads by nice value: %v, at first %v", got, usual)
	}
}

// niceThreads counts the server's threads by their nice values.
func (s *server) niceThreads() map[int]int {
	s.t.Helper()
	all := map[int]int{}
	tasks, err := os.ReadDir(fmt.Sprintf("/proc/%d/task", s.pid))
	if err != nil {
		s.t.Fatal(err)
	}
	for _, task := range tasks {
		tid, _ := strconv.Atoi(task.Name())
		raw, err := unix.Getpriority(unix.PRIO_PROCESS, tid)
		if err != nil {
			s.t.Fatal(err)
		}
		all[20-raw]++
	}
	return all
}

// TestUserTransparent: the workers keep what proxy_bind needs; those that a reload adds do not have it.
func TestUserTransparent(t *testing.T) {
	addr := backend(t, func(conn net.Conn) { fmt.Fprint(conn, "from "+conn.RemoteAddr().(*net.TCPAddr).IP.String()) })
	config := func(workers int) string {
		return fmt.Sprintf(`user nobody nogroup; worker_processes %d; stream { server {
			listen {host}:9000;
			proxy_pass %s;
			proxy_bind $remote_addr transparent;
		} }`, workers, addr)
	}
	s := start(t, config(2))
	s.dial(9000).wantAll("from 127.0.0.1")
	s.wantCapabilities(map[string]int{"0000000000800400": 1, "0000000000002000": 2})
	const warning = `"transparent" takes a privilege`
	s.reload(config(2))
	if strings.Contains(s.log(), warning) {
		t.Error("there is a warning though no worker was added")
	}
	s.reload(config(3))
	s.waitLogs(warning, 1)
	s.wantCapabilities(map[string]int{"0000000000800400": 1, "0000000000002000": 2})
}

// TestUserRoot: to become root, root gives up nothing.
func TestUserRoot(t *testing.T) {
	s := start(t, "user root; stream { server { listen {host}:9000; return ok; } }")
	s.dial(9000).wantAll("ok")
	for _, thread := range s.threads() {
		if strings.Trim(thread["CapEff"], "0") == "" || thread["CapEff"] != thread["CapBnd"] {
			t.Errorf("a thread has capabilities %s of %s", thread["CapEff"], thread["CapBnd"])
		}
	}
}

// threads is what the kernel tells of each of the server's threads (status in proc(5)).
func (s *server) threads() (all []map[string]string) {
	s.t.Helper()
	tasks, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/status", s.pid))
	if err != nil {
		s.t.Fatal(err)
	}
	for _, path := range tasks {
		text, err := os.ReadFile(path)
		if err != nil {
			s.t.Fatal(err)
		}
		thread := map[string]string{}
		for line := range strings.Lines(string(text)) {
			name, value, _ := strings.Cut(line, ":")
			thread[name] = strings.TrimSpace(value)
		}
		all = append(all, thread)
	}
	return all
}

// wantCapabilities compares how many threads have which capabilities; those that have none do not count.
func (s *server) wantCapabilities(want map[string]int) {
	s.t.Helper()
	got := map[string]int{}
	for _, thread := range s.threads() {
		if thread["CapEff"] != thread["CapPrm"] {
			s.t.Errorf("capabilities %s in effect, %s permitted", thread["CapEff"], thread["CapPrm"])
		}
		if c := thread["CapEff"]; strings.Trim(c, "0") != "" {
			got[c]++
		}
	}
	if !maps.Equal(got, want) {
		s.t.Errorf("threads by capabilities: %v, want %v", got, want)
	}
}

// TestIgnoredSignals: they are told, and nothing else happens.
func TestIgnoredSignals(t *testing.T) {
	s := start(t, "stream { server { listen {host}:9000; return ok; } }")
	for _, sig := range []syscall.Signal{syscall.SIGPIPE, syscall.SIGCHLD, syscall.SIGWINCH, syscall.SIGUSR2} {
		s.signal(sig)
	}
	s.waitLog(`signal 28 \(SIGWINCH\) received, ignored`)
	s.waitLog(`signal 12 \(SIGUSR2\) received, ignored`)
	s.dial(9000).wantAll("ok")
}

// TestOutOfDescriptors: without descriptors weir stops accepting, says so once, and goes on when there are some.
func TestOutOfDescriptors(t *testing.T) {
	s := start(t, `worker_rlimit_nofile 32; stream { server { listen {host}:9000; content_by_lua_block {
		ngx.print(assert(ngx.req.socket()):receive(1)) -- a session that waits has one descriptor, and asks for no other
	} } }`)
	s.allow("24: Too many open files")
	var held []*client
	for range 40 {
		held = append(held, s.dial(9000)) // the kernel takes what weir does not
	}
	s.waitLog("accept.*24: Too many open files.* pauses")
	before := cpuTicks(t, s.pid)
	time.Sleep(300 * time.Millisecond) // time in which a loop that spins would use up 30 ticks
	if used := cpuTicks(t, s.pid) - before; used > 10 {
		t.Errorf("%d ticks of CPU used while nothing can be accepted", used)
	}
	if n := strings.Count(s.log(), " pauses"); n > 3 {
		t.Errorf("%d lines in the log", n)
	}
	for _, c := range held {
		c.Close()
	}
	eventually(t, "a session to be served", func() bool {
		conn, err := net.DialTimeout("tcp", s.addr(9000), deadline)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		conn.SetDeadline(time.Now().Add(deadline))
		io.WriteString(conn, "x")
		_, err = conn.Read(make([]byte, 1))
		return err == nil
	})
}

// TestBurstOfShortSessions: connections that wait together are no more at a time than worker_connections allows, as each is over
// at once.
func TestBurstOfShortSessions(t *testing.T) {
	w := newWorkspace(t)
	w.write("nginx.conf", "events { worker_connections 4; } stream { server { listen {host}:9000; return ok; } }")
	s := w.start()
	s.signal(syscall.SIGSTOP)
	var clients []*client
	for range 60 {
		clients = append(clients, s.dial(9000))
	}
	s.signal(syscall.SIGCONT)
	for _, c := range clients {
		c.wantAll("ok")
	}
	if strings.Contains(s.log(), "are not enough") {
		t.Error("accepting paused")
	}
}

// cpuTicks is how much CPU a process has used, in 1/100 s.
func cpuTicks(t *testing.T, pid int) int {
	t.Helper()
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		t.Fatal(err)
	}
	_, after, _ := strings.Cut(string(stat), ") ")
	fields := strings.Fields(after)
	user, _ := strconv.Atoi(fields[11])
	system, _ := strconv.Atoi(fields[12])
	return user + system
}

// TestEndWhileBinding: a signal that ends the process does so while an address in use is tried again and again.
func TestEndWhileBinding(t *testing.T) {
	for _, test := range []struct {
		sig  syscall.Signal
		told string
	}{
		{syscall.SIGTERM, "signal 15 (SIGTERM) received, exiting"},
		{syscall.SIGINT, "signal 2 (SIGINT) received, exiting"},
		{syscall.SIGQUIT, "signal 3 (SIGQUIT) received, shutting down"},
	} {
		t.Run(test.sig.String(), func(t *testing.T) {
			w := newWorkspace(t)
			l, err := net.Listen("tcp", w.addr(9000))
			if err != nil {
				t.Fatal(err)
			}
			defer l.Close()
			w.write("nginx.conf", "stream { server { listen {host}:9000; return ok; } }")
			s := w.launch()
			s.allow("failed (98: Address already in use)")
			s.waitLog("Address already in use")
			s.signal(test.sig)
			if code := s.waitExit(); code != 0 {
				t.Errorf("exit code %d", code)
			}
			log := s.log()
			if !strings.Contains(log, test.told) || strings.Contains(log, "still could not bind()") {
				t.Errorf("log:\n%s", log)
			}
			if w.read("weir.pid") != "" {
				t.Error("a pid file was left")
			}
		})
	}
}

// TestEndReloadWhileBinding: the same during a reload.
func TestEndReloadWhileBinding(t *testing.T) {
	s := start(t, "stream { server { listen {host}:9000; return ok; } }")
	l, err := net.Listen("tcp", s.addr(9001))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	s.allow("failed (98: Address already in use)")
	s.write("nginx.conf", "stream { server { listen {host}:9001; return ok; } }")
	s.signal(syscall.SIGHUP)
	s.waitLog("Address already in use")
	s.signal(syscall.SIGTERM)
	if code := s.waitExit(); code != 0 {
		t.Errorf("exit code %d", code)
	}
	if strings.Contains(s.log(), "still could not bind()") {
		t.Errorf("log:\n%s", s.log())
	}
}
