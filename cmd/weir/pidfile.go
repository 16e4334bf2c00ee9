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

func (p *process) pidPath(s *settings) string {
	if !s.pid.Given {
		return p.paths.full(defaultPid)
	}
	return p.paths.full(s.pid.V)
}

// createPid writes the process's number into the pid file.
func (p *process) createPid(g *generation) error {
	path := p.pidPath(g.settings)
	number := append(strconv.AppendInt(nil, int64(os.Getpid()), 10), '\n')
	if err := os.WriteFile(path, number, 0o644); err != nil {
		return failed("open", path, err)
	}
	if g.settings.user == nil || os.Geteuid() != 0 {
		return nil
	}
	return failed("chown", path, os.Chown(path, g.settings.user.uid, -1))
}

// removePid removes the pid file. Where the process's user may not do that, it leaves it empty, so that nobody takes
// another process for this one.
func (p *process) removePid(g *generation) {
	path := p.pidPath(g.settings)
	err := os.Remove(path)
	if errors.Is(err, fs.ErrPermission) {
		err = os.Truncate(path, 0)
	}
	if err != nil {
		p.log.Write(logs.Warn, 0, failed("unlink", path, err).Error())
	}
}

// movePid follows a pid directive that a reload has changed.
func (p *process) movePid(from, to *generation) error {
	if p.pidPath(from.settings) == p.pidPath(to.settings) {
		return nil
	}
	if err := p.createPid(to); err != nil {
		return err
	}
	p.removePid(from)
	return nil
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
	return errors.New(string(logs.AppendErrno(fmt.Appendf(nil, `%s() "%s" failed`, call, path), err)))
}
