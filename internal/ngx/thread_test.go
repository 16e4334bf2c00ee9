package ngx

import (
	"io"
	"strings"
	"testing"

	"github.com/weirproxy/weir/internal/stream/streamtest"
)

// TestThreads is light threads that end at once, of which Go does not hear, beside those that it knows. What is wanted
// is what OpenResty answers.
func TestThreads(t *testing.T) {
	for _, test := range []struct{ name, code, want string }{
		{"results", `say(wait(spawn(function(...) return ... end, 1, nil, "x", nil)))
			say(wait(spawn(function() end)))`, "true 1 nil x nil\ntrue\n"},
		{"waited for twice", `local th = spawn(function() return 1 end)
			say(coroutine.status(th)) say(wait(th)) say(coroutine.status(th)) say(wait(th))`,
			"zombie\ntrue 1\ndead\nnil already waited or killed\n"},
		{"killed", `local th = spawn(function() return 1 end) say(kill(th)) say(kill(th)) say(wait(th))`,
			"nil already terminated\nnil already waited or killed\nnil already waited or killed\n"},
		{"several at once", `local a = spawn(function() ngx.sleep(0.001) return "a" end)
			local b, c = spawn(function() return "b" end), spawn(function() return "c" end)
			say(wait(a, b, c)) say(wait(c, a)) say(wait(a))`, "true b\ntrue c\ntrue a\n"},
		{"errors", `say(wait(spawn(function() error("oops", 0) end)))
			local th = spawn(function() error({}) end) say(coroutine.status(th))`, "false oops\nzombie\n"},
		{"calls and waits inside", `say(wait(spawn(function() ngx.print("in ") return 1 end)))
			say(wait(spawn(function() ngx.sleep(0.001) return 2 end)))
			say(wait(spawn(function() coroutine.yield() return 3 end)))
			say(wait(spawn(function() return coroutine.wrap(function() coroutine.yield(4) end)() end)))`,
			"in true 1\ntrue 2\ntrue 3\ntrue 4\n"},
		{"order", `spawn(function()
				say("first")
				spawn(function() say("second") end)
				say("fourth")
			end)
			say("third")
			spawn(function() spawn(function() said = "quiet" end) said = said .. " child" end)
			said = said .. " parent" coroutine.yield() say(said)`, "first\nsecond\nthird\nfourth\nquiet parent child\n"},
		{"in a coroutine", `say(coroutine.wrap(function() return wait(spawn(function() return 5 end)) end)())`, "true 5\n"},
		{"another's", `local th = spawn(function() return 1 end)
			say(wait(spawn(function() return select(2, pcall(wait, th)) end)))
			say(select(2, pcall(wait, coroutine.create(function() end))))`,
			"true only the parent coroutine can wait on the thread\nattempt to wait on a coroutine that is not a user thread\n"},
		{"who runs", `local me, th = coroutine.running()
			th = spawn(function() return coroutine.running(), coroutine.status(me) end)
			local ok, child, status = wait(th)
			say(child == th, status)`, "true running\n"},
		{"the context", `ngx.ctx.x = 1 say(wait(spawn(function() ngx.ctx.x = ngx.ctx.x + 1 return ngx.ctx.x, ngx.get_phase() end)))`,
			"true 2 content\n"},
		{"exit", `spawn(function() said = 1 ngx.exit(0) end) say("not reached")`, ""},
		{"nobody waits", `for i = 1, 3000 do spawn(function() return i end) end
			local th = spawn(function() return 7 end) say(wait(th))`, "true 7\n"},
		{"tail", `local function f(n) if n == 0 then return "end" end return wait(spawn(f, n - 1)) end
			say(f(0)) say((select("#", f(3))))`, "end\n4\n"},
		{"memory of errors", `local function round()
				for _ = 1, 5000 do
					wait(spawn(function()
						local me = coroutine.running()
						pcall(coroutine.wrap(function() local of = me error("oops") end))
					end))
				end
				collectgarbage() collectgarbage()
				return collectgarbage("count")
			end
			local before = round()
			say(round() - before < 100)`, "true\n"},
		{"memory", `collectgarbage() collectgarbage()
			local before = collectgarbage("count")
			for i = 1, 20000 do wait(spawn(function() return i end)) end
			collectgarbage() collectgarbage()
			say(collectgarbage("count") - before < 100)`, "true\n"},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := streamtest.Start(t, `server { listen 127.0.0.1:%PORT%; content_by_lua_block {
				local spawn, wait, kill = ngx.thread.spawn, ngx.thread.wait, ngx.thread.kill
				local function say(...)
					local all = {}
					for i = 1, select("#", ...) do all[i] = tostring((select(i, ...))) end
					ngx.say(table.concat(all, " "))
				end
				said = nil
				`+test.code+`
			} }`, Module)
			if got := s.Ask(0, ""); got != test.want {
				t.Errorf("got %q\nwant %q\n%s", got, test.want, s.ErrorLog())
			}
			if log := s.ErrorLog(); strings.Contains(log, "panic") {
				t.Error(log)
			}
		})
	}
}

