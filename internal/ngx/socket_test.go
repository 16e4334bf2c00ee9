package ngx

import (
	"io"
	"net"
	"strings"
	"testing"

	"github.com/weirproxy/weir/internal/stream/streamtest"
)

// echo answers lines, "drip N" with N bytes sent one by one, and closes after "bye".
const echo = `server { listen 127.0.0.1:%PORT9%; content_by_lua_block {
	local sock = assert(ngx.req.socket())
	while true do
		local line = sock:receive()
		if not line or line == "bye" then return end
		local n = line:match("^drip (%d+)$")
		if n then
			for i = 1, n do assert(sock:send(tostring(i % 10))) ngx.sleep(0) end
		else
			sock:send({ line, "\n" })
		end
	end
} }`

// runLua runs code as a content handler and returns what it says to a client that sends input.
func runLua(t *testing.T, code, input string) (*streamtest.Server, string) {
	t.Helper()
	s := streamtest.Start(t, `server { listen 127.0.0.1:%PORT%; content_by_lua_block {
		local port = %PORT9%
		local function say(...) ngx.say(...) end
		`+code+`
	} }`+echo, Module)
	c := s.Dial(0)
	s.Send(c, input)
	got, err := io.ReadAll(c)
	if err != nil {
		t.Fatal(err)
	}
	return s, string(got)
}

