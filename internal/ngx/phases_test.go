package ngx

import (
	"bufio"
	"net"
	"strings"
	"testing"

	"github.com/weirproxy/weir/internal/stream/streamtest"
)

// session runs code as content_by_lua_block and returns what it says, and the error log. extra stands in stream{}.
func session(t *testing.T, extra, code string) (said, log string) {
	t.Helper()
	s := streamtest.Start(t, extra+" server { listen 127.0.0.1:%PORT%; content_by_lua_block {\n"+code+"\n} }", Module)
	said = s.Ask(0, "")
	s.Settle()
	return said, s.ErrorLog()
}

func TestContent(t *testing.T) {
	tests := []struct{ name, code, want string }{
		{"say", `ngx.say("a", 1, nil, true, {"x", {2}}, ngx.null) ngx.print("b")`, "a1niltruex2null\nb"},
		{"phase", `ngx.say(ngx.get_phase())`, "content\n"},
		{"eof", `ngx.eof() ngx.say(ngx.say("x"))`, ""},
		{"flush", `ngx.print("x") ngx.say(ngx.flush(true))`, "x1\n"},
		{"exit", `ngx.say("x") ngx.exit(ngx.OK) ngx.say("y")`, "x\n"},
		{"exit in a thread", `ngx.thread.spawn(function() ngx.sleep(0.001) ngx.say("t") ngx.exit(0) end) ngx.sleep(100)`, "t\n"},
		{"spawn runs at once", `local t = ngx.thread.spawn(function() ngx.say("child") end) ngx.say("parent ", coroutine.status(t))`,
			"child\nparent zombie\n"},
		{"wait", `local t = ngx.thread.spawn(function(a) ngx.sleep(0.001) return a, "r" end, 5) ngx.say({ngx.thread.wait(t)}[1] and 1)`, ""},
		{"wait results", `local t = ngx.thread.spawn(function(a) ngx.sleep(0.001) return a, "r" end, 5)
			local ok, a, b = ngx.thread.wait(t) ngx.say(ok, a, b)`, "true5r\n"},
		{"wait for a zombie", `local t = ngx.thread.spawn(function() return {7} end) local ok, r = ngx.thread.wait(t) ngx.say(ok, r[1])`, "true7\n"},
		{"wait for an error", `local t = ngx.thread.spawn(function() error("bad", 0) end) local ok, e = ngx.thread.wait(t) ngx.say(ok, e)`, "falsebad\n"},
		{"wait twice", `local t = ngx.thread.spawn(function() end) ngx.thread.wait(t) local a, b = ngx.thread.wait(t) ngx.say(a, b)`,
			"nilalready waited or killed\n"},
		{"first of two", `local function f(n) ngx.sleep(n) return n end
			local a, b = ngx.thread.spawn(f, 5), ngx.thread.spawn(f, 0.001)
			local ok, n = ngx.thread.wait(a, b) ngx.say(n) ngx.exit(0)`, "0.001\n"},
		{"kill", `local t = ngx.thread.spawn(function() ngx.sleep(100) end) ngx.say(ngx.thread.kill(t))
			local a, b = ngx.thread.kill(t) ngx.say(a, b)`, "1\nnilalready waited or killed\n"},
		{"yield lets others run", `local t = ngx.thread.spawn(function() for i = 1, 2 do ngx.say("c", i) coroutine.yield() end end)
			for i = 1, 2 do ngx.say("p", i) coroutine.yield() end ngx.thread.wait(t)`, "c1\np1\nc2\np2\n"},
		{"wait in a coroutine", `local f = coroutine.wrap(function() for i = 1, 3 do ngx.sleep(0.001) coroutine.yield(i) end end)
			ngx.say(f(), f(), f())`, "123\n"},
		{"var", `ngx.say(ngx.var.remote_addr, ngx.var.nosuch)`, "127.0.0.1nil\n"},
		{"ctx", `ngx.ctx.a = 1 ngx.say(ngx.ctx.a) ngx.ctx = {b = 2} ngx.say(ngx.ctx.a, ngx.ctx.b)`, "1\nnil2\n"},
		{"semaphore", `local s = require("ngx.semaphore").new(1)
			ngx.say(s:wait(0)) ngx.say((s:wait(0.001)))
			local t = ngx.thread.spawn(function() return s:wait(5) end) ngx.say(s:count()) s:post(1)
			local ok, got = ngx.thread.wait(t) ngx.say(ok, got)`, "true\nfalse\n-1\ntruetrue\n"},
		{"sleepers wake in order", `local threads, out = {}, {}
			for i = 1, 40 do threads[i] = ngx.thread.spawn(function() ngx.sleep(0.01) out[#out + 1] = i end) end
			for i = 1, 40 do ngx.thread.wait(threads[i]) end
			for i = 1, 40 do assert(out[i] == i, table.concat(out, " ")) end ngx.say("ok")`, "ok\n"},
		{"threads of coroutines that have ended", `collectgarbage() local before = collectgarbage("count")
			local function leave() ngx.thread.spawn(function() end) end
			for i = 1, 20000 do coroutine.resume(coroutine.create(leave)) end
			collectgarbage() collectgarbage() ngx.say(collectgarbage("count") - before < 1000)`, "true\n"},
		{"a thread of a coroutine that goes on", `local kept = {}
			local co = coroutine.create(function()
				for i = 1, 200 do kept[i] = ngx.thread.spawn(function() return i end) end
				coroutine.yield()
				local sum = 0
				for i = 1, 200 do sum = sum + select(2, ngx.thread.wait(kept[i])) end
				return sum
			end)
			coroutine.resume(co) ngx.say(select(2, coroutine.resume(co)))`, "20100\n"},
		{"yield below sort", `ngx.say((pcall(table.sort, {2, 1}, function() ngx.sleep(0) end)))`, "false\n"},
		{"balancer elsewhere", `local a, b = require("ngx.balancer").set_current_peer("127.0.0.1", 1) ngx.say(a, b)`,
			"nilno upstream found\n"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got, log := session(t, "", test.code); got != test.want {
				t.Errorf("got %q, want %q\n%s", got, test.want, log)
			}
		})
	}
}

