package test

import (
	"regexp"
	"strings"
	"testing"
)

// survival is Lua code that goes wrong in one place.
type survival struct {
	name string
	// stream stands in stream{}, server in the server at port 9000; content is Lua for its content unless server has
	// one.
	stream, server, content string
	// want is what the client receives; log what the log says once.
	want, log string
}

const failsBadly = `setmetatable({}, { __tostring = function() error("no text") end })`

var survivals = []survival{
	{name: "init_worker", stream: `init_worker_by_lua_block { error("boom") }`, content: `ngx.say("on")`, want: "on\n",
		log: `init_worker_by_lua error: init_worker_by_lua:1: boom`},
	{name: "access", server: `access_by_lua_block { error("boom") } return hello;`,
		log: `lua entry thread aborted: runtime error: access_by_lua\(nginx.conf:\d+\):1: boom`},
	{name: "preread", server: `preread_by_lua_block { error("boom") } return hello;`,
		log: `lua entry thread aborted: runtime error: preread_by_lua\(nginx.conf:\d+\):1: boom`},
	{name: "content", content: `error("boom")`,
		log: `lua entry thread aborted: runtime error: content_by_lua\(nginx.conf:\d+\):1: boom`},
	{name: "balancer", stream: `upstream u { server 127.0.0.1:1; balancer_by_lua_block { error("boom") } }`,
		server: `proxy_pass u;`, log: `failed to run balancer_by_lua\*: balancer_by_lua:1: boom`},
	{name: "log", server: `log_by_lua_block { error("boom") }`, content: `ngx.say("on")`, want: "on\n",
		log: `failed to run log_by_lua\*: log_by_lua\(nginx.conf:\d+\):1: boom`},
	{name: "memory, then the log phase", stream: `lua_memory_limit 4m;`,
		server:  `log_by_lua_block { ngx.log(ngx.NOTICE, "logged ", ngx.var.status) }`,
		content: `local t = {} for i = 1, 1e6 do t[i] = {i} end`, log: `logged 500`},
	{name: "refused memory, then the log phase", stream: `lua_memory_limit 4m;`,
		server:  `log_by_lua_block { ngx.log(ngx.NOTICE, "logged ", ngx.var.status) }`,
		content: `ngx.say(pcall(function() local t = {} for i = 1, 1e6 do t[i] = {i} end end))`,
		want:    "falsenot enough memory\n", log: `logged 200`},
	{name: "timer", content: `ngx.timer.at(0, function() error("boom") end) ngx.say("on")`, want: "on\n",
		log: `lua entry thread aborted: runtime error: content_by_lua\(nginx.conf:\d+\):1: boom`},
	{name: "light thread", content: `ngx.say(ngx.thread.wait(ngx.thread.spawn(function() error("boom") end)))`,
		want: "falseboomcontent_by_lua(nginx.conf:9):1: boom\n", log: `lua user thread aborted: runtime error: .*:1: boom`},
	{name: "coroutine", content: `coroutine.wrap(function() error("boom") end)()`,
		log: `lua entry thread aborted: runtime error: .*:1: boom`},
	{name: "on_abort", server: `lua_check_client_abort on;`,
		content: `ngx.on_abort(function() error("boom") end) ngx.say("on") ngx.sleep(0.3)`, want: "on\n"},
	{name: "nil", content: `error(nil)`, log: `lua entry thread aborted: runtime error: unknown reason`},
	{name: "table", content: `error({})`, log: `lua entry thread aborted: runtime error: unknown reason`},
	{name: "table without text", content: `error(` + failsBadly + `)`,
		log: `lua entry thread aborted: runtime error: unknown reason`},
	{name: "nil in log", server: `log_by_lua_block { error(nil) }`, content: `ngx.say("on")`, want: "on\n",
		log: `failed to run log_by_lua\*: unknown reason`},
	{name: "table without text in log", server: `log_by_lua_block { error(` + failsBadly + `) }`,
		content: `ngx.say("on")`, want: "on\n", log: `failed to run log_by_lua\*: `},
	{name: "table in log", server: `log_by_lua_block { error({}) }`, content: `ngx.say("on")`, want: "on\n",
		log: `failed to run log_by_lua\*: unknown reason, client`},
	{name: "table in init_worker", stream: `init_worker_by_lua_block { error({}) }`, content: `ngx.say("on")`, want: "on\n",
		log: `init_worker_by_lua error: unknown error`},
	{name: "number in log", server: `log_by_lua_block { error(42) }`, content: `ngx.say("on")`, want: "on\n",
		log: `failed to run log_by_lua\*: log_by_lua.*:1: 42`},
	{name: "coroutine in log", server: `log_by_lua_block { coroutine.wrap(function() error("boom") end)() }`,
		content: `ngx.say("on")`, want: "on\n", log: `failed to run log_by_lua\*: log_by_lua.*:1: boom`},
	{name: "table without text in a thread", content: `ngx.say(ngx.thread.wait(ngx.thread.spawn(error, ` + failsBadly + `)))`},
	{name: "table without text logged", content: `ngx.log(ngx.ERR, ` + failsBadly + `)`,
		log: `lua entry thread aborted: runtime error: .*no text`},
	{name: "table without text in a timer", content: `ngx.timer.at(0, function() error(` + failsBadly + `) end) ngx.say("on")`,
		want: "on\n", log: `lua entry thread aborted: runtime error: unknown reason`},
	{name: "newproxy's __gc", content: `local p = newproxy(true) getmetatable(p).__gc = function() error("boom") end
		p = nil ngx.say(pcall(collectgarbage))`, want: "true0\n", log: `lua finalizer failed: .*:1: boom`},
	{name: "cdata's __gc", content: `local ffi = require "ffi"
		local function make() return ffi.gc(ffi.new("int[1]"), function() error("boom") end) ~= nil end
		make() ngx.say(pcall(collectgarbage))`, want: "true0\n", log: `lua finalizer failed: .*:2: boom`},
	{name: "cdata's __gc that is no function", content: `local ffi = require "ffi"
		local function make() return ffi.gc(ffi.new("int[1]"), setmetatable({}, {})) ~= nil end
		make() ngx.say((pcall(collectgarbage)))`, want: "true\n", log: `lua finalizer failed: `},
	{name: "__gc that sleeps", content: `local p = newproxy(true) getmetatable(p).__gc = function() ngx.sleep(0.01) end
		p = nil ngx.say(pcall(collectgarbage))`,
		want: "true0\n", log: `lua finalizer failed: attempt to yield across C-call boundary`},
	{name: "__gc while closing", stream: `init_by_lua_block {
			for i = 1, 100 do
				local p = newproxy(true)
				getmetatable(p).__gc = function() error("boom") end
				_G["kept" .. i] = p
			end
			local ffi = require "ffi"
			kept = ffi.gc(ffi.new("int[1]"), function() ngx.sleep(1) ngx.say("x") error({}) end)
		}`, content: `ngx.say("on")`, want: "on\n"},
	{name: "__gc while closing that uses everything", stream: `init_by_lua_block { kept = newproxy(true) }`, content: `
			local sock, session = ngx.socket.tcp(), ngx.req.socket(true)
			local sem = require("ngx.semaphore").new()
			getmetatable(kept).__gc = function()
				pcall(sock.connect, sock, "127.0.0.1", 1)
				pcall(session.receive, session)
				pcall(sem.post, sem, 1)
				pcall(ngx.timer.at, 0, function() end)
				pcall(ngx.log, ngx.ERR, "closing")
				pcall(function() return ngx.var.remote_addr end)
				pcall(function() ngx.ctx.x = 1 end)
				pcall(ngx.exit, 0)
				pcall(ngx.thread.spawn, function() end)
				coroutine.wrap(function() coroutine.yield() end)()
				error("boom")
			end
			ngx.say("on")`, want: "on\n"},
	{name: "premature timers", content: `
			ngx.timer.at(100, function(premature) error("boom" .. tostring(premature)) end)
			ngx.timer.every(100, function() ngx.timer.at(100, function() end) ngx.sleep(0.01) error(nil) end)
			ngx.say("on")`, want: "on\n"},
	{name: "stack overflow", content: `local function f() return 1 + f() end f()`,
		log: `lua entry thread aborted: runtime error: .*stack overflow`},
	{name: "stack overflow in pcall", content: `local function f() local ok, err = pcall(f) return ok and err end
		ngx.say(type(f()))`},
	{name: "stack overflow in an error handler", content: `local function f() return 1 + f() end
		ngx.say((xpcall(f, f)))`, want: "false\n"},
	{name: "stack overflow through gsub", content: `local function f() return (("x"):gsub("x", f)) end ngx.say((pcall(f)))`,
		want: "false\n"},
	{name: "stack overflow through sort", content: `local f f = function() table.sort({ 1, 2, 3 }, f) end ngx.say((pcall(f)))`,
		want: "false\n"},
	{name: "stack overflow through coroutines", content: `local function f() return coroutine.wrap(f)() end ngx.say((pcall(f)))`,
		want: "false\n"},
	{name: "stack overflow through gsub and coroutines",
		content: `local function f() return (("x"):gsub("x", coroutine.wrap(f))) end ngx.say((pcall(f)))`, want: "false\n"},
	{name: "stack overflow through light threads", content: `local n = 0
		local function f() n = n + 1 if n < 5000 then ngx.thread.wait(ngx.thread.spawn(f)) end end f() ngx.say(n)`,
		want: "5000\n"},
	{name: "stack overflow through __index", content: `local t = {} setmetatable(t, { __index = function(t, k) return t[k .. 1] end })
		ngx.say((pcall(function() return t.x end)))`, want: "false\n"},
	{name: "table within itself", content: `local t = {} t[1] = t ngx.say((pcall(ngx.say, t)))`, want: "false\n"},
	{name: "huge string", content: `ngx.say((pcall(string.rep, ("x"):rep(1000), 1e8)))`, want: "false\n"},
	{name: "many results", content: `ngx.say((pcall(function() return select("#", unpack({}, 1, 1e7)) end)))`, want: "false\n"},
	{name: "many arguments", content: `ngx.say((pcall(ngx.log, ngx.DEBUG, unpack({}, 1, 7900))))`, want: "true\n"},
	{name: "many values through a thread", content: `local t = ngx.thread.spawn(function() return unpack({}, 1, 7000) end)
		ngx.say(select("#", ngx.thread.wait(t)))`, want: "7001\n"},
	{name: "numbers that are none", content: `ngx.say(ngx.var[-1], (pcall(ngx.escape_uri, "x", 0/0)))
		local sem = require("ngx.semaphore").new() ngx.say((pcall(sem.post, sem, 0/0)), (pcall(sem.wait, sem, 0/0)))`,
		want: "nilfalse\nfalsefalse\n"},
	{name: "__gc on the way out of compiled code", content: `
			for i = 1, 20000 do
				local p = newproxy(true)
				getmetatable(p).__gc = function() error("boom") end
				local t = {}
				for j = 1, 10 do t[j] = { i } end
			end
			ngx.say("on")`, want: "on\n"},
	{name: "os.exit", content: `os.exit(3)`, log: `runtime error: .*: os.exit\(3\): Lua code cannot end the process`},
	{name: "damaged globals", content: `local kept = { debug, string, table, tostring }
		debug, string, table, tostring, error, type, pairs = nil, nil, nil, nil, nil, nil, nil
		ngx.timer.at(0, function() local x = nil + 1 end)
		local x = nil + 1`, log: `content_by_lua\(nginx.conf:\d+\):4: attempt to perform arithmetic`},
}