func TestCosocket(t *testing.T) {
	tests := []struct{ name, code, want, log string }{
		{"line", `
			local sock = ngx.socket.tcp()
			say(sock:connect("127.0.0.1", port))
			say(sock:send({ "a", { "b", 1 }, "\n" }))
			say(sock:receive())
			say(sock:close())
			say(sock:close())`, "1\n4\nab1\n1\nnilclosed\n", ""},
		{"pieces", `
			local sock = ngx.socket.connect("127.0.0.1", port)
			sock:send("drip 25\nend\n")
			say(sock:receive(10))
			say(sock:receive("3"))
			say(sock:receiveany(100) ~= nil)
			say(sock:receiveuntil("nd")() ~= nil)
			say(sock:receive())`, "1234567890\n123\ntrue\ntrue\n\n", ""},
		{"until", `
			local sock = ngx.socket.connect("127.0.0.1", port)
			sock:send("one--two--three\nbye\n")
			local till = sock:receiveuntil("--")
			say(till())
			local sized = sock:receiveuntil("--", { inclusive = true })
			say(sized(2)) say(sized(2)) say(sized(2))
			say(sock:receive("*a"))
			say(sock:receive("*l"))
			say(sock:receive("*l"))`, "one\ntw\no--\nnilnilnil\nthree\n\nnilclosed\nnilclosed\n",
			"attempt to receive data on a closed socket"},
		{"timeout keeps the connection", `
			local sock = ngx.socket.connect("127.0.0.1", port)
			sock:settimeout(30)
			sock:send("abc\n")
			local data, err, part = sock:receive(10)
			say(data, " ", err, " ", part)
			sock:send("def\n")
			say(sock:receive())`, "nil timeout abc\n\ndef\n", "lua tcp socket read timed out, upstream: 127.0.0.1:"},
		{"pool", `
			local sock = ngx.socket.tcp()
			for i = 1, 3 do
				assert(sock:connect("127.0.0.1", port))
				say(sock:getreusedtimes())
				sock:send("x\n")
				assert(sock:receive())
				say(sock:setkeepalive(1000, 2))
			end
			say(sock:setkeepalive())
			say(sock:send("x"))`, "0\n1\n1\n1\n2\n1\nnilclosed\nnilclosed\n", "attempt to send data on a closed socket"},
		{"unread data", `
			local sock = ngx.socket.connect("127.0.0.1", port)
			sock:send("hello\n")
			sock:receive(2)
			say(sock:setkeepalive())`, "nilunread data in buffer\n", ""},
		{"backlog", `
			local opts = { pool = "p", pool_size = 1, backlog = 1 }
			local first = ngx.socket.tcp()
			assert(first:connect("127.0.0.1", port, opts))
			local t = ngx.thread.spawn(function()
				local second = ngx.socket.tcp()
				say("second: ", second:connect("127.0.0.1", port, opts))
				say(second:getreusedtimes())
			end)
			local third = ngx.socket.tcp()
			say(third:connect("127.0.0.1", port, opts))
			assert(first:setkeepalive())
			ngx.thread.wait(t)`, "niltoo many waiting connect operations\nsecond: 1\n1\n", ""},
		{"backlog timeout", `
			local opts = { pool = "p", pool_size = 1, backlog = 1 }
			local first, second = ngx.socket.tcp(), ngx.socket.tcp()
			assert(first:connect("127.0.0.1", port, opts))
			second:settimeout(20)
			say(second:connect("127.0.0.1", port, opts))
			first:close()
			say(second:connect("127.0.0.1", port, opts))`, "niltimeout\n1\n", "queued connect timed out"},
		{"duplex", `
			local sock = ngx.socket.connect("127.0.0.1", port)
			local reader = ngx.thread.spawn(function() return sock:receive() end)
			say(sock:receive())
			say(sock:close())
			sock:send("both\n")
			say(ngx.thread.wait(reader))`, "nilsocket busy reading\nnilsocket busy reading\ntrueboth\n", ""},
		{"killed", `
			local sock = ngx.socket.connect("127.0.0.1", port)
			local reader = ngx.thread.spawn(function() return sock:receive() end)
			ngx.thread.kill(reader)
			say(sock:receive())`, "nilclosed\n", ""},
		{"failures", `
			local sock = ngx.socket.tcp()
			say(sock:connect("127.0.0.1", 1))
			say(sock:connect("unix:/nonexistent.sock"))
			say(sock:connect("some.name", 80))
			say(sock:connect("127.0.0.1", 65536))
			say(sock:bind("somewhere"))
			say(select(2, pcall(sock.receive, "x")))
			say(select(2, pcall(sock.connect, sock)))
			say(sock:sslhandshake())`,
			"nilconnection refused\nnilno such file or directory\n" +
				"nilno resolver defined to resolve \"some.name\"\nnilbad port number: 65536\nnilbad address\n" +
				"bad argument #1 to '?' (table expected, got string)\n" +
				"ngx.socket connect: expecting 2, 3, or 4 arguments (including the object), but seen 1\n" +
				"nilclosed\n", "connect() failed (111: Connection refused)"},
		{"big", `
			local sock = ngx.socket.connect("127.0.0.1", port)
			local text = string.rep("0123456789abcdef", 65536)
			local writer = ngx.thread.spawn(function() return sock:send({ text, "\n" }) end)
			local line = sock:receive()
			say(line == text, " ", #line)
			say(ngx.thread.wait(writer))`, "true 1048576\ntrue1048577\n", ""},
		{"collected", `
			for i = 1, 100 do assert(ngx.socket.connect("127.0.0.1", port)) end
			collectgarbage() collectgarbage()
			say("ok")`, "ok\n", ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s, got := runLua(t, test.code, "")
			if got != test.want {
				t.Errorf("got\n%s\nwant\n%s\nlog:\n%s", got, test.want, s.ErrorLog())
			}
			if !strings.Contains(s.ErrorLog(), test.log) {
				t.Errorf("no %q in\n%s", test.log, s.ErrorLog())
			}
		})
	}
}

