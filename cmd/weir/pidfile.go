package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"strings"

	"github.com/weirproxy/weir/internal/conf"
	"github.com/weirproxy/weir/internal/logs"
)

// pidPath is what a configuration calls the pid file.
func (p *process) pidPath(s *settings) string {
	if !s.pid.Given {
		return p.paths.full(defaultPid)
	}
	return p.paths.full(s.pid.V)
}

// writePid makes sure that g's pid file, and no other, names this process.
func (p *process) writePid(g *generation) error {
	path := p.pidPath(g.settings)
	if was := p.pidFile.Load(); was != nil && *was == path {
		return nil
	}
	if err := createPid(path, g.settings.user); err != nil {
		return err
	}
	p.removePid()
	p.pidFile.Store(&path)
	return nil
}

func createPid(path string, owner *account) error {
	number := append(strconv.AppendInt(nil, int64(os.Getpid()), 10), '\n')
	if err := os.WriteFile(path, number, 0o644); err != nil {
		return failed("open", path, err)
	}
	if owner == nil || os.Geteuid() != 0 {
		return nil
	}
	return failed("chown", path, os.Chown(path, owner.uid, -1))
}

// tryPid tells whether a pid file can be written, and leaves what it says.
func tryPid(path string) error {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return failed("open", path, err)
	}
	return f.Close()
}

func (p *process) removePid() {
	if err := p.unlinkPid(); err != nil {
		p.log.Write(logs.Warn, 0, err.Error())
	}
}

// unlinkPid removes the pid file. Where the process's user may not do that, it leaves it empty, so that nobody takes
// another process for this one. Any goroutine may call it.
func (p *process) unlinkPid() error {
	path := p.pidFile.Swap(nil)
	if path == nil {
		return nil
	}
	err := os.Remove(*path)
	if errors.Is(err, fs.ErrPermission) {
		err = os.Truncate(*path, 0)
	}
	return failed("unlink", *path, err)
}

// readPid is the process that a pid file names. Errors have nginx's wording (ngx_signal_process).
func readPid(path string) (int, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return 0, failed("open", path, err)
	}
	digits := strings.TrimRight(string(text), "\r\n")
	pid, ok := conf.ParseInt(digits)
	if !ok || pid == 0 {
		return 0, fmt.Errorf(`invalid PID number "%s" in "%s"`, digits, path)
	}
	return int(pid), nil
}

// failed words an error of a system call on a file as nginx does; nil stays nil.
func failed(call, path string, err error) error {
	if err == nil {
		return nil
	}
	return errors.New(logs.ErrnoText(fmt.Sprintf(`%s() "%s" failed`, call, path), err))
}