// A light thread that has ended is its parent's, whoever asks for it in between.
func TestThreadOfAnotherRequest(t *testing.T) {
	s := streamtest.Start(t, `server { listen 127.0.0.1:%PORT%; content_by_lua_block {
			ended = ngx.thread.spawn(function() return "result" end)
			ngx.say(type(ended))
			ngx.req.socket(true):receive()
			ngx.say(ngx.thread.wait(ended))
		} }
		server { listen 127.0.0.1:%PORT1%; content_by_lua_block {
			ngx.say(pcall(ngx.thread.wait, ended))
			ngx.say(ngx.thread.kill(ended))
		} }`, Module)
	c := s.Dial(0)
	if _, err := io.ReadFull(c, make([]byte, len("thread\n"))); err != nil {
		t.Fatal(err)
	}
	want := "falseonly the parent coroutine can wait on the thread\nnilkiller not parent\n"
	if got := s.Ask(1, ""); got != want {
		t.Errorf("another request got %q, want %q", got, want)
	}
	s.Send(c, "go on\n")
	if got := s.ReadAll(c); got != "trueresult\n" {
		t.Errorf("the parent got %q\n%s", got, s.ErrorLog())
	}
}

// A coroutine that Lua keeps spawns light threads of the request that resumes it, whichever has resumed it before, and cannot
// wait for those of another.
func TestCoroutineOfManyRequests(t *testing.T) {
	s := streamtest.Start(t, `server { listen 127.0.0.1:%PORT%; content_by_lua_block {
			spawner = spawner or coroutine.create(function()
				while true do
					ngx.thread.spawn(function() ngx.sleep(0.001) ngx.say("child") end)
					coroutine.yield("spawned")
				end
			end)
			ngx.say((select(2, coroutine.resume(spawner))))
		} }
		server { listen 127.0.0.1:%PORT1%; content_by_lua_block {
			waiter = waiter or coroutine.create(function()
				local th = ngx.thread.spawn(function() return ngx.req.socket(true):receive() end)
				coroutine.yield("spawned")
				coroutine.yield(select(2, pcall(ngx.thread.wait, th)))
			end)
			ngx.say((select(2, coroutine.resume(waiter))))
		} }`, Module)
	for range 3 {
		if got := s.Ask(0, ""); got != "spawned\nchild\n" {
			t.Errorf("got %q\n%s", got, s.ErrorLog())
		}
	}
	first := s.Dial(1)
	if _, err := io.ReadFull(first, make([]byte, len("spawned\n"))); err != nil {
		t.Fatal(err)
	}
	if got := s.Ask(1, ""); got != "only the parent coroutine can wait on the thread\n" {
		t.Errorf("another request got %q", got)
	}
	s.Send(first, "\n")
	if got := s.ReadAll(first); got != "" {
		t.Errorf("the first got %q", got)
	}
}
