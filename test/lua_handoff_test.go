package test

import (
	"fmt"
	"io"
	"net"
	"strings"
	"testing"

	"github.com/weirproxy/weir/handoff"
)

// refuser answers every hand-over with a refusal.
const refuser = `
import os, socket, sys
listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
listener.bind(sys.argv[1])
listener.listen()
while True:
    weir, _ = listener.accept()
    while True:
        message, fds, _, _ = socket.recv_fds(weir, 1 << 18, 4)
        if not message:
            break
        for fd in fds:
            os.close(fd)
        weir.send(b"R")
`

// TestLuaHandoff hands over from preread and content, with what was consumed, and goes on when nobody takes it.
func TestLuaHandoff(t *testing.T) {
	w := newWorkspace(t)
	w.write("refuser.py", refuser)
	w.write("nginx.conf", `stream {
		log_format h "$server_port $status $handoff_status $bytes_sent"; access_log access.log h;
		server { listen {host}:9000;
			preread_by_lua_block {
				local sock = assert(ngx.req.socket())
				if sock:peek(3) == "abc" then
					local ok, err = sock:handoff("unix:{dir}/r", { meta = { tenant = "blue", n = 7 } })
					ngx.log(ngx.NOTICE, "handed over: ", ok, " ", err, " ", sock:send("x"))
				end
			}
			return "not handed over";
		}
		server { listen {host}:9001;
			content_by_lua_block {
				local sock = assert(ngx.req.socket())
				sock:send("name?\n")
				local line = sock:receive()
				local ok, err = sock:handoff("unix:{dir}/refuser", { timeout = 5000 })
				sock:send("first: " .. tostring(ok) .. " " .. tostring(err) .. "\n")
				local more = sock:receive(4)
				local rest = sock:receiveuntil("!", { inclusive = true })(3)
				local ok, err = sock:handoff("{dir}/none")
				sock:settimeout(1)
				assert(sock:handoff("{dir}/r"))
				local ok, err = sock:receive()
				ngx.say("nobody hears this")
				ngx.log(ngx.NOTICE, "afterwards: ", ok, " ", err)
			}
		}
		server { listen {host}:9002;
			preread_by_lua_block {
				local sock = assert(ngx.req.socket())
				local ok, err = sock:handoff("unix:{dir}/refuser")
				ngx.ctx.err = err
			}
			proxy_pass {host}:9003; proxy_half_close on;
		}
		server { listen {host}:9003;
			content_by_lua_block {
				local sock = assert(ngx.req.socket())
				sock:send("peer got " .. sock:receive("*a"))
			}
		}
	}`)
	l := w.receive("r")
	w.run("refuser", "python3", w.path("refuser.py"))
	s := w.start()

	c := s.dial(9000)
	c.send("abcdef")
	conn := takeOver(t, l)
	if conn.Meta["tenant"] != "blue" || conn.Meta["n"] != "7" {
		t.Errorf("metadata %+v", conn.Metadata)
	}
	answer(t, conn, "abcdef", c)
	s.waitLog("handed over: true nil nilclosed")

	c = s.dial(9001)
	c.want("name?\n")
	c.send("me\n")
	c.want("first: nil refused\n")
	c.send("12345!67") // 4 and 2 are taken, the rest is in weir's buffer
	answer(t, takeOver(t, l), "12345!67", c)
	s.waitLog("afterwards: nil closed")

	c = s.dial(9002)
	c.send("all of it")
	c.closeWrite()
	c.wantAll("peer got all of it")
	s.stop()
	for _, line := range []string{"9000 200 accepted 0\n", "9001 200 refused, failed, accepted 25\n", "9002 200 refused "} {
		if log := w.read("access.log"); !strings.Contains(log, line) {
			t.Errorf("access log %q, want %q", log, line)
		}
	}
}

// answer has a receiver read what a client has sent, and answer.
func answer(t *testing.T, conn *handoff.Conn, sent string, c *client) {
	t.Helper()
	wantFrom(t, conn, sent)
	fmt.Fprint(conn, "hello from the receiver")
	conn.Close()
	c.wantAll("hello from the receiver")
}

// TestLuaHandoffEndsWithItsThread has a phase end while a light thread of it waits for a receiver.
func TestLuaHandoffEndsWithItsThread(t *testing.T) {
	w := newWorkspace(t)
	w.write("sulks.py", `
import socket, sys, time
listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
listener.bind(sys.argv[1])
listener.listen()
kept = []
while True:
    weir, _ = listener.accept()
    kept.append((weir, socket.recv_fds(weir, 1 << 18, 4)))
`)
	w.write("nginx.conf", `stream { server { listen {host}:9000;
		preread_by_lua_block {
			local sock = assert(ngx.req.socket())
			ngx.thread.spawn(function() sock:handoff("{dir}/sulks", { timeout = 60000 }) end)
			ngx.sleep(0.05)
			local ok, err = sock:receive()
			ngx.log(ngx.NOTICE, "meanwhile: ", err)
			ngx.exit(ngx.OK)
		}
		content_by_lua_block { ngx.say("mine: ", ngx.req.socket():receive()) }
	} }`)
	w.run("sulks", "python3", w.path("sulks.py"))
	s := w.start()
	c := s.dial(9000)
	c.send("line\n")
	c.wantAll("mine: line\n")
	s.waitLog("meanwhile: socket busy being handed over")
}

