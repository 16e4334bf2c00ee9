package test

import (
	"strings"
	"syscall"
	"testing"
)

// TestEnvironment: Lua sees what env directives name, and TZ; init_by_lua still sees all.
func TestEnvironment(t *testing.T) {
	t.Setenv("WEIR_KEPT", "kept")
	t.Setenv("WEIR_DROPPED", "dropped")
	s := start(t, `env WEIR_KEPT; env WEIR_SET=set=1; env TZ=Asia/Tokyo;
	stream {
		init_by_lua_block { print("init sees ", os.getenv("WEIR_DROPPED")) }
		server { listen {host}:9000; content_by_lua_block {
			ngx.say(os.getenv("WEIR_KEPT"), " ", os.getenv("WEIR_SET"), " ", os.getenv("WEIR_DROPPED"), " ", os.date("%H", 0))
		} }
		server { listen {host}:9001; return $time_iso8601; }
	}`)
	s.waitLog("init sees dropped")
	s.dial(9000).wantAll("kept set=1 nil 09\n")
	if got := s.dial(9001).all(); !strings.HasSuffix(got, "+09:00") {
		t.Errorf("$time_iso8601 is %s", got)
	}
}

// TestBrokenLuaReload: Lua that does not start up changes nothing, and the addresses it would have listened on close.
func TestBrokenLuaReload(t *testing.T) {
	s := start(t, "stream { server { listen {host}:9000; return old; } }")
	s.allow(" [emerg] ")
	for _, test := range []struct{ lua, want string }{
		{`init_by_lua_block { error("not today") }`, `\[emerg\] .*not today`},
		{`init_by_lua_block { if }`, `\[emerg\] .*unexpected symbol near`},
	} {
		s.write("nginx.conf", "stream { "+test.lua+" server { listen {host}:9000; return new; } }")
		s.signal(syscall.SIGHUP)
		s.waitLog(test.want)
		s.dial(9000).wantAll("old")
	}
}

// TestFinalizersAtReload: what a configuration's objects do when its VM is closed, they can do, with patterns that are as
// old as they are.
func TestFinalizersAtReload(t *testing.T) {
	config := `stream {
		init_worker_by_lua_block {
			ngx.re.match("abc", "(b)", "jo")
			object = newproxy(true)
			getmetatable(object).__gc = function()
				ngx.log(ngx.WARN, "closed ", ngx.re.match("abc", "(b)", "jo")[1], ngx.re.match("x1", "[0-9]")[0])
			end
		}
		server { listen {host}:9000; content_by_lua_block { ngx.say("here") } }
	}`
	s := start(t, config)
	for n := range 3 {
		s.dial(9000).wantAll("here\n")
		s.reload(config)
		s.waitLogs("closed b1", n+1)
	}
	s.dial(9000).wantAll("here\n")
}

// TestStuckWorker: Lua that never ends does not keep weir from ending, and what other sessions have logged is not lost.
func TestStuckWorker(t *testing.T) {
	t.Parallel()
	s := start(t, `stream {
		log_format port $server_port;
		access_log access.log port buffer=64k;
		server { listen {host}:9000; content_by_lua_block { ngx.log(ngx.WARN, 'begins') while true do end } }
		server { listen {host}:9001; return ok; }
	}`)
	s.allow("[alert] ")
	s.dial(9001).wantAll("ok")
	s.dial(9000)
	s.waitLog("begins")
	s.signal(syscall.SIGTERM)
	if code := s.waitExit(); code != 1 {
		t.Errorf("exit code %d", code)
	}
	s.waitLog(`\[alert\] .*: still not stopped`)
	if got := s.read("access.log"); !strings.HasSuffix(got, "\n") || strings.Count(got, "\n") != 1 {
		t.Errorf("the access log has %q", got)
	}
	if s.read("weir.pid") != "" {
		t.Error("the pid file is still there")
	}
}
