package logs

import (
	"sync"
	"sync/atomic"
	"time"
)

// defaultQueue is how many bytes wait for one sink before lines are dropped.
const defaultQueue = 1 << 20

// keptBuffer is the largest buffer that a queue keeps between batches.
const keptBuffer = 128 << 10

// A segment is one thing to do for a sink, in order; its n bytes stand in the queue's data.
type segment struct {
	kind   kind
	n      int           // bytes
	lines  int           // of a log, which are counted when they are lost
	access bool          // the log is an access log, whose failures are reported
	level  int           // zipped: of compression
	path   int           // record: the length of the file's name
	fd     int           // descriptor
	done   chan struct{} // barrier: closed when everything before it is written
}

type kind uint8

const (
	plain      kind = iota // lines for a file
	zipped                 // lines to be compressed as one gzip member
	record                 // a line with the name of its file before it
	message                // one syslog datagram
	descriptor             // where to write from now on, -1 is nowhere
	forget                 // close what is open and open it anew when it is needed
	barrier
)

// joins tells whether next can be a part of s.
func (s *segment) joins(next segment) bool {
	return s.kind == plain && next.kind == plain && s.access == next.access
}

// A batch is what a sink is given to write at once. It may not be kept.
type batch struct {
	data       []byte
	segments   []segment
	lost       int // error log lines that did not fit into the queue, after those in data
	lostAccess int // the same of access logs
}

// A queue passes bytes to a sink without making the writer wait. There is at most one goroutine that drains it, and
// none while it is empty; so a sink's write method never runs twice at a time and needs no lock.
type queue struct {
	async *atomic.Bool // false: the writer drains, too
	limit int          // bytes
	write func(batch)
	drain func() // (*queue).run, made once so that starting it allocates nothing

	mu      sync.Mutex
	pending batch
	spare   batch
	running bool
}

func (q *queue) init(fs *Files, write func(batch)) {
	q.async, q.limit, q.write = &fs.async, fs.queueSize, write
	q.drain = q.run
}

// put queues a segment with the bytes of head and tail, which are copied.
func (q *queue) put(s segment, head, tail []byte) {
	s.n = len(head) + len(tail)

	q.mu.Lock()
	p := &q.pending
	if s.n > 0 && len(p.data) > 0 && len(p.data)+s.n > q.limit {
		p.countLost(s)
		q.mu.Unlock()
		return
	}
	p.data = append(append(p.data, head...), tail...)
	if last := len(p.segments) - 1; last >= 0 && p.segments[last].joins(s) {
		p.segments[last].n += s.n
	} else {
		p.segments = append(p.segments, s)
	}
	start := !q.running
	q.running = true
	q.mu.Unlock()

	if !start {
		return
	}
	if q.async.Load() {
		go q.drain()
		return
	}
	q.run()
}

func (b *batch) countLost(s segment) {
	if s.access {
		b.lostAccess += s.lines
	} else {
		b.lost += s.lines
	}
}

func (b *batch) empty() bool { return len(b.segments) == 0 && b.lost == 0 && b.lostAccess == 0 }

// reset keeps the buffers for the next batch, unless one burst has made them large.
func (b *batch) reset() {
	if cap(b.data) > keptBuffer {
		*b = batch{}
		return
	}
	clear(b.segments)
	*b = batch{data: b.data[:0], segments: b.segments[:0]}
}

// run writes until the queue is empty.
func (q *queue) run() {
	for {
		q.mu.Lock()
		if q.pending.empty() {
			q.running = false
			q.mu.Unlock()
			return
		}
		q.pending, q.spare = q.spare, q.pending
		q.mu.Unlock()

		// Only the one who runs touches spare.
		q.write(q.spare)
		q.spare.reset()
	}
}

// barrier returns a channel that is closed when everything queued so far is written.
func (q *queue) barrier() <-chan struct{} {
	done := make(chan struct{})
	q.put(segment{kind: barrier, done: done}, nil, nil)
	return done
}

// await waits for all of the channels, at most for timeout, and tells whether all were closed.
func await(barriers []<-chan struct{}, timeout time.Duration) bool {
	deadline := time.NewTimer(timeout)
	defer deadline.Stop()
	for _, done := range barriers {
		select {
		case <-done:
		case <-deadline.C:
			return false
		}
	}
	return true
}
