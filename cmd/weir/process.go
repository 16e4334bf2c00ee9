package main

import (
	"context"
	"errors"
	"os"
	"sync/atomic"
	"time"

	"github.com/weirproxy/weir/internal/logs"
	"github.com/weirproxy/weir/internal/stream"
)

// flushTimeout bounds how long the end of the process waits for its logs to be written.
const flushTimeout = 2 * time.Second

// process is what there is once in it, whatever the configuration.
type process struct {
	options    *options
	paths      paths
	defaultLog string // path of the log given by -e; "" is stderr
	files      *logs.Files
	// log is the current generation's error log; before there is one, the default log.
	log     *logs.Log
	environ []string // as it was at the start
	ready   *readiness
	pidFile atomic.Pointer[string] // as written; nil before
	signals chan os.Signal         // caught, to be carried out
	ending  context.Context        // done when a signal has come that ends the process
	boot    *logs.Generation       // holds the default log open until the configuration's are

	runtime    *stream.Runtime
	current    *generation
	privileges *privileges // nil until the process has become another user
	scheduled  bool        // the workers' priorities and CPUs have been set
	// overdue are replaced generations whose sessions have had their time.
	overdue chan *generation
}

// newProcess opens the default error log, which takes what happens until the configuration's own is open.
func newProcess(o *options) (*process, error) {
	paths, err := newPaths(o)
	if err != nil {
		return nil, err
	}
	p := &process{options: o, paths: paths, files: logs.NewFiles(), ready: inheritReadiness(),
		overdue: make(chan *generation)}
	p.environ = os.Environ()
	if o.errorLog != "" {
		p.defaultLog = paths.full(o.errorLog)
	}
	p.files.SetEcho("weir: ")
	p.boot = p.files.Generation()
	target := logs.Target{Level: logs.Notice, File: p.boot.File(p.defaultLog)}
	if err := p.boot.Open(); err != nil {
		complain("[alert] could not open error log file: " + err.Error())
		target.File = p.boot.File("")
	}
	p.setLog(p.files.NewLog(target))
	return p, nil
}

func (p *process) setLog(l *logs.Log) {
	p.log = l
	p.files.SetLog(l)
}

// fail tells why the process can not go on, and is its exit code.
func (p *process) fail(err error) int {
	var told *toldError
	if !errors.As(err, &told) {
		p.log.Write(logs.Emerg, 0, err.Error())
	}
	return 1
}

// toldError is one that stands in the log already.
type toldError struct{ error }
