package logs

import (
	"errors"
	"sync"
	"sync/atomic"
	"time"
)

// Files is the set of all sinks of the process.
type Files struct {
	queueSize  int
	async      atomic.Bool
	log        atomic.Pointer[Log]
	echoPrefix atomic.Pointer[string]

	mu     sync.Mutex
	owner  int // user id, -1 leaves files alone
	byPath map[string]*File
	gens   map[*Generation]struct{}
}

// NewFiles returns an empty set. Lines are written by their callers until Start.
func NewFiles() *Files {
	return &Files{
		queueSize: defaultQueue,
		owner:     -1,
		byPath:    map[string]*File{},
		gens:      map[*Generation]struct{}{},
	}
}

// setQueueSize sets how many bytes may wait for each sink that is taken from now on; the default is 1 MiB.
func (fs *Files) setQueueSize(bytes int) { fs.queueSize = bytes }

// SetLog sets where sinks report their own failures: the main error log.
func (fs *Files) SetLog(l *Log) { fs.log.Store(l) }

// SetEcho makes every log repeat lines of Warn and graver on stderr, as `prefix[emerg] message`, unless stderr is a
// target of that log. An empty prefix ends it. nginx does so while it starts, with "nginx: ".
func (fs *Files) SetEcho(prefix string) {
	if prefix == "" {
		fs.echoPrefix.Store(nil)
		return
	}
	fs.echoPrefix.Store(&prefix)
}

// Start lets writers go on at once from now on: a goroutine does the writing.
func (fs *Files) Start() { fs.async.Store(true) }

// Log is what SetLog was given last.
func (fs *Files) Log() *Log { return fs.log.Load() }

func (fs *Files) report(level Level, msg string) { fs.log.Load().Write(level, 0, msg) }

// SetOwner gives the regular files that are open, and those that will be opened, to a user (`user` directive), so that
// they can be reopened when the process has dropped its privileges. Call it before that.
func (fs *Files) SetOwner(uid int) error {
	fs.mu.Lock()
	fs.owner = uid
	fs.mu.Unlock()
	return errors.Join(fs.reopen()...)
}

// Reopen opens every file by its path again (USR1). What was written before goes to the old file, buffers included.
// A file that cannot be opened keeps its old descriptor; the error is logged and returned. It may wait for the disk,
// and is not to be called on a loop.
func (fs *Files) Reopen() error {
	errs := fs.reopen()
	for _, err := range errs {
		fs.report(Emerg, err.Error())
	}
	return errors.Join(errs...)
}

func (fs *Files) reopen() (errs []error) {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	for g := range fs.gens {
		g.flushWriters()
		for _, w := range g.paths {
			w.queue.put(segment{kind: forget}, nil, nil)
		}
	}
	for _, f := range fs.byPath {
		if !f.open {
			continue
		}
		if err := fs.openFile(f); err != nil {
			errs = append(errs, err)
		}
	}
	return errs
}

// openFile opens f, again if it is open, and has the lines queued from now on written there. fs.mu is held.
func (fs *Files) openFile(f *File) error {
	if f.path == "" {
		return nil
	}
	fd, err := openLog(f.path)
	if err != nil {
		return err
	}
	if fs.owner >= 0 {
		if err := own(fd, f.path, fs.owner); err != nil {
			closeQuietly(fd)
			return err
		}
	}
	f.open = true
	f.queue.put(segment{kind: descriptor, fd: fd}, nil, nil)
	return nil
}

// Flush waits until every line of every sink is written, buffered access logs included, at most for timeout. It
// returns false when time ran out. Call it before the process ends otherwise than by Close; not on a loop.
func (fs *Files) Flush(timeout time.Duration) bool {
	fs.mu.Lock()
	var barriers []<-chan struct{}
	for g := range fs.gens {
		g.flushWriters()
		for _, w := range g.paths {
			barriers = append(barriers, w.queue.barrier())
		}
		for _, s := range g.syslogs {
			barriers = append(barriers, s.queue.barrier())
		}
	}
	for _, f := range fs.byPath {
		barriers = append(barriers, f.queue.barrier())
	}
	fs.mu.Unlock()
	return await(barriers, timeout)
}

// Close is the end of the process: it flushes, and what is logged afterwards is written by its caller.
func (fs *Files) Close(timeout time.Duration) bool {
	flushed := fs.Flush(timeout)
	fs.async.Store(false)
	return flushed
}
