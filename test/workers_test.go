package test

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// workersConfig answers each line with the worker that serves it, and how many there are. With reuseport every worker has a queue
// of its own.
func workersConfig(n int) string {
	return fmt.Sprintf(`worker_processes %d; stream {
		init_worker_by_lua_block { ngx.log(ngx.NOTICE, "worker ", ngx.worker.id(), " begins") }
		server {
			listen {host}:9000 reuseport;
			listen {host}:9001;
			content_by_lua_block {
				local sock = ngx.req.socket()
				while sock:receive() do
					ngx.say(ngx.worker.id(), " of ", ngx.worker.count(), ngx.worker.exiting() and ", leaving" or "")
				end
			}
		}
	}`, n)
}

// TestReloadWorkers: a reload brings more workers, or has some leave, which first finish what they have.
func TestReloadWorkers(t *testing.T) {
	s := start(t, workersConfig(1))
	descriptors := settled(t, s.descriptors)

	// reach connects until every worker has answered, and keeps a connection to each.
	reach := func(port, workers int) []*client {
		reached := make([]*client, workers)
		for left := workers; left > 0; {
			c := s.dial(port)
			c.send("?\n")
			var id, count int
			if _, err := fmt.Sscanf(c.line(), "%d of %d\n", &id, &count); err != nil || count != workers || id >= workers {
				t.Fatalf("worker %d of %d answers, want one of %d: %v", id, count, workers, err)
			}
			if reached[id] != nil {
				c.Close()
				continue
			}
			reached[id] = c
			left--
		}
		return reached
	}
	reach(9000, 1)[0].Close()

	s.reload(workersConfig(3))
	for id := range 3 {
		s.waitLogs(fmt.Sprintf("worker %d begins", id), 1)
	}
	old := reach(9000, 3)

	s.reload(workersConfig(1))
	for range 100 {
		reach(9000, 1)[0].Close()
		reach(9001, 1)[0].Close()
	}

	// A configuration for four workers fails when three of them have been built for it; two others of their numbers are leaving.
	s.allow("not today")
	s.write("nginx.conf", strings.Replace(workersConfig(4), "stream {", `stream {
		lua_shared_dict counts 64k;
		init_by_lua_block { if ngx.shared.counts:incr("built", 1, 0) == 4 then error("not today") end }`, 1))
	s.signal(syscall.SIGHUP)
	s.waitLog(`\[emerg\] .*not today`)

	for id, c := range old {
		c.send("?\n")
		want := fmt.Sprintf("%d of 3", id)
		if id > 0 {
			want += ", leaving"
		}
		if got := strings.TrimSpace(c.line()); !strings.HasPrefix(got, want) {
			t.Errorf("the session of worker %d is told %q, want %q", id, got, want)
		}
	}

	s.reload(workersConfig(2)) // the second worker is another one than that which leaves
	for _, c := range reach(9000, 2) {
		c.Close()
	}
	s.reload(workersConfig(1))
	for _, c := range old {
		c.closeWrite()
		c.wantAll("")
	}
	// Their queues stay, so that no connection is lost.
	eventually(t, "the workers that left to leave two queues behind", func() bool { return s.descriptors() == descriptors+2 })
}

// TestReloadWorkersWithPipes: a worker that leaves closes the pipes that it kept for bulk.
func TestReloadWorkersWithPipes(t *testing.T) {
	const size = 4 << 20
	source := backend(t, func(conn net.Conn) { conn.Write(make([]byte, size)) })
	config := func(workers int) string {
		return fmt.Sprintf("worker_processes %d; stream { server { listen {host}:9000 reuseport; proxy_pass %s; } }", workers, source)
	}
	s := start(t, config(3))
	before := s.pipes()
	for s.pipes() < before+6 { // until each worker has carried a session, and keeps a pipe
		if got := len(s.dial(9000).all()); got != size {
			t.Fatalf("received %d bytes of %d", got, size)
		}
	}
	s.reload(config(1))
	eventually(t, "one worker's pipe to be left", func() bool { return s.pipes() == before+2 })
}

// pipes is how many ends of pipes the server has open.
func (s *server) pipes() (n int) {
	s.t.Helper()
	links, err := filepath.Glob(fmt.Sprintf("/proc/%d/fd/*", s.pid))
	if err != nil {
		s.t.Fatal(err)
	}
	for _, link := range links {
		if to, _ := os.Readlink(link); strings.HasPrefix(to, "pipe:") {
			n++
		}
	}
	return n
}

// TestLeavingWorkerEnds: the end of the process waits for the sessions of workers that leave, and worker_shutdown_timeout
// holds for them.
func TestLeavingWorkerEnds(t *testing.T) {
	// leaving has a session on a worker that leaves.
	leaving := func(t *testing.T, head string) (*server, *client) {
		s := start(t, head+workersConfig(2))
		for {
			c := s.dial(9000)
			if c.send("?\n"); strings.HasPrefix(c.line(), "1 ") {
				s.reload(head + workersConfig(1))
				return s, c
			}
			c.Close()
		}
	}
	exited := func(t *testing.T, s *server) {
		if code := s.waitExit(); code != 0 {
			t.Errorf("exit code %d", code)
		}
	}
	t.Run("quit", func(t *testing.T) {
		s, c := leaving(t, "")
		s.signal(syscall.SIGQUIT)
		s.waitLog("gracefully shutting down")
		c.send("?\n")
		if got := c.line(); !strings.HasPrefix(got, "1 of 2") {
			t.Errorf("received %q", got)
		}
		if s.hasExited() {
			t.Error("weir has ended before its last session")
		}
		c.closeWrite()
		c.wantAll("")
		exited(t, s)
	})
	t.Run("stop", func(t *testing.T) {
		s, c := leaving(t, "")
		s.signal(syscall.SIGTERM)
		c.wantAll("")
		exited(t, s)
	})
	t.Run("timeout", func(t *testing.T) {
		_, c := leaving(t, "worker_shutdown_timeout 20ms; ")
		c.wantAll("")
	})
}

// TestReloadWorkersCannotBind: workers and queues that were added for a configuration whose other port is taken serve nothing, and
// what was there goes on.
func TestReloadWorkersCannotBind(t *testing.T) {
	s := start(t, workersConfig(1))
	taken, err := net.Listen("tcp", s.addr(9002))
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	descriptors := settled(t, s.descriptors)
	s.allow("Address already in use")
	s.allow("still could not bind")
	s.write("nginx.conf", strings.Replace(workersConfig(3), "listen {host}:9001;", "listen {host}:9001; listen {host}:9002;", 1))
	s.signal(syscall.SIGHUP)
	s.waitLog(`\[emerg\] .*still could not bind`)
	for range 100 {
		if got := s.exchange(9000, "?\n"); got != "0 of 1\n" {
			t.Fatalf("received %q", got)
		}
	}
	eventually(t, "descriptors to return to their start", func() bool { return s.descriptors() == descriptors })
}
