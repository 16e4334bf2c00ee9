package test

import (
	"net"
	"strings"
	"testing"
)

// fdLibrary is what users have: it sends a descriptor to another process, and may put a dummy in its place.
const fdLibrary = `
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
int pass(int fd, const char *path) {
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	char one = 0, room[CMSG_SPACE(sizeof(int))];
	struct iovec io = { &one, 1 };
	struct msghdr m = { &to, sizeof to, &io, 1, room, sizeof room, 0 };
	strcpy(to.sun_path, path);
	CMSG_FIRSTHDR(&m)->cmsg_level = SOL_SOCKET, CMSG_FIRSTHDR(&m)->cmsg_type = SCM_RIGHTS;
	CMSG_FIRSTHDR(&m)->cmsg_len = CMSG_LEN(sizeof fd), memcpy(CMSG_DATA(CMSG_FIRSTHDR(&m)), &fd, sizeof fd);
	int s = socket(AF_UNIX, SOCK_DGRAM, 0), pair[2], n = sendmsg(s, &m, 0);
	socketpair(AF_UNIX, SOCK_STREAM, 0, pair), dup2(pair[0], fd);
	return close(pair[0]), close(pair[1]), close(s), n;
}
`

// TestLuaDescriptorByFFI is how people hand over on OpenResty: guessed offsets, sendmsg, a dummy by dup2.
func TestLuaDescriptorByFFI(t *testing.T) {
	w := newWorkspace(t)
	w.write("fd.c", fdLibrary)
	w.mustRun("gcc", "-shared", "-fPIC", "-o", w.path("fd.so"), w.path("fd.c"))
	w.write("hand.lua", `
		local ffi = require "ffi"
		ffi.cdef [[
			typedef struct { void *data, *read, *write; int fd; } connection;
			typedef struct { connection *connection; } fake_request;
			int pass(int fd, const char *path);
		]]
		local lib = ffi.load(ngx.config.prefix() .. "/fd.so")
		local sock = ngx.req.socket()
		if sock:peek(4) ~= "pass" then return end
		local base = require "resty.core.base"
		local r = ffi.cast("fake_request *", base.get_request())
		local fd = r.connection.fd
		assert(fd == sock:getfd())
		assert(ffi.cast("fake_request *", require("thread.exdata")()).connection.fd == fd)
		assert(lib.pass(fd, "{dir}/receiver") == 1)
	`)
	w.write("nginx.conf", `stream {
		init_worker_by_lua_block { ngx.timer.at(0, function()
			local ffi = require "ffi"
			ffi.cdef "typedef struct { void *data, *read, *write; int fd; } timer_connection;"
			local p = ffi.cast("timer_connection **", require("resty.core.base").get_request())
			ngx.log(ngx.NOTICE, "in a timer: ", p[0].fd)
		end) }
		server { listen {host}:9000; preread_by_lua_file hand.lua; proxy_pass {host}:9101; proxy_timeout 20s; }
		`+peers+` }`)
	receiver, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: w.path("receiver"), Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { receiver.Close() })
	s := w.start()
	s.waitLog("in a timer: -1")
	before := 0
	for i := range 20 {
		c := s.dial(9000)
		c.send("pass this on")
		conn := receivedBy(t, receiver)
		wantFrom(t, conn, "pass this on")
		c.send(" and this")
		wantFrom(t, conn, " and this")
		if _, err := conn.Write([]byte("from the receiver")); err != nil {
			t.Fatal(err)
		}
		conn.Close()
		c.wantAll("from the receiver")
		d := s.dial(9000)
		d.send("stay\n")
		d.want("a\nstay\n")
		d.Close()
		if i == 5 {
			eventually(t, "sessions to end", func() bool { return strings.Count(s.log(), "disconnected, bytes") >= 12 })
			before = s.descriptors()
		}
	}
	eventually(t, "weir to close its descriptors", func() bool { return s.descriptors() <= before })
}

// TestLuaDescriptorAnswered has content answer, pass the descriptor on, and end: the connection is not shut down.
func TestLuaDescriptorAnswered(t *testing.T) {
	w := newWorkspace(t)
	w.write("fd.c", strings.Replace(fdLibrary, "dup2(pair[0], fd)", "0", 1))
	w.mustRun("gcc", "-shared", "-fPIC", "-o", w.path("fd.so"), w.path("fd.c"))
	w.write("nginx.conf", `stream { server { listen {host}:9000; content_by_lua_block {
		local ffi = require "ffi"
		ffi.cdef "int pass(int fd, const char *path);"
		local sock = ngx.req.socket()
		local line = sock:receive()
		ngx.say("switching to ", line)
		ngx.sleep(0.1) -- the client says something that is not read here
		assert(ffi.load("{dir}/fd.so").pass(sock:getfd(), "{dir}/receiver") == 1)
	} } }`)
	receiver, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: w.path("receiver"), Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { receiver.Close() })
	s := w.start()
	c := s.dial(9000)
	c.send("other\n")
	c.want("switching to other\n")
	c.send("unread")
	conn := receivedBy(t, receiver)
	wantFrom(t, conn, "unread")
	if _, err := conn.Write([]byte("still open")); err != nil {
		t.Fatal(err)
	}
	conn.Close()
	c.wantAll("still open")
}

// TestLuaDescriptorReplaced puts another socket, which lives on, in the descriptor's place: the session goes on with it.
func TestLuaDescriptorReplaced(t *testing.T) {
	w := newWorkspace(t)
	w.write("fd.c", `
		#include <string.h>
		#include <sys/socket.h>
		#include <sys/un.h>
		#include <unistd.h>
		int replace(int fd, const char *path) {
			struct sockaddr_un to = { .sun_family = AF_UNIX };
			int s = socket(AF_UNIX, SOCK_STREAM, 0);
			strcpy(to.sun_path, path);
			connect(s, (void *)&to, sizeof to), dup2(s, fd);
			return close(s);
		}`)
	w.mustRun("gcc", "-shared", "-fPIC", "-o", w.path("fd.so"), w.path("fd.c"))
	w.write("nginx.conf", `stream {
		server { listen {host}:9000; proxy_pass {host}:9101; preread_by_lua_block {
			local ffi = require "ffi"
			ffi.cdef "int replace(int fd, const char *path);"
			local sock = ngx.req.socket()
			sock:peek(1)
			assert(ffi.load("{dir}/fd.so").replace(sock:getfd(), "{dir}/other") == 0)
		} }
		`+peers+` }`)
	l, err := net.Listen("unix", w.path("other"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	s := w.start()
	c := s.dial(9000)
	c.send("x")
	conn, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	other := newClient(t, conn)
	other.want("a\n")
	for range 3 {
		other.send("from elsewhere\n")
		other.want("from elsewhere\n")
	}
	s.dial(9101).want("a\n") // the worker waits for nobody
	other.Close()
	s.waitLog(`client disconnected`)
}
