package logs

import (
	"fmt"
	"sync"
	"time"
)

// Buffering is how an access log is written: `buffer=size`, `flush=time` and `gzip[=level]` of access_log. The zero
// value writes every line at once.
type Buffering struct {
	Size  int           // bytes; 0 is none, and then the others are 0, too
	Flush time.Duration // how long a line may wait in the buffer; 0 is until it is full
	Gzip  int           // 1 to 9; 0 is plain text. Every flush is one gzip member.
}

// A Writer is an access log at a fixed path. It may be used from any goroutine.
type Writer struct {
	file *File
	opts Buffering

	mu    sync.Mutex
	buf   []byte
	lines int         // in buf
	timer *time.Timer // set while the buffer holds something and Flush is not 0
}

// Writer returns the access log at an absolute path. As in nginx, all that name one path share its buffer: a zero b
// takes what the path has, the first other one decides, and one that differs is refused with nginx's text.
func (g *Generation) Writer(path string, b Buffering) (*Writer, error) {
	w := g.writers[path]
	switch {
	case w == nil:
		w = &Writer{file: g.File(path), opts: b}
		g.set.mu.Lock() // Flush and Reopen walk the map
		g.writers[path] = w
		g.set.mu.Unlock()
	case b == Buffering{} || b == w.opts:
	case w.opts == Buffering{}:
		w.mu.Lock()
		w.opts = b
		w.mu.Unlock()
	default:
		return nil, fmt.Errorf("access_log %s already defined with conflicting parameters", quote(path))
	}
	return w, nil
}

// Write appends one line, which ends with a line feed. The line is copied.
func (w *Writer) Write(line []byte) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.buf)+len(line) > w.opts.Size {
		w.flush()
	}
	if len(line) > w.opts.Size {
		w.pass(line, 1)
		return
	}
	if w.buf == nil {
		w.buf = make([]byte, 0, w.opts.Size)
	}
	if len(w.buf) == 0 && w.opts.Flush > 0 {
		w.arm()
	}
	w.buf = append(w.buf, line...)
	w.lines++
}

// Flush hands the buffered lines to the file's queue.
func (w *Writer) Flush() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.flush()
}

func (w *Writer) arm() {
	if w.timer == nil {
		w.timer = time.AfterFunc(w.opts.Flush, w.Flush)
		return
	}
	w.timer.Reset(w.opts.Flush)
}

// flush is called with w.mu held. A timer that fires too late finds an empty buffer, or flushes the next one early.
func (w *Writer) flush() {
	if len(w.buf) == 0 {
		return
	}
	if w.timer != nil {
		w.timer.Stop()
	}
	w.pass(w.buf, w.lines)
	w.buf, w.lines = w.buf[:0], 0
}

func (w *Writer) pass(text []byte, lines int) {
	s := segment{kind: plain, lines: lines, access: true}
	if w.opts.Gzip > 0 {
		s.kind, s.level = zipped, w.opts.Gzip
	}
	w.file.queue.put(s, text, nil)
}
