package ngx

import (
	"io"
	"strings"
	"testing"

	"github.com/weirproxy/weir/internal/stream/streamtest"
)

// What C peeks at by itself, and what it asks Go for since another call has used the socket, is told apart by nobody.
func TestPeekInCAndGo(t *testing.T) {
	input := strings.Repeat("0123456789abcdef", 256)
	for _, test := range []struct{ name, code, want string }{
		{"some bytes, more than once", `return sock:peek(4) .. "|" .. sock:peek(2) .. "|" .. sock:peek(4)`, "0123|01|0123"},
		{"many", `return #sock:peek(1023) .. "|" .. #sock:peek(1024) .. "|" .. #sock:peek(1025) .. "|" .. #sock:peek(4096)`,
			"1023|1024|1025|4096"},
		{"other numbers", `return sock:peek(3.9) .. "|" .. sock:peek("2") .. "|" .. sock:peek(0) .. "|"`, "012|01||"},
		{"wrong arguments", `
			local all = {}
			for _, f in ipairs({ function() sock:peek() end, function() sock:peek(1, 2) end, function() sock:peek({}) end,
				function() sock:peek(-1) end, function() sock.peek(1, 1) end }) do
				all[#all + 1] = select(2, pcall(f)):gsub("^.-%d+: ", "")
			end
			return table.concat(all, "|")`,
			"expecting 2 arguments (including the object), but got 1|expecting 2 arguments (including the object), but got 3|" +
				"argument must be a number|bad argument #1 to 'peek' (bytes can not be negative)|" +
				"bad argument #1 to 'peek' (table expected, got number)"},
		{"where nothing can wait", `
			local ok, err
			string.gsub("x", "x", function() ok, err = pcall(sock.peek, sock, 1) end)
			return tostring(ok) .. " " .. err`, "false attempt to yield across C-call boundary"},
		{"in a coroutine and a light thread", `
			local f = function() return sock:peek(3) end
			return coroutine.wrap(f)() .. "|" .. select(2, ngx.thread.wait(ngx.thread.spawn(f)))`, "012|012"},
		{"a table that was made by hand", `
			local meta = getmetatable(sock)
			local function of(id) return setmetatable({ id }, meta) end
			local all = {}
			for _, id in ipairs({ 0, -1, 0/0, 1/0, 1e300, 2^53, sock[1] + 1 }) do
				all[#all + 1] = tostring(select(2, of(id):peek(1)))
			end
			return table.concat(all, "|") .. "|" .. of(sock[1]):peek(1)`,
			"closed|closed|closed|closed|closed|closed|closed|0"},
		{"the socket is given once in a phase", `
			local again, err = ngx.req.socket(true)
			return tostring(again) .. " " .. err`, "nil duplicate call"},
	} {
		for _, first := range []string{"", "sock:settimeout(1000)"} {
			t.Run(test.name+" "+first, func(t *testing.T) {
				s := streamtest.Start(t, `server { listen 127.0.0.1:%PORT%; preread_buffer_size 4k; lua_socket_log_errors off;
					preread_by_lua_block {
						local sock = assert(ngx.req.socket())
						`+first+`
						ngx.ctx.got = (function() `+test.code+` end)()
					}
					content_by_lua_block {
						local n = #ngx.req.socket():receive(4096)
						ngx.say(ngx.ctx.got, "|", n)
					} }`, Module)
				release := s.Pause() // so that all is there when C looks
				c := s.Dial(0)
				s.Send(c, input)
				release()
				if got, want := s.ReadAll(c), test.want+"|4096\n"; got != want {
					t.Errorf("got %q, want %q\n%s", got, want, s.ErrorLog())
				}
			})
		}
	}
}

// A peek that has to wait gets what comes later, and so do those after it.
func TestPeekWaits(t *testing.T) {
	s := streamtest.Start(t, `server { listen 127.0.0.1:%PORT%;
		access_by_lua_block { ngx.ctx.a = ngx.req.socket():peek(2) }
		preread_by_lua_block { local sock = ngx.req.socket() ngx.ctx.p = sock:peek(1) .. sock:peek(4) .. sock:peek(2) }
		content_by_lua_block { ngx.say(ngx.ctx.a, " ", ngx.ctx.p) } }`, Module)
	c := s.Dial(0)
	for _, part := range []string{"a", "b", "c", "d"} {
		s.Settle()
		if _, err := io.WriteString(c, part); err != nil {
			t.Fatal(err)
		}
	}
	if got, want := s.ReadAll(c), "ab aabcdab\n"; got != want {
		t.Errorf("got %q, want %q\n%s", got, want, s.ErrorLog())
	}
}

// A peek that is given up leaves the socket as it was.
func TestPeekGivenUp(t *testing.T) {
	for name, give := range map[string]string{
		"killed":  `local th = ngx.thread.spawn(function() sock:peek(9) end) ngx.sleep(0.001) ngx.thread.kill(th)`,
		"exited":  `ngx.thread.spawn(function() ngx.sleep(0.001) ngx.exit(ngx.OK) end) sock:peek(9)`,
		"another": `local th = ngx.thread.spawn(function() sock:peek(9) end) ngx.sleep(0.001) ngx.thread.kill(th) ngx.ctx.p = sock:peek(2)`,
	} {
		s := streamtest.Start(t, `server { listen 127.0.0.1:%PORT%;
			preread_by_lua_block { sock = ngx.req.socket() `+give+` }
			content_by_lua_block { ngx.say(ngx.req.socket():receive(4), " ", ngx.ctx.p) } }`, Module)
		want := "abcd nil\n"
		if name == "another" {
			want = "abcd ab\n"
		}
		if got := s.Ask(0, "abcd"); got != want {
			t.Errorf("%s: got %q, want %q\n%s", name, got, want, s.ErrorLog())
		}
	}
}
