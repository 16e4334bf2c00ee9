package test

import "testing"

// TestLuaBalancerByContent has balancer_by_lua choose by bytes that were peeked at in preread, in each attempt.
func TestLuaBalancerByContent(t *testing.T) {
	s := start(t, `stream {
		upstream group { server 0.0.0.1:1; balancer_by_lua_block {
			local balancer = require "ngx.balancer"
			local sock = assert(ngx.req.socket())
			local first = sock:peek(4)
			if not balancer.get_last_failure() then
				balancer.set_more_tries(1)
				ngx.ctx.first = first
				assert(balancer.set_current_peer("{host}", 9109))
				return
			end
			assert(first == ngx.ctx.first and sock.receive == nil and #sock:peek(1000) < 1000)
			assert(balancer.set_current_peer("{host}", first == "get " and 9101 or 9102))
		} }
		server { listen {host}:9000;
			preread_by_lua_block { ngx.req.socket():peek(4) }
			proxy_pass group;
		}
		`+peers+` }`)
	for text, want := range map[string]string{"get x\n": "a\nget x\n", "put y\n": "b\nput y\n"} {
		c := s.dial(9000)
		c.send(text)
		c.want(want)
	}
}

// TestLuaFirstBytesOfBalancer has nothing have come when the balancer looks.
func TestLuaFirstBytesOfBalancer(t *testing.T) {
	s := start(t, `stream {
		upstream group { server 0.0.0.1:1; balancer_by_lua_block {
			assert(ngx.req.socket():peek(4) == "")
			assert(require("ngx.balancer").set_current_peer("{host}", 9101))
		} }
		server { listen {host}:9000; proxy_pass group; }
		`+peers+` }`)
	c := s.dial(9000)
	c.want("a\n")
}

// TestLuaBalancerThatNamesNoPeer leaves the choice to the group, whose connections are counted as without a script.
func TestLuaBalancerThatNamesNoPeer(t *testing.T) {
	s := start(t, `stream {
		upstream group { server `+echoBackend(t)+` max_conns=1; server `+echoBackend(t)+` max_conns=1;
			balancer_by_lua_block { } }
		server { listen {host}:9000; proxy_pass group; }
		}`)
	for range 3 {
		one, two := s.dial(9000), s.dial(9000)
		one.ask("one", "one")
		two.ask("two", "two")
		s.dial(9000).wantAll("")
		for _, c := range []*client{one, two} {
			c.closeWrite()
			c.wantAll("")
		}
	}
	s.waitLogs("no live upstreams", 3)
}

// TestLuaBalancerTimeouts has the script's timeouts take the place of the directives'.
func TestLuaBalancerTimeouts(t *testing.T) {
	s := start(t, `stream {
		proxy_timeout 1h;
		upstream group { server {host}:9101; balancer_by_lua_block {
			require("ngx.balancer").set_timeouts(1, 0.05, 0.1)
		} }
		server { listen {host}:9000; proxy_pass group; }
		server { listen {host}:9001; content_by_lua_block {
			local sock = assert(ngx.upstream.connect("group"))
			ngx.say(sock:receive(), " ", sock:receive())
		} }
		`+peers+` }`)
	s.dial(9000).wantAll("a\n")
	s.waitLog("connection timed out")
	s.dial(9001).wantAll("a niltimeout\n")
}

// TestLuaBalancerExit ends the session with the script's status.
func TestLuaBalancerExit(t *testing.T) {
	s := start(t, `stream {
		log_format status "$server_port $status"; access_log status.log status;
		upstream found { server {host}:9101; balancer_by_lua_block { ngx.exit(404) } }
		upstream failed { server {host}:9101; balancer_by_lua_block { ngx.exit(ngx.ERROR) } }
		server { listen {host}:9000; proxy_pass found; }
		server { listen {host}:9001; proxy_pass failed; }
	}`)
	s.dial(9000).wantAll("")
	s.dial(9001).wantAll("")
	eventually(t, "the statuses", func() bool { return s.read("status.log") == "9000 404\n9001 500\n" })
}

// TestLostOutput: a session whose answer the client has not taken is no success.
func TestLostOutput(t *testing.T) {
	s := start(t, `stream {
		log_format status "$status"; access_log status.log status;
		server { listen {host}:9000; lua_socket_send_timeout 50ms;
			content_by_lua_block { ngx.print(("x"):rep(3e7)) } }
	}`)
	c := s.dial(9000)
	defer c.Close()
	eventually(t, "the status", func() bool { return s.read("status.log") == "500\n" })
}

// TestBytesOfAllPhases counts what preread has received and sent beside what is proxied.
func TestBytesOfAllPhases(t *testing.T) {
	s := start(t, `stream {
		log_format bytes "$bytes_received $bytes_sent";
		server { listen {host}:9000; access_log bytes.log bytes;
			preread_by_lua_block {
				local sock = assert(ngx.req.socket())
				sock:receive(4)
				sock:send("0123456789")
			}
			proxy_pass `+echoBackend(t)+`;
		} }`)
	c := s.dial(9000)
	c.send("abcdefgh")
	c.want("0123456789efgh")
	c.closeWrite()
	c.wantAll("")
	eventually(t, "8 14 in the log", func() bool { return s.read("bytes.log") == "8 14\n" })
}