// TestLuaDetach has Lua give the descriptor away by itself.
func TestLuaDetach(t *testing.T) {
	s := start(t, `stream { server { listen {host}:9000; content_by_lua_block {
		local ffi = require "ffi"
		ffi.cdef "ssize_t write(int fd, const void *buf, size_t n); int close(int fd); int shutdown(int fd, int how);"
		local sock = assert(ngx.req.socket())
		local before = sock:getfd()
		local line = sock:receive()
		local fd, rest = sock:detach()
		local text = tostring(fd == before) .. " " .. line .. " " .. rest .. " " .. tostring(sock:getfd())
		ngx.timer.at(0, function()
			ffi.C.write(fd, text, #text)
			ffi.C.close(fd)
		end)
	} } }`)
	c := s.dial(9000)
	c.send("line\nrest")
	got, err := io.ReadAll(c)
	if want := "true line rest nil"; err != nil || string(got) != want {
		t.Errorf("%q (%v), want %q", got, err, want)
	}
}

// TestLuaPrereadProtocol asks for the protocol with and without preread_protocol, byte by byte. Sessions that have
// answered wait for the client, who may not have said all.
func TestLuaPrereadProtocol(t *testing.T) {
	s := start(t, `stream {
		preread_protocol_timeout 100ms;
		server { listen {host}:9000;
			preread_by_lua_block { ngx.ctx.p = ngx.preread.protocol() }
			content_by_lua_block { ngx.say(ngx.ctx.p, " ", ngx.preread.protocol()) ngx.req.socket():receive("*a") }
		}
		server { listen {host}:9001; preread_protocol on;
			content_by_lua_block { ngx.say(ngx.preread.protocol()) ngx.req.socket():receive("*a") }
		}
		server { listen {host}:9002;
			content_by_lua_block { ngx.say(ngx.preread.protocol()) ngx.req.socket():receive("*a") }
		}
	}`)
	for _, test := range []struct {
		port       int
		send, want string
	}{
		{9000, "SSH-2.0-x\r\n", "ssh ssh\n"},
		{9000, "GET / HTTP/1.1\r\nHost: x\r\n\r\n", "http http\n"},
		{9000, "", "unknown unknown\n"},
		{9001, "SSH-2.0-x\r\n", "ssh\n"},
		{9002, "SSH-2.0-x\r\n", "nil\n"},
	} {
		c := s.dial(test.port)
		for i := range test.send {
			c.send(test.send[i : i+1])
		}
		c.want(test.want)
		c.Close()
	}
}

// TestLuaHandoffRaw gives connections to a receiver that does not answer, which cannot be told of what was read.
func TestLuaHandoffRaw(t *testing.T) {
	w := newWorkspace(t)
	w.write("nginx.conf", `stream { server { listen {host}:9000;
		access_by_lua_block {
			local sock = assert(ngx.req.socket())
			if sock:peek(1) == "a" then
				assert(sock:handoff("unix:{dir}/raw", { raw = true }))
			end
		}
		content_by_lua_block {
			local sock = assert(ngx.req.socket())
			local line = sock:receive()
			ngx.say(line, ": ", select(2, sock:handoff("unix:{dir}/raw", { raw = true })))
			ngx.say(select(2, pcall(sock.handoff, sock, 1)))
			ngx.say(select(2, pcall(sock.handoff, sock, "x", { timeout = -1 })))
			ngx.say(sock:handoff("x"))
			assert(sock:handoff("unix:{dir}/raw", { raw = true })) -- the line has been answered
		}
	} }`)
	receiver, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: w.path("raw"), Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { receiver.Close() })
	s := w.start()
	c := s.dial(9000)
	c.send("at once")
	conn := receivedBy(t, receiver)
	wantFrom(t, conn, "at once")
	fmt.Fprint(conn, "raw")
	conn.Close()
	c.wantAll("raw")

	c = s.dial(9000)
	c.send("line\n")
	c.want("line: bytes that were read already would be lost: raw receivers cannot be told of them\n")
	c.want("bad argument #1 to 'handoff' (string expected, got number)\n")
	c.want("bad \"timeout\" option: -1\n")
	if got := c.line(); !strings.HasPrefix(got, "nil") {
		t.Errorf("a receiver that is none: %q", got)
	}
	c.send("more")
	conn = receivedBy(t, receiver)
	wantFrom(t, conn, "more")
	conn.Close()
	c.wantAll("")
}
