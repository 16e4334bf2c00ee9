package test

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

// TestPipe runs real processes from Lua (ngx.pipe).
func TestPipe(t *testing.T) {
	tests := map[string]struct{ lua, want string }{
		"reading": {`
			local p = pipe.spawn({"sh", "-c", "echo hello; printf 'a\\r\\n'; printf rest; echo err >&2; exit 2"})
			ngx.say(p:stdout_read_line(), "|", p:stdout_read_bytes(0), "|", p:stdout_read_line(), "|", p:stdout_read_any(2))
			ngx.say(p:stderr_read_line())
			ngx.say(p:stdout_read_all())
			ngx.say(p:wait())
			ngx.say(p:wait())
			ngx.say(p:stdout_read_all())
			ngx.say(p:write("a"))
			ngx.say(p:kill(9))`,
			"hello||a|re\nerr\nst\nfalseexit2\nnilexited\nnilclosed\nnilclosed\nnilexited\n"},
		"writing more than a pipe holds": {`
			local p, data, total = pipe.spawn("wc -c"), ("1234"):rep(2048), 0
			for i = 1, 40 do total = total + p:write(data) end
			ngx.say(p:shutdown("stdin"))
			ngx.say(total, " ", p:stdout_read_line())
			ngx.say(p:wait())`,
			"true\n327680 327680\ntrueexit0\n"},
		"timeouts": {`
			local p = pipe.spawn("printf part; sleep 30", {stdout_read_timeout = 30, wait_timeout = 30, write_timeout = 30})
			ngx.say(p:stdout_read_line())
			ngx.say(p:wait())
			local data, ok, err = ("x"):rep(100000)
			repeat ok, err = p:write(data) until not ok
			ngx.say(err)`,
			"niltimeoutpart\nniltimeout\ntimeout\n"},
		"one thread for each direction": {`
			local p = pipe.spawn({"sleep", 30})
			local waiting = ngx.thread.spawn(function() return p:wait() end)
			local reading = ngx.thread.spawn(function() return p:stdout_read_line() end)
			ngx.say(p:wait())
			ngx.say(p:stdout_read_any(1))
			ngx.say(p:shutdown("stdout"))
			ngx.say(ngx.thread.wait(reading))
			ngx.say(p:kill(10000))
			ngx.say(p:kill(15))
			ngx.say(ngx.thread.wait(waiting))`,
			"nilpipe busy waiting\nnilpipe busy reading\ntrue\ntruenilaborted\nnilinvalid signal\ntrue\ntruefalsesignal15\n"},
		"environment and stderr": {`
			local p = pipe.spawn("env | grep ^A=; echo $A >&2", {environ = {"A=b"}, merge_stderr = true})
			ngx.say(p:stderr_read_line())
			ngx.say(p:shutdown("stderr"))
			ngx.print(p:stdout_read_all())`,
			"nilmerged to stdout\nnilmerged to stdout\nA=b\nb\n"},
		"no such program": {`
			ngx.say(pipe.spawn({"/exit", "2"}):wait())`,
			"falseexit1\n"},
		"arguments": {`
			local function raises(...) ngx.say(select(2, pcall(...))) end
			raises(pipe.spawn, {})
			raises(pipe.spawn, 1)
			raises(pipe.spawn, "a", {environ = {"A"}})
			raises(pipe.spawn, "a", {buffer_size = 0})
			raises(pipe.spawn, "a", {wait_timeout = -1})
			local p = pipe.spawn("true")
			raises(p.wait, {})
			raises(p.set_timeouts, p, nil, nil, -1)
			raises(p.stdout_read_bytes, p, -1)
			raises(p.stdout_read_any, p, "x")
			raises(p.shutdown, p, "up")
			raises(p.kill, p)
			raises(p.write, p, true)`,
			"bad args arg: non-empty table expected\nbad args arg: table expected, got number\n" +
				"bad value at index 1 of environ option: 'name=[value]' format expected, got 'A'\n" +
				"bad buffer_size option\nbad wait_timeout option\nnot a process instance\nbad stderr_read_timeout option\n" +
				"bad len argument\nbad max argument\nbad shutdown arg: up\nbad signal arg: number expected, got nil\n" +
				"bad data arg: string, number, or table expected, got boolean\n"},
	}
	var config strings.Builder
	port := 9000
	ports := map[string]int{}
	for name, test := range tests {
		ports[name] = port
		fmt.Fprintf(&config, "server { listen {host}:%d; content_by_lua_block {\nlocal pipe = require 'ngx.pipe'\n%s\n} }\n", port, test.lua)
		port++
	}
	s := start(t, "env PATH; stream { "+config.String()+" }")
	s.allow("execvp() failed")
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			if got := s.dial(ports[name]).all(); got != test.want {
				t.Errorf("got\n%s\nwant\n%s", got, test.want)
			}
		})
	}
}

// TestPipeEnds: a process goes when Lua collects it, and when weir ends; a thread that is killed stops waiting for it.
func TestPipeEnds(t *testing.T) {
	s := start(t, `env PATH; stream {
		server { listen {host}:9000; content_by_lua_block {
			local pipe = require "ngx.pipe"
			ngx.say(pipe.spawn({"sleep", 100}):pid())
			collectgarbage()
		} }
		server { listen {host}:9001; content_by_lua_block {
			local pipe = require "ngx.pipe"
			kept = pipe.spawn({"sleep", 100})
			local th = ngx.thread.spawn(function() kept:stdout_read_line() end)
			ngx.thread.kill(th)
			kept:set_timeouts(nil, 10)
			ngx.say(kept:pid(), select(2, kept:stdout_read_line()))
		} }
	}`)
	gone := func(pid string) {
		t.Helper()
		eventually(t, "the end of process "+pid, func() bool {
			_, err := os.Stat("/proc/" + pid)
			return os.IsNotExist(err)
		})
	}
	gone(strings.TrimSpace(s.dial(9000).all()))
	kept, ok := strings.CutSuffix(s.dial(9001).all(), "timeout\n")
	if !ok {
		t.Errorf("got %q", kept)
	}
	s.stop()
	gone(kept)
}
