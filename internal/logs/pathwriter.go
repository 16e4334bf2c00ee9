package logs

import (
	"fmt"
	"time"

	"golang.org/x/sys/unix"
)

// Cache is open_log_file_cache: which files of an access log with variables in its path stay open. The zero value
// opens and closes a file for every line, as nginx does without the directive.
type Cache struct {
	Max      int           // files; the least recently used one is closed for a new one
	Inactive time.Duration // a file not written for so long is closed
	Valid    time.Duration // how long a file is taken to be still at its path
	MinUses  int           // a file used less often within Inactive is not kept open
}

// A PathWriter is an access log with variables in its path. Files are opened and written by a goroutine of its own.
type PathWriter struct {
	files *Files
	queue queue

	// Touched only by write, of which one runs at a time.
	cache  fileCache
	failed map[string]time.Time // by path: when it was last reported
}

// PathWriter returns a writer with its own cache of open files.
func (g *Generation) PathWriter(c Cache) *PathWriter {
	w := &PathWriter{files: g.set, failed: map[string]time.Time{}}
	w.cache.init(c)
	w.queue.init(g.set, w.write)
	g.set.mu.Lock()
	defer g.set.mu.Unlock()
	g.paths = append(g.paths, w)
	return w
}

// Write appends one line, which ends with a line feed, to the file at path. Both are copied. A file that cannot be
// opened or written is reported in the error log once a minute.
func (w *PathWriter) Write(path, line []byte) {
	w.queue.put(segment{kind: record, lines: 1, access: true, path: len(path)}, path, line)
}

func (w *PathWriter) write(b batch) {
	for _, s := range b.segments {
		text := b.data[:s.n]
		b.data = b.data[s.n:]
		switch s.kind {
		case record:
			w.append(text[:s.path], text[s.path:])
		case forget:
			w.cache.clear()
		case barrier:
			close(s.done)
		}
	}
	if b.lostAccess > 0 {
		w.files.report(Warn, fmt.Sprintf("%d messages were lost, access log with variables in its path", b.lostAccess))
	}
}

func (w *PathWriter) append(path, line []byte) {
	now := time.Now()
	file, err := w.cache.get(path, now)
	if err != nil {
		w.report(Crit, string(path), err.Error(), now)
		return
	}
	if _, err := writeAll(file.fd, line); err != nil {
		w.report(Alert, file.path, ErrnoText("write() to "+quote(file.path)+" failed", err), now)
	}
	w.cache.put(file)
}

func (w *PathWriter) report(level Level, path, msg string, now time.Time) {
	if last, ok := w.failed[path]; ok && now.Sub(last) < reportEvery {
		return
	}
	if len(w.failed) >= 1024 {
		clear(w.failed)
	}
	w.failed[path] = now
	w.files.report(level, msg)
}

// sameFile tells whether path still leads to the open file.
func sameFile(fd int, path string) bool {
	var open, there unix.Stat_t
	return unix.Fstat(fd, &open) == nil && unix.Stat(path, &there) == nil &&
		open.Ino == there.Ino && open.Dev == there.Dev
}

func closeQuietly(fd int) { _ = unix.Close(fd) }