func TestLogged(t *testing.T) {
	tests := []struct{ name, extra, code, want string }{
		{"entry error", "", `local function f() error("bad") end f()`,
			"lua entry thread aborted: runtime error: content_by_lua(nginx.conf:4):2: bad\nstack traceback:\ncoroutine 0:"},
		{"thread error", "", `ngx.thread.spawn(function() error("bad") end)`,
			"stream lua user thread aborted: runtime error: content_by_lua(nginx.conf:4):2: bad"},
		{"syntax", "", `x x`, "failed to load inlined Lua code: content_by_lua(nginx.conf:4):"},
		{"log", "", `ngx.log(ngx.WARN, "a", 1, nil)`, "[warn]"},
		{"position", "", `print("text")`, "stream [lua] content_by_lua(nginx.conf:4):2: text, client: 127.0.0.1"},
		{"wrapped", "", `coroutine.wrap(function() error("deep") end)()`, "coroutine 1:"},
		{"global", "", `x = 1`, "writing a global Lua variable ('x')"},
		{"ctx in the log phase", `log_by_lua_block { print("ctx ", ngx.ctx.a, ngx.get_phase()) }`, `ngx.ctx.a = 1`, "ctx 1log"},
		{"no waiting in the log phase", `log_by_lua_block { ngx.sleep(1) }`, ``,
			"failed to run log_by_lua*: log_by_lua(nginx.conf:2):1: API disabled in the context of log_by_lua*"},
		{"status", `log_by_lua_block { print("status ", ngx.status) }`, ``, "status 200"},
		{"init", `init_by_lua_block { print("in ", ngx.get_phase()) }`, ``, "stream [lua] init_by_lua:1: in init"},
		{"init_worker", `init_worker_by_lua_block { error("w") }`, ``, "init_worker_by_lua error: init_worker_by_lua:1: w"},
		{"timer", "", `ngx.timer.at(0, function(p, a) print("timer ", p, a) end, "x") ngx.sleep(0.01)`, "timer falsex, context: ngx.timer, client: 127.0.0.1"},
		{"too many timers", "lua_max_pending_timers 1;", `ngx.timer.at(9, function() end)
			print(ngx.timer.at(9, function() end))`, "niltoo many pending timers"},
		{"timer of no function", "", `ngx.timer.at(9, tostring)`, "bad argument #2 to 'at' (Lua function expected)"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if _, log := session(t, test.extra, test.code); !strings.Contains(log, test.want) {
				t.Errorf("no %q in\n%s", test.want, log)
			}
		})
	}
}

