package main

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"
)

// server is a target that runs.
type server struct {
	target target
	at     endpoints
	dir    string
	cmd    *exec.Cmd
}

// startServer starts t on the server core with w's configuration and waits until it
// listens. The caller stops it.
func startServer(t target, w workload) (*server, error) {
	dir, err := os.MkdirTemp("", "weir-bench-")
	if err != nil {
		return nil, err
	}
	s := &server{target: t, at: newEndpoints(), dir: dir}
	if err := s.start(w); err != nil {
		s.stop()
		return nil, err
	}
	return s, nil
}

func (s *server) start(w workload) error {
	args, err := writeConfig(s.dir, w, s.target, s.at)
	if err != nil {
		return err
	}
	stderr, err := os.Create(filepath.Join(s.dir, "stderr"))
	if err != nil {
		return err
	}
	defer stderr.Close()
	cmd := exec.Command(s.target.binary, args...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = s.dir, stderr, stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM}
	if err := startOnServerCore(cmd); err != nil {
		return fmt.Errorf("start %s: %w", s.target.kind, err)
	}
	s.cmd = cmd
	return s.awaitListening()
}

func (s *server) awaitListening() error {
	for end := time.Now().Add(5 * time.Second); time.Now().Before(end); {
		c, err := net.DialTimeout("tcp", s.at.Front.String(), time.Second)
		if err == nil {
			return c.Close()
		}
		time.Sleep(10 * time.Millisecond)
	}
	return fmt.Errorf("%s does not listen; it said:\n%s", s.target.kind, s.said())
}

// processes returns the server's processes as they are now: nginx listens before
// it has forked its worker.
func (s *server) processes() []int { return processTree(s.cmd.Process.Pid) }

// said returns the end of what the server wrote to stderr and its error log.
func (s *server) said() string {
	var all []byte
	for _, name := range []string{"stderr", "error.log"} {
		b, _ := os.ReadFile(filepath.Join(s.dir, name))
		all = append(all, b[max(0, len(b)-2000):]...)
	}
	return string(all)
}

// stop ends the server fast and removes its directory.
func (s *server) stop() {
	defer os.RemoveAll(s.dir)
	if s.cmd == nil {
		return
	}
	s.cmd.Process.Signal(syscall.SIGTERM)
	kill := time.AfterFunc(3*time.Second, func() { s.cmd.Process.Kill() })
	s.cmd.Wait()
	kill.Stop()
}
