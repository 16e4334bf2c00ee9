package test

import "testing"

// TestLuaFile: the code of a file is that of the moment when the configuration was read; where its name holds variables, or
// no code is cached, that of the moment when it is needed.
func TestLuaFile(t *testing.T) {
	w := newWorkspace(t)
	content := func(text string) {
		for _, name := range []string{"fixed.lua", "9001.lua", "fresh.lua"} {
			w.write(name, "#!/usr/bin/lua\nngx.print("+`"`+text+`"`+")")
		}
	}
	const config = `
		events {}
		stream {
			server { listen {host}:9000; content_by_lua_file fixed.lua; }
			server { listen {host}:9001; content_by_lua_file $server_port.lua; }
			server { listen {host}:9002; content_by_lua_file fresh.lua; lua_code_cache off; }
		}`
	w.write("nginx.conf", config)
	content("one")
	if r := w.command("-t", "-p", w.dir, "-c", "nginx.conf", "-e", "error.log", "-g", "pid weir.pid;"); r.code != 0 {
		t.Fatalf("-t: %s", r.stderr)
	}
	s := w.start()
	s.allow("lua_code_cache is off")
	content("two")
	for range 2 {
		for port, want := range map[int]string{9000: "one", 9001: "two", 9002: "two"} {
			s.dial(port).wantAll(want)
		}
	}
	s.reload(config)
	s.dial(9000).wantAll("two")
	s.dial(9001).wantAll("two")
	content("three")
	s.dial(9000).wantAll("two")
	s.dial(9001).wantAll("two")
	s.dial(9002).wantAll("three")
}