func TestRequestSocket(t *testing.T) {
	tests := []struct{ name, input, code, want string }{
		{"duplicate", "", `
			local sock = assert(ngx.req.socket())
			say(ngx.req.socket())`, "nilduplicate call\n"},
		{"mixed", "5\nhello--tail", `
			local sock = assert(ngx.req.socket(true))
			local n = sock:receive()
			sock:send(sock:receive(n))
			sock:send(sock:receiveuntil("--")())
			sock:send(sock:receive("2"))
			sock:send({ "|", sock:receiveany(10) })`, "hellota|il"},
		{"shutdown", "x", `
			local sock = assert(ngx.req.socket())
			sock:send("last")
			assert(sock:shutdown("send") == 1)
			local _, err = sock:shutdown("send")
			assert(err == "already shutdown", err)
			local _, err = ngx.say("more")
			assert(err == "seen eof", err)
			local _, err = sock:send("more")
			assert(err == "closed", err)
			assert(sock:receive(1) == "x")`, "last"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s, got := runLua(t, test.code, test.input)
			if got != test.want {
				t.Errorf("got %q, want %q; log:\n%s", got, test.want, s.ErrorLog())
			}
			if strings.Contains(s.ErrorLog(), "runtime error") {
				t.Error(s.ErrorLog())
			}
		})
	}
}

// TestPeek looks at bytes in the preread phase that the content phase then reads, those after a line that preread
// took too.
func TestPeek(t *testing.T) {
	s := streamtest.Start(t, `server { listen 127.0.0.1:%PORT%;
		preread_by_lua_block {
			local sock = assert(ngx.req.socket())
			ngx.ctx.peeked = sock:peek(4)
			ngx.ctx.line = sock:receive()
			local ok, err = pcall(sock.peek, sock, 1)
			ngx.ctx.err = err
		}
		content_by_lua_block {
			local sock = assert(ngx.req.socket())
			ngx.say(ngx.ctx.peeked, "|", ngx.ctx.line, "|", sock:receive(4))
			ngx.say(ngx.ctx.err)
		} }`, Module)
	c := s.Dial(0)
	s.Send(c, "ab")
	s.Settle()
	s.Send(c, "cd\nrest")
	if got, want := s.ReadAll(c), "abcd|abcd|rest\nattempt to peek on a consumed socket\n"; got != want {
		t.Errorf("got %q, want %q; log:\n%s", got, want, s.ErrorLog())
	}
}

func TestForeignSocket(t *testing.T) {
	s := streamtest.Start(t, `server { listen 127.0.0.1:%PORT%; content_by_lua_block {
		if not kept then
			kept = assert(ngx.req.socket())
			ngx.say("kept")
			kept:receive()
			return
		end
		ngx.say(pcall(kept.receive, kept))
	} }`, Module)
	first := s.Dial(0)
	if got := make([]byte, 5); true {
		if _, err := io.ReadFull(first, got); err != nil {
			t.Fatal(err)
		}
	}
	if got := s.Ask(0, ""); got != "falsebad request\n" {
		t.Error(got)
	}
	s.Send(first, "\n")
	s.ReadAll(first)
	if got := s.Ask(0, ""); got != "truenilclosed\n" {
		t.Error(got)
	}
}

// A pool's name may read like the key of another place's: each socket connects to where it is told.
func TestPoolNamedLikeAnother(t *testing.T) {
	s := streamtest.Start(t, `
		server { listen 127.0.0.1:%PORT%; content_by_lua_block {
			local function ask(host, options)
				local sock = ngx.socket.tcp()
				assert(sock:connect(host, port, options))
				ngx.say(sock:receive())
				return sock
			end
			port = tonumber(ngx.req.socket():receive())
			local kept = { ask("127.0.0.1", { pool_size = 10 }), ask("127.0.0.3", { pool = "127.0.0.1:" .. port }), ask("127.0.0.1") }
		} }`, Module)
	first, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer first.Close()
	_, port, _ := net.SplitHostPort(first.Addr().String())
	second, err := net.Listen("tcp", "127.0.0.3:"+port)
	if err != nil {
		t.Fatal(err)
	}
	defer second.Close()
	for text, l := range map[string]net.Listener{"one\n": first, "three\n": second} {
		go func() {
			for {
				c, err := l.Accept()
				if err != nil {
					return
				}
				io.WriteString(c, text)
				defer c.Close()
			}
		}()
	}
	if got := s.Ask(0, port+"\n"); got != "one\nthree\none\n" {
		t.Errorf("%q", got)
	}
}