// Whatever Lua code does wrong, another session is served afterwards, the log tells it once, and the process ends as it
// should.
func TestLuaSurvives(t *testing.T) {
	for _, c := range survivals {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			server := c.server
			if c.content != "" {
				server += " content_by_lua_block { " + c.content + " }"
			}
			s := start(t, `
				worker_processes 1;
				events {}
				stream {
					`+strings.ReplaceAll(c.stream, "\n", " ")+`
					server { listen {host}:9001; content_by_lua_block { ngx.say("alive") } }
					server {
						listen {host}:9000;
						`+server+`
					}
				}`)
			got := s.dial(9000).all()
			if c.want != "" && got != c.want {
				t.Errorf("received %q, want %q", got, c.want)
			}
			s.dial(9001).wantAll("alive\n")
			if c.log == "" {
				return
			}
			s.waitLog(c.log)
			if n := len(regexp.MustCompile(c.log).FindAllString(s.log(), -1)); n != 1 {
				t.Errorf("the log says %q %d times", c.log, n)
			}
		})
	}
}

// An error in init_by_lua ends the start; at a reload, it changes nothing.
func TestLuaSurvivesInit(t *testing.T) {
	const good = `events {} stream { server { listen {host}:9000; return good; } }`
	for _, c := range []struct{ name, code, want string }{
		{"error", `error("boom")`, `init_by_lua error: init_by_lua:1: boom`},
		{"nil", `error(nil)`, `init_by_lua error: unknown error`},
		{"table without text", `error(` + failsBadly + `)`, `init_by_lua error: `},
		{"os.exit", `os.exit(1)`, `init_by_lua error: init_by_lua:1: os.exit(1): Lua code cannot end the process`},
		{"stack overflow", `local function f() return 1 + f() end f()`, `stack overflow`},
		{"stack overflow through gsub", `local function f() return (("x"):gsub("x", f)) end f()`, `stack overflow`},
		{"memory", `local t = {} while true do t[#t + 1] = {} end`, `not enough memory`},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			bad := `events {} stream { lua_memory_limit 32m; init_by_lua_block { ` + c.code + ` }
				server { listen {host}:9000; return bad; } }`
			w := newWorkspace(t)
			w.write("nginx.conf", bad)
			r := w.command("-p", w.dir, "-c", "nginx.conf", "-e", "stderr", "-g", "pid weir.pid; daemon off;")
			if r.code != 1 || !strings.Contains(r.stderr, c.want) {
				t.Errorf("exit code %d:\n%s", r.code, r.stderr)
			}
			w.write("nginx.conf", good)
			s := w.start()
			s.allow("init_by_lua")
			s.write("nginx.conf", bad)
			s.signal(1)
			s.waitLog(regexp.QuoteMeta(c.want))
			s.dial(9000).wantAll("good")
		})
	}
}
