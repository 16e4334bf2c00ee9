package test

import "testing"

// peers are servers that say which they are, then echo lines.
const peers = `
	map $server_port $name { 9101 a; 9102 b; }
	server { listen {host}:9101; listen {host}:9102; listen unix:{dir}/peer;
		content_by_lua_block {
			local sock = ngx.req.socket()
			ngx.say(ngx.var.name)
			while true do
				local line = sock:receive()
				if not line then return end
				ngx.say(line)
			end
		}
	}`

// TestLuaUpstreamConnect says what calls of ngx.upstream.connect find.
func TestLuaUpstreamConnect(t *testing.T) {
	for _, test := range []struct{ name, directives, code, want, log string }{
		{"rounds", `server {host}:9101; server {host}:9102;`, `
			for i = 1, 4 do
				local sock = assert(ngx.upstream.connect("group"))
				ngx.say(sock:receive(), " ", sock:send("x\n"), " ", sock:receive(), " ", sock:close())
			end`, "a 2 x 1\nb 2 x 1\na 2 x 1\nb 2 x 1\n", ""},
		{"kept", `server {host}:9101;`, `
			for i = 1, 3 do
				local sock = assert(ngx.upstream.connect("group"))
				if i == 1 then sock:receive() end
				sock:send(i .. "\n")
				ngx.say(sock:receive(), " ", sock:getreusedtimes(), " ", sock:setkeepalive(1000))
			end`, "1 0 1\n2 1 1\n3 2 1\n", ""},
		{"max_conns", `server {host}:9101 max_conns=1; server {host}:9102 max_conns=1;`, `
			local connect = ngx.upstream.connect
			local one, two = connect("group"), connect("group")
			ngx.say(connect("group"))
			one:close()
			one = assert(connect("group"))
			ngx.say(one:receive(), " ", connect("group"))
			one:setkeepalive(1000)
			one = assert(connect("group"))
			ngx.say(one:getreusedtimes())
			one = nil collectgarbage() collectgarbage()
			ngx.say(type(connect("group")))`, "nilno live upstreams\na nilno live upstreams\n1\ntable\n", `no live upstreams in upstream "group"`},
		{"killed while it connects", `server {host}:9101 max_conns=1;`, `
			local t = ngx.thread.spawn(function() ngx.upstream.connect("group") end)
			ngx.say(ngx.thread.kill(t))
			ngx.say(type(ngx.upstream.connect("group")))`, "1\ntable\n", ""},
		{"dead peers", `server {host}:9109 max_fails=1; server {host}:9108 max_fails=1; server {host}:9101 backup;`, `
			for i = 1, 2 do ngx.say(assert(ngx.upstream.connect("group")):receive()) end`, "a\na\n", "temporarily disabled"},
		{"all dead", `server {host}:9109 max_fails=3; server {host}:9108 max_fails=3;`, `
			ngx.say(ngx.upstream.connect("group"))`, "nilconnection refused\n", "111: Connection refused"},
		{"key", `hash $remote_addr; server {host}:9101; server {host}:9102;`, `
			local function ask(key) return (assert(ngx.upstream.connect("group", { key = key })):receive()) end
			ngx.say(ask("k1") == ask("k1"), " ", ask("k2") == ask("k2"), " ", ask() == ask())
			local all = {}
			for i = 1, 30 do all[ask("key" .. i)] = true end
			ngx.say(all.a and all.b)`, "true true true\ntrue\n", ""},
		{"addresses", `server {host}:9101;`, `
			ngx.say(ngx.upstream.connect("{host}:9102"):receive())
			ngx.say(ngx.upstream.connect("unix:{dir}/peer"):receive())
			ngx.say(ngx.upstream.connect("nowhere"))
			ngx.say(ngx.upstream.connect("{host}:9109"))
			ngx.say(ngx.upstream.connect("name.test:80"))
			ngx.say(pcall(ngx.upstream.connect))`, "b\n\nnilno port in upstream \"nowhere\"\nnilconnection refused\n" +
			"nilno resolver defined to resolve \"name.test:80\"\nfalseexpecting 1 or 2 arguments, but got 0\n", ""},
		{"balancer", `server 0.0.0.1:1; balancer_by_lua_block {
				local balancer = require "ngx.balancer"
				local state = balancer.get_last_failure()
				ngx.ctx.seen = (ngx.ctx.seen or "") .. tostring(state) .. " "
				if not state then balancer.set_more_tries(1) end
				assert(balancer.set_current_peer("{host}", state and 9102 or 9109))
			}`, `
			local before = ngx.get_phase()
			ngx.say(ngx.upstream.connect("group"):receive(), " ", ngx.ctx.seen, ngx.get_phase() == before)
			ngx.thread.wait(ngx.thread.spawn(function()
				ngx.say(ngx.upstream.connect("group"):receive(), " ", ngx.get_phase())
			end))`, "b nil failed true\nb content\n", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := start(t, `stream { upstream group { `+test.directives+` }
				server { listen {host}:9000; content_by_lua_block { `+test.code+` } } `+peers+` }`)
			s.dial(9000).wantAll(test.want)
			if test.log != "" {
				s.waitLog(test.log)
			}
		})
	}
}
