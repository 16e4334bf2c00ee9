package test

import (
	"net"
	"slices"
	"strconv"
	"syscall"
	"testing"
	"time"
)

// TestQuitSendsWhatIsGiven: a session that has ended while the client did not read may have something to send still, and
// the process ends after that. How many answers fit into the kernel's buffers is tried first; around that number there is
// a session whose last one does not.
func TestQuitSendsWhatIsGiven(t *testing.T) {
	s := start(t, `stream {
		lua_shared_dict given 64k;
		server {
			listen {host}:9000 sndbuf=8k;
			content_by_lua_block {
				local sock = assert(ngx.req.socket(true))
				local wanted = sock:receive()
				for i = 1, tonumber(wanted) do
					if not sock:receive() or not sock:send(("x"):rep(2000)) then
						return
					end
					ngx.shared.given:set(wanted, i)
				end
			}
		}
		server {
			listen {host}:9001;
			content_by_lua_block { ngx.print(ngx.shared.given:get(ngx.req.socket():receive()) or 0) }
		}
	}`)
	given := func(wanted, n int) func() bool {
		return func() bool { return s.exchange(9001, strconv.Itoa(wanted)+"\n") == strconv.Itoa(n) }
	}
	const many = 1000
	fits, first := 0, s.silent(many)
	for first.send("\n"); within(200*time.Millisecond, given(many, fits+1)); first.send("\n") {
		fits++
	}
	first.Close()
	clients := make([]*client, fits+5)
	for wanted := range clients {
		c := s.silent(wanted)
		for n := range wanted {
			if c.send("\n"); n < fits {
				eventually(t, "an answer", given(wanted, n+1))
			}
		}
		clients[wanted] = c
	}
	s.signal(syscall.SIGQUIT)
	s.waitLog("gracefully shutting down")
	for wanted, c := range slices.Backward(clients) {
		if wanted == fits && within(200*time.Millisecond, s.hasExited) { // what comes before it has ended
			t.Fatal("weir ended with something to send")
		}
		if got := len(c.all()); got != 2000*wanted {
			t.Errorf("%d bytes of %d", got, 2000*wanted)
		}
	}
	if code := s.waitExit(); code != 0 {
		t.Errorf("exit code %d", code)
	}
}

// silent wants so many answers on a connection with small buffers, and reads nothing.
func (s *server) silent(wanted int) *client {
	c := s.small(9000)
	c.send(strconv.Itoa(wanted) + "\n")
	return c
}

// small is dial with a small buffer for what comes.
func (s *server) small(port int) *client {
	dialer := net.Dialer{Control: func(_, _ string, c syscall.RawConn) error {
		return c.Control(func(fd uintptr) { syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_RCVBUF, 4096) })
	}}
	conn, err := dialer.Dial("tcp", s.addr(port))
	if err != nil {
		s.t.Fatal(err)
	}
	return newClient(s.t, conn)
}

// TestTermAfterShutdownTimeout: when the timeout of a graceful end is over and Lua's timers still run, TERM ends at once.
func TestTermAfterShutdownTimeout(t *testing.T) {
	s := start(t, `worker_shutdown_timeout 50ms; stream {
		init_worker_by_lua_block { ngx.timer.at(0, function() while true do ngx.sleep(0.01) end end) }
		server { listen {host}:9000; proxy_pass `+echoBackend(t)+`; } }`)
	c := s.dial(9000)
	c.ask("one", "one")
	s.signal(syscall.SIGQUIT)
	c.wantAll("")
	if s.hasExited() {
		t.Fatal("the timer did not hold the worker")
	}
	s.signal(syscall.SIGTERM)
	if code := s.waitExit(); code != 0 {
		t.Errorf("exit code %d", code)
	}
}
