package test

import (
	"syscall"
	"testing"
)

// TestSharedAcrossReload: a dictionary of the same name and size is the same in the next generation, one of another
// size is empty.
func TestSharedAcrossReload(t *testing.T) {
	config := func(name, size string) string {
		return `worker_processes 2;
		stream {
			lua_shared_dict kept 64k;
			lua_shared_dict grown ` + size + `;
			server { listen {host}:9000; content_by_lua_block {
				local kept, grown = ngx.shared.kept, ngx.shared.grown
				ngx.say("` + name + ` ", kept:incr("n", 1, 0), " ", grown:incr("n", 1, 0), " ", grown:capacity(), " ", ngx.shared.none)
			} }
		}`
	}
	s := start(t, config("old", "32k"))
	s.dial(9000).wantAll("old 1 1 32768 nil\n")
	s.dial(9000).wantAll("old 2 2 32768 nil\n")
	s.write("nginx.conf", config("new", "48k"))
	s.signal(syscall.SIGHUP)
	s.waitLog("configuration reloaded")
	s.dial(9000).wantAll("new 3 1 49152 nil\n")
}

// TestSharedExpires: the dictionaries' clock is the worker's.
func TestSharedExpires(t *testing.T) {
	s := start(t, `stream { lua_shared_dict d 64k; server { listen {host}:9000; content_by_lua_block {
		ngx.shared.d:set("k", 1, 0.02)
		ngx.say(ngx.shared.d:get("k"))
		ngx.sleep(0.03)
		ngx.say(ngx.shared.d:get("k"))
	} } }`)
	s.dial(9000).wantAll("1\nnil\n")
}
