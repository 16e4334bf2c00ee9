package test

import (
	"strings"
	"testing"
)

// spin holds the worker for so many milliseconds, in interpreted code, in compiled code, or in C.
const spin = `
	local ffi = require "ffi"
	ffi.cdef "typedef struct { long s, n; } weir_ts; int clock_gettime(int, weir_ts *); int usleep(unsigned);"
	local at, C = ffi.new("weir_ts"), ffi.C
	local function now() C.clock_gettime(1, at) return tonumber(at.s) * 1000 + tonumber(at.n) / 1e6 end
	function spin_here(ms) local till = now() + ms while now() < till do end end
	function sleep_here(ms) C.usleep(ms * 1000) end
`

func TestLuaSliceWarn(t *testing.T) {
	s := start(t, `
		worker_processes 1;
		events {}
		stream {
			lua_slice_warn 50ms;
			init_by_lua_block {`+spin+`}
			server { listen {host}:9000; content_by_lua_block {
				jit.off(spin_here)
				local function too_long() spin_here(400) return true end
				too_long()
				ngx.say(ngx.worker.slow_slices())
			} }
			server { listen {host}:9001; content_by_lua_block { ngx.say(ngx.worker.slow_slices()) } }
			server { listen {host}:9002; content_by_lua_block { sleep_here(400) ngx.say("slept") } }
			server { listen {host}:9003; content_by_lua_block {
				local n = 0
				for i = 1, 4e8 do n = n + i % 3 end
				ngx.say("counted")
			} }
		}`)
	for range 20 {
		s.dial(9001).wantAll("0\n")
	}
	s.dial(9000).wantAll("1\n")
	line := s.waitLog(`(stream \[lua\] slice holds worker 0 for \d+ ms in content_by_lua\*\n(?:.*\n)+?.*in function 'too_long')`)
	if strings.Contains(line, "[error]") {
		t.Errorf("log: %s", line)
	}
	s.waitLog(`, client: 127.* server: ` + s.addr(9000))
	s.dial(9001).wantAll("1\n")
	if n := strings.Count(s.log(), "slice holds"); n != 1 {
		t.Errorf("%d lines:\n%s", n, s.log())
	}

	s.dial(9002).wantAll("slept\n")
	s.dial(9001).wantAll("2\n")

	s.dial(9003).wantAll("counted\n") // seconds
	s.waitLog(`holds worker 0 for \d+ ms in content_by_lua\(nginx.conf:\d+\), and goes on; it is compiled`)
	s.dial(9001).wantAll("3\n")
	if n := strings.Count(s.log(), "goes on"); n > 5 {
		t.Errorf("%d lines:\n%s", n, s.log())
	}
}

// A slice that never ends is told while it runs.
func TestLuaSliceEndless(t *testing.T) {
	s := start(t, `
		worker_processes 1;
		events {}
		stream {
			lua_slice_warn 20ms;
			server { listen {host}:9000; content_by_lua_block {
				local n = 0
				while n >= 0 do n = (n + 1) % 1000 end
			} }
		}`)
	s.dial(9000)
	s.waitLogs(`and goes on; it is compiled`, 3)
	if n := strings.Count(s.log(), "goes on"); n > 5 {
		t.Errorf("%d lines:\n%s", n, s.log())
	}
	s.kill()
}

func TestLuaSliceWarnOff(t *testing.T) {
	s := start(t, `
		worker_processes 1;
		events {}
		stream {
			lua_slice_warn 0;
			init_by_lua_block {`+spin+`}
			server { listen {host}:9000; content_by_lua_block { spin_here(300) ngx.say(ngx.worker.slow_slices()) } }
		}`)
	s.dial(9000).wantAll("0\n")
	if strings.Contains(s.log(), "slice") {
		t.Errorf("log: %s", s.log())
	}
}

func TestLuaMemoryLimit(t *testing.T) {
	s := start(t, `
		worker_processes 1;
		events {}
		stream {
			lua_memory_limit 24m;
			server { listen {host}:9000; content_by_lua_block {
				local sock, kept = ngx.req.socket(true), {}
				while true do
					local line = sock:receive()
					if not line then return end
					kept[#kept + 1] = line
					ngx.say(line, " ", #kept)
				end
			} }
			server { listen {host}:9001; content_by_lua_block { local t = {} while true do t[#t + 1] = { #t } end } }
			server { listen {host}:9002; content_by_lua_block { local s = "x" while true do s = s .. s end } }
			server { listen {host}:9003; content_by_lua_block { ngx.say(select(2, pcall(string.rep, "x", 1e9))) } }
			server { listen {host}:9004; content_by_lua_block {
				local live = {}
				for i = 1, 14 do live[i] = ("x"):rep(1e6) .. i end
				for i = 1, 2e5 do local s = ("y"):rep(1000) .. i end
				ngx.say(#live, " ", ngx.worker.memory_limit())
			} }
			server { listen {host}:9005; content_by_lua_block {
				local t = {}
				while true do t[#t + 1] = coroutine.create(function() end) end
			} }
			server { listen {host}:9006; content_by_lua_block {
				local ok, err = ngx.timer.at(0, function() local t = {} while true do t[#t + 1] = ("x"):rep(100) .. #t end end)
				ngx.say(ok)
			} }
			server { listen {host}:9007; content_by_lua_block {
				local t = {} while true do t[#t + 1] = ngx.thread.spawn(function() ngx.sleep(100) end) end
			} }
		}`)
	beside := s.dial(9000)
	say := func() {
		beside.send("hello\n")
		if got := beside.line(); !strings.HasPrefix(got, "hello ") {
			t.Fatalf("received %q", got)
		}
	}
	say()
	for range 3 {
		for _, port := range []int{9001, 9002, 9005, 9006, 9007} {
			s.dial(port).all()
			say()
		}
		s.dial(9003).wantAll("not enough memory\n")
		s.dial(9004).wantAll("14 25165824\n")
		say()
	}
	s.waitLog(`lua_memory_limit of 25165824 bytes is reached in worker 0: \d+ bytes are in use, \d+ allocations were refused`)
	s.waitLog(`(?s)lua entry thread aborted: runtime error: not enough memory\nstack traceback:\ncoroutine 0:\n.*:9005`)
	if n := strings.Count(s.log(), "lua_memory_limit of"); n > 3 {
		t.Errorf("%d lines of the limit", n)
	}
}

// kill ends what does not end by itself.
func (s *server) kill() {
	s.cmd.Process.Kill()
	<-s.exited
	s.stopped = true
}