// A light thread that may not begin is given back.
func TestRefusedThreads(t *testing.T) {
	_, log := session(t, `log_by_lua_block {
		local function refused()
			for _ = 1, 5000 do
				local ok, why = pcall(ngx.thread.spawn, function() end)
				assert(not ok and why:find("API disabled in the context of log_by_lua*", 1, true), why)
			end
			collectgarbage() collectgarbage()
			return collectgarbage("count")
		end
		local before = refused()
		print("leaks: ", refused() - before > 500)
	}`, ``)
	if !strings.Contains(log, "leaks: false") {
		t.Error(log)
	}
}

func TestPhasesShareASession(t *testing.T) {
	s := streamtest.Start(t, `lua_add_variable $v; server { listen 127.0.0.1:%PORT%;
		access_by_lua_block { ngx.sleep(0.001) ngx.ctx.way = ngx.get_phase() }
		preread_by_lua_block { ngx.ctx.way = ngx.ctx.way .. " " .. ngx.get_phase() ngx.var.v = 3 }
		content_by_lua_block { ngx.say(ngx.ctx.way, " ", ngx.get_phase(), " ", ngx.var.v) } }`, Module)
	for range 3 {
		if got := s.Ask(0, ""); got != "access preread content 3\n" {
			t.Errorf("got %q", got)
		}
	}
}

// TestRunningIsFresh: no session's entry thread is another's, and each is known as what it is.
func TestRunningIsFresh(t *testing.T) {
	s := streamtest.Start(t, `server { listen 127.0.0.1:%PORT%; content_by_lua_block {
		local me = coroutine.running()
		ngx.say(held == me, " ", coroutine.resume(coroutine.create(function()
			return coroutine.status(me), coroutine.resume(me)
		end)))
		ngx.thread.wait(ngx.thread.spawn(function()
			ngx.say(coroutine.status(me), " ", pcall(ngx.thread.wait, me))
			ngx.say(ngx.thread.kill(me))
		end))
		if seen then held = me end
		seen = true
	} }`, Module)
	for i := range 5 {
		const want = "false truenormalfalsecannot resume normal coroutine\n" +
			"running falseattempt to wait on a coroutine that is not a user thread\nnilnot user thread\n"
		if got := s.Ask(0, ""); got != want {
			t.Fatalf("session %d: %q, want %q", i, got, want)
		}
	}
}

// Sessions do not find what others have left in ngx.ctx, however many of them end before Lua runs again.
func TestCtxIsFresh(t *testing.T) {
	s := streamtest.Start(t, `lua_check_client_abort on; server { listen 127.0.0.1:%PORT%; content_by_lua_block {
		ngx.say(ngx.ctx.left or "fresh") ngx.ctx.left = "stale" ngx.sleep(100) } }`, Module)
	for range 3 {
		var clients [100]net.Conn
		for i := range clients {
			clients[i] = s.Dial(0)
			if line, err := bufio.NewReader(clients[i]).ReadString('\n'); line != "fresh\n" {
				t.Fatalf("client %d: %q, %v", i, line, err)
			}
		}
		release := s.Pause()
		for _, c := range clients {
			c.Close()
		}
		release()
		s.Settle()
	}
}

