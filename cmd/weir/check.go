package main

import (
	"errors"
	"fmt"
	"os"

	"github.com/weirproxy/weir/internal/logs"
)

// test is -t and -T. It binds nothing and runs no Lua.
func (p *process) test() int {
	g, err := p.read(nil)
	if err == nil {
		if !p.options.quiet {
			complain("the configuration file " + p.paths.conf + " syntax is ok")
		}
		err = p.try(g)
	}
	if err != nil {
		p.fail(err)
		complain("configuration file " + p.paths.conf + " test failed")
		return 1
	}
	if !p.options.quiet {
		complain("configuration file " + p.paths.conf + " test is successful")
	}
	if p.options.dump {
		if err := g.tree.Dump(os.Stdout); err != nil {
			return p.fail(err)
		}
	}
	return 0
}

// try checks what was read, and opens the files that the server would. As with nginx, those that were not there are
// left behind, empty (ngx_init_cycle).
func (p *process) try(g *generation) error {
	if err := g.check(); err != nil {
		return err
	}
	if err := tryPid(p.pidPath(g.settings)); err != nil {
		return err
	}
	if err := g.logs.Open(); err != nil {
		return err
	}
	p.warnConnections(g)
	return nil
}

// check is what nginx asks of events{} when all has been read (ngx_event_init_conf).
func (g *generation) check() error {
	if g.settings.events == nil {
		return errors.New(`no "events" section in configuration`)
	}
	g.settings.checkAffinity()
	connections, sockets := g.stream.WorkerConnections, len(g.stream.Listeners)
	if connections <= sockets {
		return fmt.Errorf("%d worker_connections are not enough for %d listening sockets", connections, sockets)
	}
	return nil
}

// warnConnections tells of more connections than there can be descriptors, as nginx does (ngx_event_module_init); here
// all workers share them.
func (p *process) warnConnections(g *generation) {
	limit, err := g.settings.descriptors()
	if err != nil {
		return
	}
	if all := uint64(g.stream.WorkerConnections) * uint64(g.settings.workerCount()); all > limit {
		p.log.Write(logs.Warn, 0, fmt.Sprintf("%d worker_connections exceed open file resource limit: %d", all, limit))
	}
}
