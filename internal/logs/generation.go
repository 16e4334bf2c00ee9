package logs

import (
	"errors"
	"fmt"
	"strings"
)

// A Generation is what one configuration uses of the process's sinks. It is built and released by one goroutine;
// the sinks it gives out may be used by all.
type Generation struct {
	set      *Files
	order    []*File
	files    map[string]*File
	writers  map[string]*Writer
	paths    []*PathWriter
	syslogs  []*Syslog
	released bool
}

// Generation begins a new generation.
func (fs *Files) Generation() *Generation {
	g := &Generation{set: fs, files: map[string]*File{}, writers: map[string]*Writer{}}
	fs.mu.Lock()
	fs.gens[g] = struct{}{}
	fs.mu.Unlock()
	return g
}

// File returns the file of an absolute path, or stderr for "". It is not opened before Open, and a configuration that
// turns out to be wrong opens nothing.
func (g *Generation) File(path string) *File {
	if f := g.files[path]; f != nil {
		return f
	}
	g.set.mu.Lock()
	defer g.set.mu.Unlock()
	f := g.set.byPath[path]
	if f == nil {
		f = newFile(g.set, path)
		g.set.byPath[path] = f
	}
	f.refs++
	g.files[path] = f
	g.order = append(g.order, f)
	return f
}

// ErrorLog reads the arguments of an error_log directive: a file, stderr, or syslog:…, and the level. full makes a
// file name absolute. Errors have nginx's wording (ngx_log_set_log); memory:… is refused.
func (g *Generation) ErrorLog(args []string, full func(string) string) (Target, error) {
	if len(args) == 0 {
		return Target{}, errors.New("invalid number of arguments in \"error_log\" directive")
	}
	level, err := parseLevels(args[1:])
	if err != nil {
		return Target{}, err
	}
	switch dest := args[0]; {
	case dest == "stderr":
		return Target{Level: level, File: g.File("")}, nil
	case strings.HasPrefix(dest, "memory:"):
		return Target{}, fmt.Errorf("%w: %s", errMemory, quote(dest))
	case strings.HasPrefix(dest, "syslog:"):
		s, err := g.Syslog(dest)
		return Target{Level: level, Syslog: s}, err
	default:
		return Target{Level: level, File: g.File(full(dest))}, nil
	}
}

// Open opens the generation's files in the order in which they were named. A file that another generation holds open
// is opened again by its path, as by Reopen. It stops at the first failure: `open() "…" failed (2: No such file or
// directory)`; then Release the generation.
func (g *Generation) Open() error {
	g.set.mu.Lock()
	defer g.set.mu.Unlock()
	for _, f := range g.order {
		if err := g.set.openFile(f); err != nil {
			return err
		}
	}
	return nil
}

// Release writes what is buffered and gives the sinks back; files that no other generation holds are closed when
// their queue is written. It does not wait for that, but may for a Reopen, so it is not to be called on a loop. Nothing
// of the generation may be used any more.
func (g *Generation) Release() {
	g.set.mu.Lock()
	defer g.set.mu.Unlock()
	if g.released {
		return
	}
	g.released = true
	delete(g.set.gens, g)
	g.flushWriters()
	for _, w := range g.paths {
		w.queue.put(segment{kind: forget}, nil, nil)
	}
	for _, s := range g.syslogs {
		s.queue.put(segment{kind: forget}, nil, nil)
	}
	for _, f := range g.order {
		if f.refs--; f.refs > 0 {
			continue
		}
		delete(g.set.byPath, f.path)
		f.queue.put(segment{kind: descriptor, fd: -1}, nil, nil)
	}
}

func (g *Generation) flushWriters() {
	for _, w := range g.writers {
		w.Flush()
	}
}
