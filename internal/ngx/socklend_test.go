package ngx

import (
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/weirproxy/weir/internal/stream/streamtest"
)

// startLent serves code, which has read one line that it had to wait for: sock is lent to C from there on. Code that
// reads from %DIR%/fifo blocks the worker until somebody has written there.
func startLent(t *testing.T, code string) (*streamtest.Server, io.ReadWriter) {
	t.Helper()
	s := streamtest.Start(t, `server { listen 127.0.0.1:%PORT%; content_by_lua_block {
		local sock = ngx.req.socket(true)
		sock:send("ready\n")
		local line = sock:receive()
		`+code+`
	} }`, Module)
	if err := unix.Mkfifo(filepath.Join(s.Dir, "fifo"), 0o600); err != nil {
		t.Fatal(err)
	}
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

// What a slice has sent is with the client at once where the code asks for that.
func TestLentSocketFlushes(t *testing.T) {
	for _, ask := range []string{"ngx.flush()", "require('resty.core.base').get_request()", "sock:getfd()", "ngx.print('!')"} {
		s, c := startLent(t, `
			sock:send("sent")
			`+ask+`
			io.open("%DIR%/fifo"):read()`)
		got := make([]byte, 4)
		if _, err := io.ReadFull(c, got); err != nil || string(got) != "sent" {
			t.Errorf("%s: %q, %v", ask, got, err)
		}
		w, err := os.OpenFile(filepath.Join(s.Dir, "fifo"), os.O_WRONLY, 0)
		if err != nil {
			t.Fatal(err)
		}
		w.Close()
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

// What a slice has sent is all sent, also where clients say much before they read anything: what their sockets do not
// take is kept, and a thread that goes on sending waits.
func TestLentSocketsKeepWhatIsNotTaken(t *testing.T) {
	s := streamtest.Start(t, `server { listen 127.0.0.1:%PORT% sndbuf=4k; content_by_lua_block {
		local sock = ngx.req.socket(true)
		local n, filling = 0, string.rep("x", 1500)
		while true do
			local line, err = sock:receive()
			if not line then
				ngx.log(ngx.WARN, n, " lines, ", ngx.var.bytes_sent, " bytes, ", err)
				return ngx.exit(line == nil and ngx.ERROR or ngx.OK)
			end
			n = n + 1
			local answer = line .. filling .. "\n"
			assert(sock:send(answer) == #answer)
		end
	} }`, Module)
	const clients, lines = 4, 400
	var conns [clients]*net.TCPConn
	for i := range conns {
		conns[i] = s.Dial(0).(*net.TCPConn)
	}
	want := ""
	for n := range lines {
		resume := s.Pause() // all lines of a turn come in one round
		for _, c := range conns {
			fmt.Fprintln(c, n)
		}
		resume()
		s.Settle()
		want += strconv.Itoa(n) + strings.Repeat("x", 1500) + "\n"
	}
	for i, c := range conns {
		c.CloseWrite()
		got, err := io.ReadAll(c)
		if err != nil || string(got) != want {
			t.Errorf("connection %d: %d of %d bytes, %v", i, len(got), len(want), err)
		}
	}
	end := fmt.Sprintf("%d lines, %d bytes, closed", lines, len(want))
	if n := strings.Count(s.ErrorLog(), end); n != clients {
		t.Errorf("%d sessions say %q\n%s", n, end, s.ErrorLog())
	}
}

// A client that goes while something is still to be sent to it in the same round: the next send tells.
func TestLentSocketsTellOfALateError(t *testing.T) {
	s := streamtest.Start(t, `server { listen 127.0.0.1:%PORT%; content_by_lua_block {
		local sock = ngx.req.socket(true)
		if sock:receive() == "block" then
			return io.open("%DIR%/fifo"):read()
		end
		ngx.log(ngx.WARN, "first: ", sock:send("x"))
		ngx.log(ngx.WARN, "receive: ", select(2, sock:receive()))
		ngx.log(ngx.WARN, "second: ", select(2, sock:send("x")))
		ngx.log(ngx.WARN, "third: ", select(2, sock:send("x")))
	} }`, Module)
	fifo := filepath.Join(s.Dir, "fifo")
	if err := unix.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	gone, other := s.Dial(0).(*net.TCPConn), s.Dial(0)
	s.Settle()
	resume := s.Pause() // both lines come in one round
	io.WriteString(gone, "line\n")
	io.WriteString(other, "block\n")
	resume()
	w, err := os.OpenFile(fifo, os.O_WRONLY, 0) // waits for the reader
	if err != nil {
		t.Fatal(err)
	}
	gone.SetLinger(0)
	gone.Close()
	w.Close()
	s.Settle()
	s.Settle()
	for _, want := range []string{"first: 1,", "receive: ", "second: connection reset by peer,", "third: closed,"} {
		if !strings.Contains(s.ErrorLog(), want) {
			t.Errorf("no %q in the log:\n%s", want, s.ErrorLog())
		}
	}
}

// What a cosocket has sent is not lost either when its peer does not take it: not when it is closed right then.
func TestLentCosocketsKeepWhatIsNotTaken(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	s := streamtest.Start(t, `server { listen 127.0.0.1:%PORT%; content_by_lua_block {
		local peer = ngx.socket.tcp()
		assert(peer:connect("127.0.0.1", `+strconv.Itoa(l.Addr().(*net.TCPAddr).Port)+`))
		peer:setoption("sndbuf", 4096)
		while peer:receive() == "go" do
			assert(peer:send(string.rep("x", 1499) .. "\n") == 1500)
		end
		assert(peer:close())
	} }`, Module)
	const sessions, turns = 64, 32 // somewhere in between the sockets are full
	var peers [sessions]*net.TCPConn
	for i := range peers {
		s.Dial(0)
		c, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		peers[i] = c.(*net.TCPConn)
		peers[i].SetReadBuffer(4096)
	}
	s.Settle()
	for turn := range turns {
		resume := s.Pause()
		for i, c := range peers {
			switch {
			case turn < i%turns:
				io.WriteString(c, "go\n")
			case turn == i%turns:
				io.WriteString(c, "go\nend\n")
			}
		}
		resume()
		s.Settle()
	}
	var reading sync.WaitGroup
	for i, c := range peers {
		reading.Go(func() {
			c.SetReadBuffer(1 << 20)
			n, err := io.Copy(io.Discard, c)
			if want := int64(i%turns+1) * 1500; n != want || err != nil {
				t.Errorf("session %d: %d of %d bytes, %v", i, n, want, err)
			}
		})
	}
	reading.Wait()
	s.Settle()
	if log := s.ErrorLog(); strings.Contains(log, "[error]") {
		t.Error(log)
	}
}

// A cosocket that Lua lets go while it is lent: what it has sent reaches its own peer, and no other.
func TestLentCosocketIsCollected(t *testing.T) {
	peers := make([]net.Listener, 2)
	ports := make([]string, 2)
	got := make(chan string, 2)
	for i := range peers {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		peers[i], ports[i] = l, strconv.Itoa(l.Addr().(*net.TCPAddr).Port)
	}
	s := streamtest.Start(t, `server { listen 127.0.0.1:%PORT%; content_by_lua_block {
		local function ask(port, more)
			local peer = ngx.socket.tcp()
			assert(peer:connect("127.0.0.1", port))
			peer:send("hello\n")
			assert(peer:receive())
			return more and peer:send(more) or peer:setkeepalive()
		end
		assert(ask(`+ports[1]+`))
		assert(ask(`+ports[0]+`, "for the first"))
		collectgarbage() collectgarbage()
		local second = ngx.socket.tcp()
		assert(second:connect("127.0.0.1", `+ports[1]+`)) -- from the pool
		second:send("for the second")
	} }`, Module)
	c := s.Dial(0)
	conns := make([]net.Conn, 2)
	for _, i := range []int{1, 0} {
		conn, err := peers[i].Accept()
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		conns[i] = conn
		io.WriteString(conn, "hello\n")
	}
	for _, conn := range conns {
		go func() {
			text, _ := io.ReadAll(conn)
			got <- string(text)
		}()
	}
	texts := []string{<-got, <-got}
	slices.Sort(texts)
	if want := []string{"hello\nfor the first", "hello\nfor the second"}; !slices.Equal(texts, want) {
		t.Errorf("the peers got %q, want %q\n%s", texts, want, s.ErrorLog())
	}
	s.ReadAll(c)
}
