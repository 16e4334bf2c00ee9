package main

import (
	"io"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"syscall"

	"github.com/weirproxy/weir/internal/logs"
	"golang.org/x/sys/unix"
)

// daemonVariable tells a process that it is the daemon, and the descriptor of the pipe on which it says that it is
// ready. Go can not fork, so the daemon is the same program started again.
const daemonVariable = "WEIR_DAEMON_READY"

// spawnDaemon starts the daemon and waits until it listens, or has told why it can not. It is the command's exit code.
func (p *process) spawnDaemon() int {
	if err := p.startDaemon(); err != nil {
		return p.fail(err)
	}
	return 0
}

func (p *process) startDaemon() error {
	program, err := os.Executable()
	if err != nil {
		return err
	}
	reader, writer, err := os.Pipe()
	if err != nil {
		return err
	}
	defer reader.Close()
	cmd := exec.Command(program, os.Args[1:]...)
	cmd.Args[0] = os.Args[0]
	cmd.Env = append(os.Environ(), daemonVariable+"=3")
	cmd.ExtraFiles = []*os.File{writer}
	cmd.Stderr = os.Stderr // until it is ready
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	err = cmd.Start()
	writer.Close()
	if err != nil {
		return err
	}
	if said, _ := io.ReadAll(reader); string(said) == "ready" {
		return cmd.Process.Release()
	}
	return &toldError{cmd.Wait()}
}

// readiness is the daemon's way to tell the command that started it; nil in the foreground.
type readiness struct{ pipe *os.File }

func inheritReadiness() *readiness {
	fd, err := strconv.Atoi(os.Getenv(daemonVariable))
	if err != nil {
		return nil
	}
	os.Unsetenv(daemonVariable)
	unix.CloseOnExec(fd)
	return &readiness{os.NewFile(uintptr(fd), "ready")}
}

func (r *readiness) isDaemon() bool { return r != nil }

// done lets the command that started the daemon return, and lets go of its terminal.
func (r *readiness) done(g *generation) {
	if r == nil {
		return
	}
	r.redirect(g)
	r.pipe.WriteString("ready")
	r.pipe.Close()
}

// redirect makes the error log's file the daemon's stderr, so that what Go or Lua write there is not lost, unless stderr is
// itself a log (ngx_log_redirect_stderr).
func (r *readiness) redirect(g *generation) {
	if r == nil {
		return
	}
	paths := g.log.Paths()
	if slices.Contains(paths, "") {
		return
	}
	path := paths[0]
	fd, err := unix.Open(path, unix.O_WRONLY|unix.O_APPEND|unix.O_CLOEXEC, 0)
	if err != nil {
		g.log.Write(logs.Warn, 0, failed("open", path, err).Error())
		return
	}
	defer unix.Close(fd)
	if err := unix.Dup2(fd, unix.Stderr); err != nil {
		g.log.Write(logs.Warn, 0, logs.ErrnoText("dup2() failed", err))
	}
}
