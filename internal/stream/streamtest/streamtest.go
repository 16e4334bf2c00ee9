// Package streamtest reads and runs small configurations for the tests of stream modules.
//
//	s := streamtest.Start(t, `server { listen 127.0.0.1:%PORT%; return $remote_addr; }`, returns.Module)
//	got := s.Ask(0, "")
//
// The text is what stands in stream{}. In it %PORT%, %PORT1%, … are free ports, and %DIR% is a folder of the test's own.
package streamtest

import (
	"io"
	"maps"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/weirproxy/weir/internal/conf"
	"github.com/weirproxy/weir/internal/logs"
	"github.com/weirproxy/weir/internal/stream"
)

// deadline bounds whatever a test waits for.
const deadline = 10 * time.Second

// Server is a configuration that runs.
type Server struct {
	*Reader
	Config  *stream.Config
	Runtime *stream.Runtime
	t       testing.TB
}

// Reader reads configurations, one after the other, as a process does that is told to reload.
type Reader struct {
	Dir      string
	Files    *logs.Files
	Modules  []*stream.Module
	Warnings []string
	Workers  int // that serve what is read; 1 at first
	ports    map[string]string
	previous *stream.Config
}

// NewReader makes a Reader with a folder of its own.
func NewReader(t testing.TB, modules ...*stream.Module) *Reader {
	return &Reader{Dir: t.TempDir(), Files: logs.NewFiles(), Modules: modules, Workers: 1, ports: map[string]string{}}
}

// Read reads what stands in stream{}. The error names the position as "nginx.conf:LINE", without the folder.
func (r *Reader) Read(text string) (*stream.Config, error) {
	full := func(name string) string {
		if filepath.IsAbs(name) {
			return name
		}
		return filepath.Join(r.Dir, name)
	}
	env := &stream.Env{
		Modules: r.Modules, Files: r.Files, Logs: r.Files.Generation(), FullPath: full, ConfPath: full,
		Prefix: r.Dir + "/", Previous: r.previous,
		Warn: func(_ *conf.Node, message string) { r.Warnings = append(r.Warnings, message) },
	}
	tree := conf.ParseString(filepath.Join(r.Dir, "nginx.conf"), "stream {\n"+r.Expand(text)+"\n}\n")
	if err := conf.NewTable(stream.Directives(env)).Root(conf.InMain, env).Walk(tree.Nodes); err != nil {
		return nil, &readError{strings.ReplaceAll(err.Error(), r.Dir+"/", "")}
	}
	target, err := env.Logs.ErrorLog([]string{"error.log", "info"}, full)
	if err != nil {
		return nil, err
	}
	if err := env.Logs.Open(); err != nil {
		return nil, err
	}
	env.Config.SetLog(r.Files.NewLog(target))
	env.Config.WorkerProcesses = r.Workers
	env.Config.WorkerConnections = 1024
	return env.Config, nil
}

type readError struct{ text string }

func (e *readError) Error() string { return e.text }

var portName = regexp.MustCompile(`%PORT\d*%`)

// Expand puts the folder and ports in the place of %DIR% and %PORT%, %PORT1% and so on.
func (r *Reader) Expand(text string) string {
	text = strings.ReplaceAll(text, "%DIR%", r.Dir)
	return portName.ReplaceAllStringFunc(text, func(name string) string {
		for r.ports[name] == "" {
			if port := freePort(); !slices.Contains(slices.Collect(maps.Values(r.ports)), port) {
				r.ports[name] = port
			}
		}
		return r.ports[name]
	})
}

// freePort is one that nobody listens on, as far as one can know.
func freePort() string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	defer l.Close()
	return strconv.Itoa(l.Addr().(*net.TCPAddr).Port)
}

// Start reads a configuration and runs it on one worker until the test ends.
func Start(t testing.TB, text string, modules ...*stream.Module) *Server {
	t.Helper()
	return StartWorkers(t, 1, text, modules...)
}

// StartWorkers is Start with n workers.
func StartWorkers(t testing.TB, n int, text string, modules ...*stream.Module) *Server {
	t.Helper()
	s := &Server{Reader: NewReader(t, modules...), Runtime: stream.NewRuntime(), t: t}
	s.Workers = n
	t.Cleanup(s.Runtime.Stop)
	s.Load(text)
	return s
}

// Load makes another configuration the current one.
func (s *Server) Load(text string) {
	s.t.Helper()
	c, err := s.Read(text)
	if err == nil {
		err = s.Runtime.Hire(c)
	}
	if err == nil {
		err = s.Runtime.Listen(c)
	}
	if err == nil {
		err = s.Runtime.Build(c)
	}
	if err != nil {
		s.t.Fatal(err)
	}
	s.Runtime.Apply(c)
	s.Config, s.previous = c, c
}

// Dial connects to the nth address that is listened on. Reading and writing fail after the tests' deadline.
func (s *Server) Dial(n int) net.Conn {
	s.t.Helper()
	addr := s.Config.Listeners[n].Addr
	if addr.IsUnix() {
		return s.dial("unix", addr.Path)
	}
	return s.dial("tcp", addr.String())
}

// DialTCP is Dial to an address of the caller's choice.
func (s *Server) DialTCP(addr string) net.Conn {
	s.t.Helper()
	return s.dial("tcp", addr)
}

func (s *Server) dial(network, addr string) net.Conn {
	s.t.Helper()
	c, err := net.DialTimeout(network, addr, deadline)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { c.Close() })
	c.SetDeadline(time.Now().Add(deadline))
	return c
}

// Ask connects to the nth address, sends, and returns all that comes back until the server closes.
func (s *Server) Ask(n int, send string) string {
	s.t.Helper()
	c := s.Dial(n)
	defer c.Close()
	if send != "" {
		s.Send(c, send)
	}
	return s.ReadAll(c)
}

// AskOrReset is Ask for a server that may close the connection with bytes unread, which resets it.
func (s *Server) AskOrReset(n int, send string) string {
	s.t.Helper()
	c := s.Dial(n)
	defer c.Close()
	s.Send(c, send)
	got, _ := io.ReadAll(c)
	return string(got)
}

// Send sends text.
func (s *Server) Send(c net.Conn, text string) {
	s.t.Helper()
	if _, err := io.WriteString(c, text); err != nil {
		s.t.Fatal(err)
	}
}

// ReadAll returns all that comes until the server closes.
func (s *Server) ReadAll(c net.Conn) string {
	s.t.Helper()
	got, err := io.ReadAll(c)
	if err != nil {
		s.t.Fatal(err)
	}
	return string(got)
}

// File is what a file of the test's folder holds.
func (s *Server) File(name string) string {
	s.t.Helper()
	text, err := os.ReadFile(filepath.Join(s.Dir, name))
	if err != nil {
		s.t.Fatal(err)
	}
	return string(text)
}

// ErrorLog is what the error log holds.
func (s *Server) ErrorLog() string { return s.File("error.log") }

// Pause stops the worker until release is called, so that a client can do several things before it looks.
func (s *Server) Pause() (release func()) {
	held, resume := make(chan struct{}), make(chan struct{})
	s.Runtime.Workers()[0].Loop.Post(func() { close(held); <-resume })
	<-held
	return func() { close(resume) }
}

// Settle waits until the worker has done what it was told before.
func (s *Server) Settle() {
	done := make(chan struct{})
	s.Runtime.Workers()[0].Loop.Post(func() { close(done) })
	<-done
}
