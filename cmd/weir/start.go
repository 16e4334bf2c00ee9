package main

import (
	"errors"
	"time"

	"github.com/weirproxy/weir/internal/logs"
	"github.com/weirproxy/weir/internal/stream"
	"golang.org/x/sys/unix"
)

// serve runs the server until a signal ends it and is the exit code.
func (p *process) serve() int {
	g, err := p.load(nil)
	if err != nil {
		return p.fail(err)
	}
	if g.settings.daemon.V && !p.ready.isDaemon() {
		return p.spawnDaemon()
	}
	p.catchSignals()
	if err := p.start(g); err != nil {
		p.abandonStart(g)
		if errors.Is(err, errEnding) {
			return p.endStart()
		}
		return p.fail(err)
	}
	p.files.SetEcho("")
	p.ready.done(p.current)
	return p.run()
}

// start puts the first generation to use.
func (p *process) start(g *generation) error {
	if err := g.logs.Open(); err != nil {
		return err
	}
	p.setLog(g.log)
	p.notice("weir/" + version + ", for configurations of nginx/" + stream.NginxVersion)
	tuneGo(g.settings)
	p.limit(g.settings)
	p.warnConnections(g)
	p.setZone(wantedEnviron(p.environ, g.settings.env)["TZ"])
	p.runtime = stream.NewRuntime()
	if err := p.runtime.Hire(g.stream); err != nil {
		return err
	}
	if err := p.listen(g); err != nil {
		return err
	}
	if err := p.runtime.Build(g.stream); err != nil {
		return err
	}
	if err := p.writePid(g); err != nil {
		return err
	}
	p.schedule(g.settings)
	if err := p.drop(g); err != nil {
		return err
	}
	p.files.Start()
	p.put(g)
	p.boot.Release()
	return nil
}

// abandonStart leaves nothing behind of a server that could not start.
func (p *process) abandonStart(g *generation) {
	p.removePid()
	if p.runtime != nil {
		p.runtime.Abandon(g.stream)
	}
}

// drop gives up what the server needs no more once its sockets and files are open.
func (p *process) drop(g *generation) error {
	if err := changeDirectory(g.settings); err != nil {
		return err
	}
	p.filterEnviron(g.settings.env)
	if g.settings.user == nil {
		return nil
	}
	if err := p.files.SetOwner(g.settings.user.uid); err != nil {
		return err
	}
	if err := p.runtime.GiveSockets(g.settings.user.uid); err != nil {
		return err
	}
	if g.settings.user.uid == 0 {
		return g.settings.user.become()
	}
	kept, err := keepPrivileges(p.runtime, g.stream.Transparent)
	if err != nil {
		return err
	}
	if err := g.settings.user.become(); err != nil {
		return err
	}
	p.privileges = kept
	return kept.reduce(p.runtime)
}

// put makes g the current generation.
func (p *process) put(g *generation) {
	old := p.current
	g.holders.Store(2)
	g.stream.OnClose(g.release)
	p.current = g
	p.setLog(g.log)
	p.runtime.Apply(g.stream)
	if old == nil {
		return
	}
	if timeout := old.settings.shutdown(); timeout > 0 {
		old.deadline = time.AfterFunc(timeout, func() { p.overdue <- old })
	}
	old.release()
}

// bindTries is how often an address in use is tried again, and bindPause how long to wait in between: a process that
// is being replaced may still be closing (ngx_open_listening_sockets).
const (
	bindTries = 5
	bindPause = 500 * time.Millisecond
)

// errEnding tells that a signal has come which ends the process; run, or endStart, carries it out.
var errEnding error = &toldError{errors.New("a signal ends the process")}

func (p *process) listen(g *generation) error {
	for range bindTries {
		var err error
		p.privileges.run(func() { err = p.runtime.Listen(g.stream) })
		if !errors.Is(err, unix.EADDRINUSE) {
			return err
		}
		p.log.Write(logs.Emerg, 0, err.Error())
		select {
		case <-p.ending.Done():
			return errEnding
		case <-time.After(bindPause):
		}
	}
	p.log.Write(logs.Emerg, 0, "still could not bind()")
	return &toldError{errors.New("still could not bind()")}
}

func (p *process) notice(message string) { p.log.Write(logs.Notice, 0, message) }

func changeDirectory(s *settings) error {
	if !s.workingDirectory.Given {
		return nil
	}
	path := s.loading.paths.full(s.workingDirectory.V)
	return failed("chdir", path, unix.Chdir(path))
}
