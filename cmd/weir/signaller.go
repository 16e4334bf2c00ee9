package main

import (
	"fmt"
	"syscall"

	"github.com/weirproxy/weir/internal/logs"
)

// bySignalWord is what -s sends (ngx_config.h).
var bySignalWord = map[string]syscall.Signal{
	"stop": syscall.SIGTERM, "quit": syscall.SIGQUIT, "reopen": syscall.SIGUSR1, "reload": syscall.SIGHUP,
}

// sendSignal is -s: it tells the process that the pid file names.
func (p *process) sendSignal(word string) int {
	g, err := p.load(nil)
	if err != nil {
		return p.fail(err)
	}
	p.notice("signal process started")
	pid, err := readPid(p.pidPath(g.settings))
	if err != nil {
		p.log.Write(logs.Error, 0, err.Error())
		return 1
	}
	signal := bySignalWord[word]
	if err := syscall.Kill(pid, signal); err != nil {
		p.log.Write(logs.Alert, 0, logs.ErrnoText(fmt.Sprintf("kill(%d, %d) failed", pid, signal), err))
		return 1
	}
	return 0
}
