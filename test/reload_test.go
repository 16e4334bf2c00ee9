package test

import (
	"fmt"
	"io"
	"net"
	"os"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// TestReload: sockets stay, new sessions are served by the new configuration, running ones finish on the old.
func TestReload(t *testing.T) {
	echo := echoBackend(t)
	s := start(t, `stream {
		server { listen {host}:9000; proxy_pass `+echo+`; }
		server { listen {host}:9001; return old; }
		server { listen {host}:9002; return gone; }
	}`)
	running := s.dial(9000)
	running.send("one")
	running.want("one")
	s.dial(9001).wantAll("old")

	s.reload(`stream {
		server { listen {host}:9000; return new; }
		server { listen {host}:9001; return new; }
		server { listen {host}:9003; return more; }
	}`)
	s.dial(9000).wantAll("new")
	s.dial(9001).wantAll("new")
	s.dial(9003).wantAll("more")
	if conn, err := net.Dial("tcp", s.addr(9002)); err == nil {
		conn.Close()
		t.Error("an address that is not listened on any more is open")
	}
	running.send("two")
	running.want("two")
}

// TestBrokenReload: a configuration that can not be used is told in the log and changes nothing.
func TestBrokenReload(t *testing.T) {
	const good = "stream { server { listen {host}:9000; return old; } }"
	s := start(t, good)
	s.allow(" [emerg] ")
	for i, test := range []struct{ conf, want string }{
		{"stream { server { listen {host}:9000; retrun new; } }", `\[emerg\] .*unknown directive "retrun" in `},
		{"stream { server { listen {host}:9000; return new; } server { listen 192.0.2.1:1; return new; } }",
			`\[emerg\] .*bind\(\) to 192.0.2.1:1 failed`},
		{"error_log {dir}/none/x; stream { server { listen {host}:9000; return new; } }",
			`\[emerg\] .*open\(\) ".*/none/x" failed \(2: No such`},
		{"http { }", `"http" is not served`},
	} {
		s.write("nginx.conf", test.conf)
		s.signal(syscall.SIGHUP)
		s.waitLog(test.want)
		s.dial(9000).wantAll("old")
		if strings.Contains(s.log(), reloaded) {
			t.Fatalf("configuration %d was taken", i)
		}
	}
	s.reload(strings.Replace(good, "old", "new", 1))
	s.dial(9000).wantAll("new")
}

// TestReloadFailsLate: what was opened for a configuration that then fails is closed again.
func TestReloadFailsLate(t *testing.T) {
	w := newWorkspace(t)
	w.write("nginx.conf", "pid weir.pid; stream { server { listen {host}:9000; return old; } }")
	s := w.start("-g", "error_log error.log info;")
	s.allow(`none/pid" failed`)
	s.write("nginx.conf", "pid none/pid; stream { server { listen {host}:9000; listen {host}:9001; return new; } }")
	s.signal(syscall.SIGHUP)
	s.waitLog(`\[emerg\] .*open\(\) ".*/none/pid" failed`)
	s.dial(9000).wantAll("old")
	eventually(t, "the other address to be closed", func() bool {
		conn, err := net.Dial("tcp", s.addr(9001))
		if err == nil {
			conn.Close()
		}
		return err != nil
	})
	s.reload("pid other.pid; stream { server { listen {host}:9001; return new; } }")
	s.dial(9001).wantAll("new")
	if s.read("weir.pid") != "" || s.read("other.pid") == "" {
		t.Error("the pid file did not move")
	}
}

// TestReloadTimeout: worker_shutdown_timeout holds for the sessions of a replaced configuration.
func TestReloadTimeout(t *testing.T) {
	config := "worker_shutdown_timeout 20ms; stream { server { listen {host}:9000; proxy_pass " + echoBackend(t) + "; } }"
	s := start(t, config)
	c := s.dial(9000)
	c.send("one")
	c.want("one")
	s.reload(config)
	c.wantAll("")
}

// TestManyReloads carries out 200 reloads under 2000 new connections a second: workers come and go, and so do queues of their own.
// No connection may be refused, reset, or left without its answer.
func TestManyReloads(t *testing.T) {
	config := func(i int) string {
		return fmt.Sprintf("worker_processes %d; error_log {dir}/error.log notice; events { worker_connections 4096; }"+
			"stream { server { listen {host}:9000 backlog=4096 %s; return ok; } }", 1+i%4, []string{"", "reuseport"}[i/2%2])
	}
	w := newWorkspace(t)
	w.write("nginx.conf", config(1))
	s := w.start()
	reloads, rate := 200, 2000
	if raceEnabled {
		reloads, rate = 50, 300
	}

	stop := make(chan struct{})
	var clients sync.WaitGroup
	var served, failures atomic.Int64
	var first atomic.Value
	const dialers = 16
	for range dialers {
		clients.Go(func() {
			ticker := time.NewTicker(time.Second * dialers / time.Duration(rate))
			defer ticker.Stop()
			for {
				select {
				case <-stop:
					return
				case <-ticker.C:
				}
				if err := ask(s.addr(9000), "", "ok"); err != nil {
					failures.Add(1)
					first.CompareAndSwap(nil, err.Error())
				}
				served.Add(1)
			}
		})
	}
	began := time.Now()
	for i := range reloads {
		s.reload(config(i))
	}
	took := time.Since(began)
	eventually(t, "time for a rate", func() bool { return time.Since(began) >= time.Second })
	close(stop)
	clients.Wait()
	t.Logf("%d reloads in %v, %d connections", reloads, took.Round(time.Millisecond), served.Load())
	if n := failures.Load(); n > 0 {
		t.Errorf("%d of %d connections failed, the first: %v", n, served.Load(), first.Load())
	}
	if got, want := float64(served.Load())/time.Since(began).Seconds(), float64(rate)/2; got < want {
		t.Errorf("%.0f connections a second, want at least %.0f for the test to mean anything", got, want)
	}
}

// ask is one session on a connection of its own; without a question the server is to close it. It may be called from any goroutine.
func ask(addr, question, answer string) error {
	conn, err := net.DialTimeout("tcp", addr, deadline)
	if err != nil {
		return err
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(deadline))
	if _, err := io.WriteString(conn, question); err != nil {
		return err
	}
	got := make([]byte, len(answer))
	if n, err := io.ReadFull(conn, got); err != nil || string(got) != answer {
		return fmt.Errorf("received %q (%w), want %q", got[:n], err, answer)
	}
	if question != "" {
		return nil
	}
	if n, err := conn.Read(got); err != io.EOF {
		return fmt.Errorf("after the answer: %q, %w", got[:n], err)
	}
	return nil
}

var goroutineCount = regexp.MustCompile(`(\d+) goroutines`)

// goroutines asks the server for their number: it tells it at level debug when it reopens its logs.
func (s *server) goroutines(asked int) string {
	s.t.Helper()
	s.signal(syscall.SIGUSR1)
	return s.waitLogs(goroutineCount.String(), asked)
}

// TestNothingIsLeft: after 10 000 sessions and some reloads there are as many goroutines and descriptors as before.
func TestNothingIsLeft(t *testing.T) {
	config := "worker_processes 2; events { worker_connections 4096; } stream { server { listen {host}:9000; proxy_pass " +
		echoBackend(t) + "; } }"
	w := newWorkspace(t)
	w.write("nginx.conf", config)
	s := w.start("-g", strings.Replace(globals, "info", "debug", 1))
	run := func(n int) {
		for range n {
			if err := ask(s.addr(9000), "x", "x"); err != nil {
				t.Error(err)
				return
			}
		}
	}
	run(100)
	s.reload(config)
	descriptors, goroutines := settled(t, s.descriptors), s.goroutines(1)

	sessions := 10_000
	if raceEnabled {
		sessions = 2000
	}
	var clients sync.WaitGroup
	for range 4 {
		clients.Go(func() { run(sessions / 4) })
	}
	clients.Wait()
	more := strings.Replace(config, "worker_processes 2", "worker_processes 4", 1)
	broken := strings.Replace(more, "stream {", `stream { init_by_lua_block { error("not today") }`, 1)
	s.allow("not today")
	for i := range 5 {
		s.write("nginx.conf", broken)
		s.signal(syscall.SIGHUP)
		s.waitLogs(`\[emerg\] .*not today`, i+1)
		s.reload(more)
		s.reload(config)
	}
	eventually(t, "descriptors to return to their start", func() bool { return s.descriptors() <= descriptors })
	asked := 1
	eventually(t, "goroutines to return to their start, "+goroutines, func() bool {
		asked++
		return s.goroutines(asked) == goroutines
	})
}

// TestReplacedIsFreed: a configuration that no session uses any more is freed, however long they might have used it.
func TestReplacedIsFreed(t *testing.T) {
	var text strings.Builder
	text.WriteString("worker_shutdown_timeout 1h; stream { map $remote_addr $x {")
	for i := range 40_000 {
		fmt.Fprintf(&text, "key%d value%d;\n", i, i)
	}
	text.WriteString("} server { listen {host}:9000; return ok; } }")
	s := start(t, text.String())
	for range 4 {
		s.reload(text.String())
	}
	before := s.resident()
	for range 20 {
		s.reload(text.String())
	}
	if after := s.resident(); after > 2*before {
		t.Errorf("%d MB after 4 reloads, %d after 24", before>>20, after>>20)
	}
}

// resident is the memory that the server uses, in bytes.
func (s *server) resident() int {
	s.t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", s.pid))
	var size, resident int
	if _, failed := fmt.Sscan(string(text), &size, &resident); err != nil || failed != nil {
		s.t.Fatal(err, failed)
	}
	return resident * os.Getpagesize()
}

// settled is a count once it does not change any more.
func settled(t *testing.T, count func() int) int {
	t.Helper()
	last, since := count(), time.Now()
	eventually(t, "a count to settle", func() bool {
		if n := count(); n != last {
			last, since = n, time.Now()
		}
		return time.Since(since) > 50*time.Millisecond
	})
	return last
}