func TestExitBeforeContent(t *testing.T) {
	tests := []struct{ code, want string }{
		{`ngx.exit(ngx.OK)`, "content 0\n"}, {`ngx.exit(ngx.DECLINED)`, "content 0\n"}, {`ngx.exit(403)`, ""},
		{`ngx.exit(ngx.ERROR)`, ""}, {`error("x")`, ""}, {`ngx.sleep(0.001) ngx.exit(403)`, ""},
	}
	for _, test := range tests {
		s := streamtest.Start(t, `server { listen 127.0.0.1:%PORT%; preread_by_lua_block { `+test.code+` }
			content_by_lua_block { ngx.say("content ", ngx.ctx.a or 0) } }`, Module)
		if got := s.Ask(0, ""); got != test.want {
			t.Errorf("%s: got %q, want %q", test.code, got, test.want)
		}
	}
}

// A session that goes away while its code waits takes everything along.
func TestClientAbort(t *testing.T) {
	s := streamtest.Start(t, `lua_check_client_abort on; server { listen 127.0.0.1:%PORT%; content_by_lua_block {
		ngx.on_abort(function() print("gone") ngx.exit(0) end)
		ngx.thread.spawn(function() ngx.sleep(100) end)
		ngx.say("here") ngx.sleep(100) } log_by_lua_block { print("logged") } }`, Module)
	c := s.Dial(0)
	buf := make([]byte, 5)
	if _, err := c.Read(buf); err != nil {
		t.Fatal(err)
	}
	release := s.Pause()
	c.Close()
	release()
	for !strings.Contains(s.ErrorLog(), "logged") {
		s.Settle()
	}
	if !strings.Contains(s.ErrorLog(), "gone") {
		t.Error(s.ErrorLog())
	}
}

// Timers that wait when a generation is retired run at once, and know it.
func TestPrematureTimers(t *testing.T) {
	text := `server { listen 127.0.0.1:%PORT%; content_by_lua_block {
		ngx.timer.at(100, function(premature) print("premature ", premature) end)
		ngx.timer.every(100, function(premature) print("every ", premature) end) ngx.say("ok") } }`
	s := streamtest.Start(t, text, Module)
	s.Ask(0, "")
	s.Load(text)
	s.Settle()
	for _, want := range []string{"premature true", "every true"} {
		if log := s.ErrorLog(); !strings.Contains(log, want) {
			t.Errorf("no %q in\n%s", want, log)
		}
	}
}

func TestCodeCacheOff(t *testing.T) {
	s := streamtest.Start(t, `lua_code_cache off; server { listen 127.0.0.1:%PORT%; content_by_lua_block {
		package.loaded.count = (package.loaded.count or 0) + 1
		ngx.timer.at(0.001, function() print("timer after its session") end)
		ngx.say(package.loaded.count) } }`, Module)
	for range 2 {
		if got := s.Ask(0, ""); got != "1\n" {
			t.Errorf("got %q", got)
		}
	}
	for strings.Count(s.ErrorLog(), "timer after its session") < 2 {
		s.Settle()
	}
}

func TestDirectiveErrors(t *testing.T) {
	tests := []struct{ text, want string }{
		{`init_by_lua ""; `, "no runnable Lua code"},
		{`server { listen 127.0.0.1:%PORT%; content_by_lua "x=1"; content_by_lua "x=1"; }`, "is duplicate"},
		{`lua_shared_dict a 1k;`, `invalid lua shared dict size "1k"`},
		{`lua_add_variable x;`, `invalid variable name "x"`},
	}
	for _, test := range tests {
		_, err := streamtest.NewReader(t, Module).Read(test.text)
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v", test.text, err)
		}
	}
}
