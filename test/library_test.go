package test

import (
	"fmt"
	"net"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// libraryFolder is where `make setup-test` and `make libraries` put Lua libraries.
const libraryFolder = "../examples/libraries/lib"

// eachLibraryServer is eachServer for one of examples/libraries. replacements are of the configuration's texts.
func eachLibraryServer(t *testing.T, example string, test func(t *testing.T, s *server), replacements ...string) {
	if missing, _ := filepath.Glob(libraryFolder + "/resty/*.lua"); missing == nil {
		t.Fatal("the libraries are missing; make setup-test")
	}
	for name, text := range map[string]string{"lib": libraryFolder, "lua": "../examples/libraries/lua"} {
		path, err := filepath.Abs(text)
		if err != nil {
			t.Fatal(err)
		}
		replacements = append(replacements, "$prefix/../"+name, path)
	}
	edit := strings.NewReplacer(replacements...).Replace
	for name, program := range programs() {
		t.Run(name, func(t *testing.T) {
			test(t, startExample(t, program, filepath.Join("libraries", example), edit))
		})
	}
}

// startTool runs a server of another make until the test ends, and waits until it listens.
func startTool(t *testing.T, name string, args func(port string) []string) (port string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port = fmt.Sprint(l.Addr().(*net.TCPAddr).Port)
	l.Close()
	cmd := exec.Command(name, args(port)...)
	var said strings.Builder
	cmd.Dir, cmd.Stdout, cmd.Stderr = t.TempDir(), &said, &said
	if err := cmd.Start(); err != nil {
		t.Fatalf("%v; make setup-test installs it", err)
	}
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
		if t.Failed() {
			t.Logf("%s:\n%s", name, tail(said.String(), 4000))
		}
	})
	eventually(t, name, func() bool {
		conn, err := net.Dial("tcp", "127.0.0.1:"+port)
		if err == nil {
			conn.Close()
		}
		return err == nil
	})
	return port
}

// ask sends a line and compares the lines that come back.
func (c *client) ask(line string, answers ...string) {
	c.t.Helper()
	c.send(line + "\n")
	for _, want := range answers {
		if got := c.line(); got != want {
			c.t.Fatalf("%s: %q, want %q", line, got, want)
		}
	}
}
