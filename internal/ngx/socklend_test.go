package ngx

import (
	"io"
	"strconv"
	"strings"
	"testing"

	"github.com/weirproxy/weir/internal/stream/streamtest"
)

// startLent serves code, which has read one line that it had to wait for: sock is lent to C from there on.
func startLent(t *testing.T, code string) (*streamtest.Server, io.ReadWriter) {
	t.Helper()
	s := streamtest.Start(t, `server { listen 127.0.0.1:%PORT%; content_by_lua_block {
		local sock = ngx.req.socket(true)
		sock:send("ready\n")
		local line = sock:receive()
		`+code+`
	} }`, Module)
	c := s.Dial(0)
	if _, err := io.ReadFull(c, make([]byte, 6)); err != nil {
		t.Fatal(err)
	}
	s.Settle()
	s.Send(c, "go\n")
	return s, c
}

func TestLentSocket(t *testing.T) {
	for _, test := range []struct{ name, code, want string }{
		{"what C sends is counted at once", `
			sock:send(line .. "\n")
			sock:send(ngx.var.bytes_sent .. " " .. ngx.var.bytes_received .. "\n")`, "go\n9 3\n"},
		{"other arguments", `
			sock:send({ line, 1, { "x" } })
			local ok, err = sock:send("")
			sock:send(" " .. tostring(ok) .. " " .. tostring(err))
			sock:send(3)`, "go1x 0 nil3"},
		{"wrong arguments", `
			for _, fn in ipairs({ function() sock:send() end, function() sock:send("a", "b") end,
				function() sock:receive("*x") end, function() sock.send("a", "b") end }) do
				local ok, err = pcall(fn)
				sock:send(tostring(ok) .. " " .. err:gsub("^.-%d+: ", "") .. "\n")
			end`, "false expecting 2 arguments (including the object), but got 1\n" +
			"false expecting 2 arguments (including the object), but got 3\n" +
			"false bad argument #1 to 'receive' (bad pattern argument)\n" +
			"false bad argument #1 to 'send' (table expected, got string)\n"},
		{"a timeout that was set in the slice", `
			sock:settimeout(20)
			local ok, err = sock:receive()
			sock:send(tostring(ok) .. " " .. err)`, "nil timeout"},
		{"two threads", `
			local reader = ngx.thread.spawn(function() return sock:receive("*l") end)
			local ok, err = sock:receive()
			sock:send(tostring(ok) .. " " .. err)
			ngx.thread.kill(reader)`, "nil socket busy reading"},
		{"a closed direction", `
			sock:shutdown("send")
			local ok, err = sock:send("x")
			ngx.log(ngx.WARN, "after shutdown: ", ok, " ", err)`, ""},
		{"pcall and coroutines around what parks", `
			sock:settimeout(20)
			local co = coroutine.wrap(function() return pcall(sock.receive, sock) end)
			local ok, data, err = co()
			sock:send(tostring(ok) .. " " .. tostring(data) .. " " .. err)`, "true nil timeout"},
	} {
		t.Run(test.name, func(t *testing.T) {
			s, c := startLent(t, test.code)
			got, err := io.ReadAll(c)
			if err != nil || string(got) != test.want {
				t.Errorf("got %q, %v\nwant %q\n%s", got, err, test.want, s.ErrorLog())
			}
		})
	}
}

// A send that the kernel does not take whole is finished by Go, behind what C has sent.
func TestLentSocketSendsTheRest(t *testing.T) {
	const size = 16 << 20
	s, c := startLent(t, `
		local data = string.rep("0123456789abcdef", `+strconv.Itoa(size/16)+`)
		local sent = assert(sock:send(data))
		sock:send(" " .. sent .. " " .. ngx.var.bytes_sent)`)
	got, err := io.ReadAll(c)
	want := strings.Repeat("0123456789abcdef", size/16) + " " + strconv.Itoa(size) + " " + strconv.Itoa(size+6)
	if err != nil || string(got) != want {
		t.Errorf("%d bytes, %v; the end is %q, want %q\n%s", len(got), err, got[max(0, len(got)-30):], want[size:], s.ErrorLog())
	}
}

// A thread that parks in C again and again is resumed by each line, however the lines come.
func TestLentSocketEchoes(t *testing.T) {
	s, c := startLent(t, `
		while true do
			line = sock:receive()
			if not line then return end
			sock:send(line .. "\n")
		end`)
	for i := range 200 {
		text := strconv.Itoa(i) + "\n" + strings.Repeat("x", i%7*100) + "\n"
		io.WriteString(c, text[:len(text)/2])
		s.Settle()
		io.WriteString(c, text[len(text)/2:])
		got := make([]byte, len(text))
		if _, err := io.ReadFull(c, got); err != nil || string(got) != text {
			t.Fatalf("round %d: got %q, want %q, %v", i, got, text, err)
		}
	}
}
