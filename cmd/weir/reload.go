package main

import (
	"fmt"

	"github.com/weirproxy/weir/internal/logs"
)

// reload builds the next generation beside the current one and puts it in its place. Whatever fails is told in the
// log and changes nothing.
func (p *process) reload() {
	p.notice("reconfiguring")
	g, err := p.load(p.current.stream)
	if err != nil {
		p.fail(err)
		return
	}
	if err := p.prepare(g); err != nil {
		p.fail(err)
		p.runtime.Abandon(g.stream)
		g.discard()
		return
	}
	p.filterEnviron(g.settings.env)
	p.privileges.limit(g.stream.WorkerProcesses)
	tuneGo(g.settings)
	p.put(g)
	p.limit(g.settings)
	p.schedule(g.settings)
	p.ready.redirect(g)
	p.notice("configuration reloaded")
}

// prepare does all that may fail.
func (p *process) prepare(g *generation) error {
	if err := g.logs.Open(); err != nil {
		return err
	}
	p.warnUnchanged(g)
	p.warnConnections(g)
	if err := p.runtime.Hire(g.stream); err != nil {
		return err
	}
	if err := p.runtime.Build(g.stream); err != nil {
		return err
	}
	if err := p.listen(g); err != nil {
		return err
	}
	return p.writePid(g)
}

// warnUnchanged names what holds for the life of the process.
func (p *process) warnUnchanged(g *generation) {
	was, is := p.current.settings, g.settings
	ignored := func(name string) {
		p.log.Write(logs.Warn, 0, fmt.Sprintf(`"%s" could not be changed by a reload, ignored`, name))
	}
	if was.workingDirectory != is.workingDirectory {
		ignored("working_directory")
	}
	if was.daemon.V != is.daemon.V {
		ignored("daemon")
	}
	if !was.user.equal(is.user) {
		ignored("user")
	}
	if p.privileges != nil && g.stream.Transparent && p.privileges.transparent < g.stream.WorkerProcesses {
		p.log.Write(logs.Warn, 0, `"transparent" takes a privilege that is given up at the start: `+
			`workers have it that were there then, if "proxy_bind" had the parameter`)
	}
}
