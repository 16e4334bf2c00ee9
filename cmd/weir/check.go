package main

import "os"

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
