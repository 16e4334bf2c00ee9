// Package accesslog is log_format, access_log and open_log_file_cache: a line for every session when it ends
// (ngx_stream_log_module). Where lines go is internal/logs: no session waits for a disk.
package accesslog

import (
	"errors"
	"fmt"
	"strings"

	"github.com/weirproxy/weir/internal/conf"
	"github.com/weirproxy/weir/internal/logs"
	"github.com/weirproxy/weir/internal/stream"
)

// Module is the log module.
var Module = &stream.Module{
	Name:   "log",
	Config: slot.Decl(nil, merge),
	Directives: []conf.Directive{
		{Name: "log_format", In: conf.InStream, Args: conf.TwoMore, Set: slot.Set(addFormat)},
		{Name: "access_log", In: stream.InStreamServer, Args: conf.OneMore, Set: slot.Set(addLog)},
		{Name: "open_log_file_cache", In: stream.InStreamServer, Args: conf.Take1234, Set: slot.Set(setCache)},
	},
	Handlers: []stream.PhaseHandler{{Phase: stream.Log, Run: write, Active: hasLogs}},
}

var slot = stream.NewSlot[config]()

type config struct {
	formats []*format // in stream{}
	logs    []*accessLog
	off     bool
	files   *openFiles
}

// accessLog is one access_log. One of file, syslog and path is set.
type accessLog struct {
	format *format
	filter *stream.Template // if=; nil: every session
	file   *logs.Writer
	syslog *logs.Syslog
	path   *stream.Template // with variables
}

// openFiles is an open_log_file_cache, or its absence: what servers that inherit it share.
type openFiles struct {
	cache  logs.Cache
	writer *logs.PathWriter // nil until a log with variables in its path needs it
}

func merge(b *stream.Builder, outer, c *config) error {
	if c.files == nil {
		if outer.files == nil {
			outer.files = new(openFiles)
		}
		c.files = outer.files
	}
	if c.logs == nil && !c.off {
		c.logs, c.off = outer.logs, outer.off
	}
	for _, l := range c.logs {
		if l.path != nil && c.files.writer == nil {
			c.files.writer = b.Logs.PathWriter(c.files.cache)
		}
	}
	return nil
}

func hasLogs(s *stream.Server) bool {
	c := slot.Of(s)
	return !c.off && len(c.logs) > 0
}

func addLog(c *config, b *stream.Block, n *conf.Node) error {
	if n.Args[0] == "off" {
		if len(n.Args) > 1 {
			return n.InvalidParam(n.Args[1])
		}
		c.off = true
		return nil
	}
	l := new(accessLog)
	if err := l.open(b, n.Args[0]); err != nil {
		return err
	}
	if len(n.Args) < 2 {
		return errors.New("log format is not specified")
	}
	var err error
	if l.format, err = findFormat(slot.Stream(b.Builder).formats, n.Args[1]); err != nil {
		return err
	}
	buffering, err := l.parameters(b, n)
	if err != nil {
		return err
	}
	if err := l.buffer(b, n.Args[0], buffering); err != nil {
		return err
	}
	c.logs = append(c.logs, l)
	return nil
}

// open finds the sink that destination names, unless it is a file.
func (l *accessLog) open(b *stream.Block, destination string) (err error) {
	switch {
	case strings.HasPrefix(destination, "syslog:"):
		l.syslog, err = b.Logs.Syslog(destination)
	case strings.Contains(destination, "$"):
		l.path, err = b.Template(b.FullPath(destination))
	}
	return err
}

// buffer takes the file that destination names, which alone may have a buffer.
func (l *accessLog) buffer(b *stream.Block, destination string, buffering logs.Buffering) (err error) {
	switch {
	case l.path != nil && buffering.Size > 0:
		return errors.New("buffered logs cannot have variables in name")
	case l.syslog != nil && buffering.Size > 0:
		return errors.New("logs to syslog cannot be buffered")
	case l.path == nil && l.syslog == nil:
		l.file, err = b.Logs.Writer(b.FullPath(destination), buffering)
	}
	return err
}

func findFormat(formats []*format, name string) (*format, error) {
	for _, f := range formats {
		if strings.EqualFold(f.name, name) {
			return f, nil
		}
	}
	return nil, fmt.Errorf(`unknown log format "%s"`, name)
}
