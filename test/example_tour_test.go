package test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// What `make run` starts: the tour's configuration where it stands, with the other examples' Lua beside it.
func TestExampleTour(t *testing.T) {
	w := newWorkspace(t)
	if err := os.CopyFS(w.dir, os.DirFS(filepath.Join("..", "examples"))); err != nil {
		t.Fatal(err)
	}
	conf := pidDirective.ReplaceAllString(w.read("tour/nginx.conf"), "")
	conf = strings.ReplaceAll(conf, "$prefix/..", "$prefix")
	w.write("nginx.conf", strings.ReplaceAll(conf, "127.0.0.1", "{host}"))
	s := w.start()
	s.allow("7010") // where nobody listens

	echo := s.dial(7001)
	echo.send("hello\n")
	echo.want("hello\n")

	ann := enter(s, 7002, "ann")
	bob := enter(s, 7002, "bob", ann)
	ann.send("hello\n")
	bob.want("ann: hello\n")

	for range 2 {
		c := s.dialFrom(s.host, 7003)
		c.send("hello\n")
		c.want("hello\n")
	}
	s.waitLog("another peer")
	admin := s.dialFrom(s.host, 7003)
	admin.send("!hello\n")
	admin.want("peer admin\n!hello\n")
	for _, c := range []*client{echo, ann, bob, admin} {
		c.Close()
	}
	s.waitLog("summary: sessions=1")
}

// The three lines that `make run` prints name the ports that the tour listens on.
func TestTourText(t *testing.T) {
	text, err := os.ReadFile("../examples/tour/TRY")
	if err != nil {
		t.Fatal(err)
	}
	conf, err := os.ReadFile("../examples/tour/nginx.conf")
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	if len(lines) != 3 {
		t.Errorf("%d lines, want 3", len(lines))
	}
	for _, line := range lines {
		_, rest, _ := strings.Cut(line, "nc 127.0.0.1 ")
		port, _, _ := strings.Cut(rest, " ")
		if port == "" || !strings.Contains(string(conf), "listen 127.0.0.1:"+port+";") {
			t.Errorf("nobody listens on the port of %q", line)
		}
	}
}
