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

// WorkerEnded implements stream.Ender.
func (p *pipes) WorkerEnded() {
	for free := p.free; free != nil; free = free.next {
		free.close()
	}
}

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

// splice moves a pipe's worth of bytes. When src runs dry the flow goes back to reading and writing, and holds no
// pipe. more is false when there is nothing more to do now.
func (l *link) splice(f *flow) (more bool, err error) {
	if f.pipe == nil {
		if f.pipe, err = takePipe(l.s.Worker); err != nil { // no descriptors left: reading and writing needs none
			f.pipe, f.full = nil, 0
			return true, nil
		}
	}
	n, err := f.src.SpliceTo(&f.pipe.Pipe)
	if err != nil {
		if err != netio.ErrAgain {
			l.sourceEnded(f, err)
		}
		l.endSplice(f)
		return false, nil
	}
	f.pipe.held = n
	l.took(f, n)
	if err := l.drain(f); err != nil {
		return false, err
	}
	return f.pipe.held == 0, nil
}

// drain moves what is in the pipe to dst, as far as it takes it.
func (l *link) drain(f *flow) error {
	for f.pipe.held > 0 && f.dst.Writable() {
		n, err := f.dst.SpliceFrom(&f.pipe.Pipe, f.pipe.held)
		if err == netio.ErrAgain {
			return nil
		}
		if err != nil {
			l.writeFailed(f, err)
			return err
		}
		f.pipe.held -= n
		l.gave(f, n)
	}
	return nil
}

func (l *link) endSplice(f *flow) {
	putPipe(l.s.Worker, f.pipe)
	f.pipe, f.full = nil, 0
}
