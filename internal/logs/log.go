package logs

import (
	"fmt"
	"slices"
	"sync"
	"syscall"
	"time"
)

// Target is one error_log: where lines of Level and graver go. One of File and Syslog is set.
type Target struct {
	Level  Level
	File   *File
	Syslog *Syslog
}

// Tap sees a line of the error log, without its line feed and after it was cut, before it is written. It is called on
// the writing goroutine, by several at once, and may not keep line.
type Tap func(level Level, now time.Time, line []byte)

// Log is an error log of one configuration level: all its error_log lines together. It may be used from any goroutine.
// A nil *Log takes everything and writes nothing.
type Log struct {
	// Tap, if set, sees every line that this log writes (lua_capture_error_log). Set it before the first line.
	Tap Tap

	level   Level
	targets []Target // the most talkative first, so that a line stops at the first that does not want it
	files   *Files
}

// NewLog returns a log that writes to targets.
func (fs *Files) NewLog(targets ...Target) *Log {
	l := &Log{level: off, files: fs, targets: slices.Clone(targets)}
	slices.SortStableFunc(l.targets, func(a, b Target) int { return int(b.Level) - int(a.Level) })
	if len(l.targets) > 0 {
		l.level = l.targets[0].Level
	}
	return l
}

// Paths returns the paths of the log's files, the most talkative's first; that of stderr is empty.
func (l *Log) Paths() []string {
	var paths []string
	for _, t := range l.targets {
		if t.File != nil {
			paths = append(paths, t.File.path)
		}
	}
	return paths
}

// Level returns the most talkative level that any target takes.
func (l *Log) Level() Level {
	if l == nil {
		return off
	}
	return l.level
}

// Enabled tells whether a line of this level would be written: ask before building an expensive message.
func (l *Log) Enabled(level Level) bool { return l != nil && level <= l.level }

// Write writes one line with nginx's prefix; cid is the connection's number or 0. msg holds everything after the
// prefix, the context (`, client: …, server: …`) included, without a line feed. It is copied.
func (l *Log) Write(level Level, cid uint64, msg string) {
	if l.Enabled(level) {
		writeLine(l, level, cid, msg)
	}
}

// WriteBytes is Write for a message in a byte slice, which is copied.
func (l *Log) WriteBytes(level Level, cid uint64, msg []byte) {
	if l.Enabled(level) {
		writeLine(l, level, cid, msg)
	}
}

// Printf formats a message, if its level is enabled, and writes it.
func (l *Log) Printf(level Level, cid uint64, format string, args ...any) {
	if l.Enabled(level) {
		writeLine(l, level, cid, fmt.Sprintf(format, args...))
	}
}

var linePool = sync.Pool{New: func() any {
	line := make([]byte, 0, maxLine)
	return &line
}}

func writeLine[T string | []byte](l *Log, level Level, cid uint64, msg T) {
	now := time.Now()
	pooled := linePool.Get().(*[]byte)
	defer linePool.Put(pooled)

	line := appendPrefix((*pooled)[:0], now, level, cid)
	prefix := len(line)
	line = append(line, msg[:min(len(msg), maxLine-1-prefix)]...)
	if l.Tap != nil {
		l.Tap(level, now, line)
	}
	line = append(line, '\n')

	toStderr := l.deliver(level, now, line)
	if !toStderr && level <= Warn {
		l.files.echo(level, line[prefix:])
	}
}

// deliver hands line to every target that wants it and tells whether stderr was among them.
func (l *Log) deliver(level Level, now time.Time, line []byte) (toStderr bool) {
	for _, t := range l.targets {
		if t.Level < level {
			break
		}
		if t.Syslog != nil {
			t.Syslog.log(now, level, line[:len(line)-1])
			continue
		}
		t.File.queue.put(segment{kind: plain, lines: 1}, line, nil)
		toStderr = toStderr || t.File.path == ""
	}
	return toStderr
}

// echo repeats a grave line on the terminal while the process starts, as nginx does: `nginx: [emerg] …`.
func (fs *Files) echo(level Level, msg []byte) {
	prefix := fs.echoPrefix.Load()
	if prefix == nil {
		return
	}
	line := make([]byte, 0, len(*prefix)+len(msg)+16)
	line = append(line, *prefix...)
	line = append(line, '[')
	line = append(line, level.String()...)
	line = append(line, "] "...)
	line = append(line, msg...)
	_, _ = writeAll(syscall.Stderr, line)
}
