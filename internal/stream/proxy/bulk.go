package proxy

import (
	"github.com/weirproxy/weir/internal/netio"
	"github.com/weirproxy/weir/internal/stream"
)

// bulkAfter is how many full reads in a row make a flow bulk: 256 KiB without a pause.
const bulkAfter = 4

// pipe is a pipe that splice moves bytes through without copying them.
type pipe struct {
	netio.Pipe
	held int // bytes in it
}

// pipes are a worker's empty pipes.
type pipes struct{ stream.FreeList[pipe] }

// keepPipes is how many idle pipes a worker keeps.
const keepPipes = 8

var pipeSlot = stream.NewWorkerSlot[pipes]()

// WorkerEnded implements stream.Ender.
func (p *pipes) WorkerEnded() {
	for p.Len() > 0 {
		p.Take().Close()
	}
}

func takePipe(w *stream.Worker) (*pipe, error) {
	idle := pipeSlot.Of(w)
	if idle.Len() > 0 {
		return idle.Take(), nil
	}
	p := new(pipe)
	return p, p.Open()
}

// put keeps the pipe for another flow, unless there is something in it, or there are enough.
func (p *pipe) put(w *stream.Worker) {
	idle := pipeSlot.Of(w)
	if p.held > 0 || idle.Len() == keepPipes {
		p.Close()
		return
	}
	idle.Put(p)
}

// bulk tells that the flow is to be spliced from now on.
func (f *flow) bulk() bool {
	return f.full >= bulkAfter && f.rate == 0 && !f.src.HasBefore() && !f.src.Shared() && !f.dst.Shared()
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
	if n == 0 {
		l.endSplice(f)
		if err != nil {
			l.sourceEnded(f, err)
		}
		return err == nil, nil
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
	f.pipe.put(l.s.Worker)
	f.pipe, f.full = nil, 0
}
