package test

import "testing"

// A program that answers each line with what a peer says of it, over pooled connections, in one slice a message: every
// byte goes where it belongs, and is counted there.
func TestPooledInOneSlice(t *testing.T) {
	peer := echoBackend(t)
	s := start(t, `stream {
		log_format sent "sent $bytes_sent received $bytes_received";
		access_log sent.log sent;
		server { listen {host}:9000; content_by_lua_block {
			local host, port = ("`+peer+`"):match("(.*):(.*)")
			local client = ngx.req.socket(true)
			local function ask(line)
				local peer = ngx.socket.tcp()
				assert(peer:connect(host, tonumber(port)))
				assert(peer:send(line .. "\n") == #line + 1)
				local answer = assert(peer:receive())
				local kind = peer:getreusedtimes() > 0 and "pooled" or "new"
				assert(peer:setkeepalive())
				return answer .. " " .. kind
			end
			while true do
				local line = client:receive()
				if not line then return end
				assert(client:send("<"))           -- the client's is lent
				local answer = ask(line)           -- the peer's in its place
				local threads = { ngx.thread.spawn(ask, line), ngx.thread.spawn(ask, line) }
				local _, first = ngx.thread.wait(threads[1])
				local _, second = ngx.thread.wait(threads[2])
				client:send(answer .. "," .. first:sub(1, 3) .. "," .. second:sub(1, 3) .. ">\n")
			end
		} } }`)
	c := s.dial(9000)
	c.ask("one", "<one new,one,one>")
	c.ask("two", "<two pooled,two,two>")
	c.closeWrite()
	c.wantAll("")
	eventually(t, "the access log", func() bool { return s.read("sent.log") == "sent 39 received 8\n" })
}
