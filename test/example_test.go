package test

import (
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// eachServer runs a test on weir, and, as the examples are ordinary OpenResty configurations, on the OpenResty that
// OPENRESTY names, if it does.
func eachServer(t *testing.T, example string, test func(t *testing.T, s *server)) {
	for name, program := range programs() {
		t.Run(name, func(t *testing.T) { test(t, startExample(t, program, example, nil)) })
	}
}

// programs are the servers that an example is tested on, by name.
func programs() map[string]string {
	all := map[string]string{"weir": binary}
	if path := os.Getenv("OPENRESTY"); path != "" {
		all["openresty"] = path
	}
	return all
}

// startExample runs a program on a copy of one of the examples' configuration, which edit (nil: none) may change. Its
// addresses become the server's own.
func startExample(t *testing.T, program, example string, edit func(conf string) string) *server {
	t.Helper()
	w := copyExample(t, example, edit)
	if program != binary {
		w.program, w.globals = program, globals+" daemon off; master_process off;"
	}
	return w.start()
}

// copyExample puts an example into a folder of the test's.
func copyExample(t *testing.T, example string, edit func(conf string) string) *workspace {
	t.Helper()
	w := newWorkspace(t)
	if err := os.CopyFS(w.dir, os.DirFS(filepath.Join("..", "examples", example))); err != nil {
		t.Fatal(err)
	}
	conf := pidDirective.ReplaceAllString(w.read("nginx.conf"), "")
	conf = strings.ReplaceAll(conf, "127.0.0.1", "{host}")
	if edit != nil {
		conf = edit(conf)
	}
	w.write("nginx.conf", conf)
	return w
}

var pidDirective = regexp.MustCompile(`(?m)^pid .*;$`) // the harness gives one

// dialFrom connects from a certain address of this machine.
func (w *workspace) dialFrom(host string, port int) *client {
	w.t.Helper()
	d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(host)}, Timeout: deadline}
	conn, err := d.Dial("tcp", w.addr(port))
	if err != nil {
		w.t.Fatal(err)
	}
	return newClient(w.t, conn)
}
