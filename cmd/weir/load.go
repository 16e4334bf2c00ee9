package main

import (
	"sync/atomic"
	"time"

	"github.com/weirproxy/weir/internal/conf"
	"github.com/weirproxy/weir/internal/logs"
	"github.com/weirproxy/weir/internal/stream"
)

// generation is one configuration with what it has taken of the process.
type generation struct {
	settings *settings
	stream   *stream.Config
	logs     *logs.Generation
	log      *logs.Log
	tree     *conf.Tree
	holders  atomic.Int32 // the process, and the workers together
	deadline *time.Timer  // of its sessions, once it has been replaced; nil: they have none
}

// release is called by the process when another generation has taken over, and by the workers when the last session
// of this one has gone. The logs are given back after both.
func (g *generation) release() {
	if g.holders.Add(-1) > 0 {
		return
	}
	if g.deadline != nil {
		g.deadline.Stop() // or it would hold all that the generation has
	}
	go g.logs.Release()
}

// discard gives back what a generation has taken that was not put to use.
func (g *generation) discard() {
	if g.stream != nil {
		g.stream.Discard()
	}
	g.logs.Release()
}

// loading is a configuration while it is read.
type loading struct {
	paths paths
	logs  *logs.Generation
	log   *logs.Log // where warnings go
	// dropped tells that the process has given up its privileges already, and may name its user again.
	dropped bool
}

func (l *loading) warn(n *conf.Node, message string) {
	l.log.Write(logs.Warn, 0, n.Errorf("%s", message).Error())
}

// load reads and checks the configuration. Nothing is opened; on an error nothing is kept.
func (p *process) load(previous *stream.Config) (*generation, error) {
	g, err := p.read(previous)
	if err != nil {
		return nil, err
	}
	if err := g.check(); err != nil {
		g.discard()
		return nil, err
	}
	return g, nil
}

// read is load without what is checked when all has been read.
func (p *process) read(previous *stream.Config) (*generation, error) {
	l := &loading{paths: p.paths, logs: p.files.Generation(), log: p.log}
	if p.current != nil {
		l.dropped = p.current.settings.user != nil
	} else if p.ready.isDaemon() {
		l.log = nil // the command that started the daemon has told the warnings
	}
	g := &generation{settings: &settings{loading: l}, logs: l.logs}
	if err := g.parse(p, l, previous); err != nil {
		g.discard()
		return nil, err
	}
	return g, nil
}

func (g *generation) parse(p *process, l *loading, previous *stream.Config) error {
	env := &stream.Env{
		Modules: modules, Files: p.files, Logs: l.logs, Prefix: p.paths.prefix,
		FullPath: p.paths.full, ConfPath: p.paths.beside,
		Previous: previous, Warn: l.warn, CodeErrors: p.codeErrors(previous != nil),
	}
	root := conf.NewTable(mainDirectives, eventsDirectives, stream.Directives(env)).Root(conf.InMain, g.settings)
	if err := root.Walk(conf.ParseParam(p.paths.folder, p.options.directives).Nodes); err != nil {
		return err
	}
	tree, err := conf.ParseFile(p.paths.conf)
	if err != nil {
		return err
	}
	g.tree = tree
	if err := root.Walk(tree.Nodes); err != nil {
		return err
	}
	if env.Config == nil {
		if err := root.Walk(conf.ParseString("", "stream {}").Nodes); err != nil {
			return err
		}
	}
	g.stream = env.Config
	g.finish(p)
	return nil
}

// finish hands the settings to the stream subsystem.
func (g *generation) finish(p *process) {
	g.stream.WorkerProcesses = g.settings.workerCount()
	if e := g.settings.events; e != nil {
		g.stream.WorkerConnections = int(e.connections.Or(e.connections, defaultConnections).V)
		g.stream.MultiAccept = e.multiAccept.V
	}
	targets := g.settings.errorLog
	if !hasFile(targets) {
		targets = append(targets, logs.Target{Level: logs.Error, File: g.logs.File(p.defaultLog)})
	}
	g.log = p.files.NewLog(targets...)
	g.stream.SetLog(g.log)
}

// hasFile tells whether a log of the configuration ends in a file or stderr; if none does, the default log is added
// (ngx_log_open_default).
func hasFile(targets []logs.Target) bool {
	for _, t := range targets {
		if t.File != nil {
			return true
		}
	}
	return false
}

// codeErrors is what becomes of Lua code that does not compile: a reload must not replace what works by it, a start is
// as lenient as OpenResty's.
func (p *process) codeErrors(reload bool) stream.CodeErrors {
	switch {
	case p.options.signal != "":
		return stream.CodeIgnored
	case p.options.test || reload:
		return stream.CodeFails
	}
	return stream.CodeWarns
}
