package proxy

import (
	"github.com/weirproxy/weir/internal/netio"
	"github.com/weirproxy/weir/internal/stream"
)

// bulkAfter is how many full reads in a row make a flow bulk: 256 KiB without a pause.
const bulkAfter = 4

// pipe is a pipe that splice moves bytes through without copying them. It is empty when it is in the pool.
type pipe struct {
	netio.Pipe
	held int // bytes in it
	next *pipe
}

// pipes are a worker's pipes for reuse.
type pipes struct {
	free *pipe
	n    int
}

// keepPipes is how many idle pipes a worker keeps.
const keepPipes = 8

var pipeSlot = stream.NewWorkerSlot[pipes]()

func (p *pipe) close() { p.Pipe.Close() }

func takePipe(w *stream.Worker) (*pipe, error) {
	pool := pipeSlot.Of(w)
	if p := pool.free; p != nil {
		pool.free, p.next = p.next, nil
		pool.n--
		return p, nil
	}
	p := new(pipe)
	return p, p.Open()
}

func putPipe(w *stream.Worker, p *pipe) {
	pool := pipeSlot.Of(w)
	if pool.n >= keepPipes {
		p.close()
		return
	}
	p.next, pool.free = pool.free, p
	pool.n++
}

// splice moves bytes through a pipe while there are many; when src runs dry the flow goes back to reading and
// writing, and holds no pipe.
func (l *link) splice(f *flow) error {
	w := l.s.Worker
	if f.pipe == nil {
		p, err := takePipe(w)
		if err != nil { // no descriptors left: reading and writing needs none
			f.full = 0
			return nil
		}
		f.pipe = p
	}
	for range rounds {
		if f.pipe.held == 0 {
			n, err := f.src.SpliceTo(&f.pipe.Pipe)
			if err == netio.ErrAgain {
				l.endSplice(f)
				return nil
			}
			if err != nil {
				l.sourceEnded(f, err)
				l.endSplice(f)
				return nil
			}
			f.pipe.held = n
			f.received += int64(n)
			l.note(f)
		}
		n, err := f.dst.SpliceFrom(&f.pipe.Pipe, f.pipe.held)
		if err == netio.ErrAgain {
			return nil
		}
		if err != nil {
			l.writeFailed(f, err)
			return err
		}
		f.pipe.held -= n
		f.sent += int64(n)
		if f.pipe.held > 0 && !f.dst.Writable() {
			return nil
		}
	}
	return nil
}

func (l *link) endSplice(f *flow) {
	putPipe(l.s.Worker, f.pipe)
	f.pipe, f.full = nil, 0
}
