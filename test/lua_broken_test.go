package test

import (
	"strings"
	"testing"
)

// Lua code that does not compile: a start tells of it and serves the rest, -t and a reload refuse it.
func TestLuaThatDoesNotCompile(t *testing.T) {
	const broken = `
		events {}
		stream {
			server { listen {host}:9000; return fine; }
			server { listen {host}:9001; content_by_lua_block { local = 3 } }
		}`
	s := start(t, broken)
	s.waitLog(`(?m)\[warn\] .*expected near '=' in \S+nginx\.conf:5$`)
	if got := s.exchange(9000, ""); got != "fine" {
		t.Errorf("the other server answers %q", got)
	}
	s.exchange(9001, "")
	s.waitLog(`\[error\].*failed to load inlined Lua code: content_by_lua\(nginx\.conf:5\)`)
	s.allow("expected near")

	good := strings.Replace(broken, "local = 3", `ngx.print("good")`, 1)
	s.reload(good)
	if got := s.exchange(9001, ""); got != "good" {
		t.Fatalf("after a good reload: %q", got)
	}
	s.write("nginx.conf", broken)
	s.signal(1)
	s.waitLog(`\[emerg\].*expected near '='.*nginx\.conf:5`)
	if got := s.exchange(9001, ""); got != "good" {
		t.Errorf("after a reload of broken code: %q", got)
	}
}
