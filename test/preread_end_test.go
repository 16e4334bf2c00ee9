package test

import "testing"

// TestPrereadEnd: a client whose session ends in the preread phase, with bytes that nobody has read, sees an end and
// not a reset. What becomes of those that were sent something is in TestExampleLingeringOff.
func TestPrereadEnd(t *testing.T) {
	// A TLS record's header that promises more than comes.
	const hello = "\x16\x03\x01\x01\x00\x01\x00\x00\xfc\x03\x03"
	for _, test := range []struct{ name, server, send string }{
		{"timeout", "ssl_preread on; return answer;", hello},
		{"full", "ssl_preread on; preread_buffer_size 11; return answer;", hello},
		{"exit", "preread_by_lua_block { ngx.req.socket():peek(4) ngx.exit(403) } return answer;", "some bytes"},
		{"exit without a look", "preread_by_lua_block { ngx.sleep(0.2) ngx.exit(403) } return answer;", "some bytes"},
		{"error", "preread_by_lua_block { ngx.req.socket():peek(4) error('boom') } return answer;", "some bytes"},
		{"a part was taken", "preread_by_lua_block { ngx.req.socket():receive(4) ngx.exit(403) } return answer;", "some bytes"},
		{"the client has finished", "preread_by_lua_block { ngx.req.socket():peek(40) } return answer;", "some bytes"},
		{"no lingering", "lingering_close off; preread_by_lua_block { ngx.req.socket():peek(4) ngx.exit(403) } return answer;",
			"some bytes"},
		{"PROXY protocol", "preread_by_lua_block { ngx.req.socket():peek(4) ngx.exit(403) } return answer;",
			"PROXY UNKNOWN\r\nsome bytes"},
	} {
		t.Run(test.name, func(t *testing.T) {
			listen := "listen {host}:9000;"
			if test.name == "PROXY protocol" {
				listen = "listen {host}:9000 proxy_protocol;"
			}
			s := start(t, "stream { preread_timeout 100ms; server { "+listen+" "+test.server+" } }")
			c := s.dial(9000)
			c.send(test.send)
			if test.name == "the client has finished" {
				c.closeWrite()
			}
			c.wantAll("")
		})
	}
}
