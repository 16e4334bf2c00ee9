package stream

import (
	"sync/atomic"
	"time"

	"github.com/weirproxy/weir/internal/logs"
)

// buildWorkers makes the workers' states. It happens on an ordinary goroutine, before any worker knows of it.
func (c *Config) buildWorkers(n int) error {
	c.workers = make([]workerState, n)
	hooks := 0
	for _, m := range c.modules {
		if m.Worker != nil {
			if m.Worker.slot != hooks { // workers read it while the next generation is built
				m.Worker.slot = hooks
			}
			hooks++
		}
	}
	for _, u := range c.Upstreams {
		for id := range n {
			u.instances = append(u.instances, u.Group.Instance(id))
		}
	}
	for id := range c.workers {
		c.workers[id].state = make([]any, hooks)
		for _, m := range c.modules {
			if m.Worker == nil {
				continue
			}
			state, err := m.Worker.Build(c, id)
			if err != nil {
				return err
			}
			c.workers[id].state[m.Worker.slot] = state
		}
	}
	return nil
}

// use makes c the worker's current generation and retires the one before.
func (w *Worker) use(c *Config) {
	old := w.config
	w.config = c
	for _, m := range c.modules {
		if m.Worker != nil && m.Worker.Start != nil {
			m.Worker.Start(w, c.workers[w.ID].state[m.Worker.slot])
		}
	}
	if old != nil {
		w.retire(old)
	}
}

// retire tells the modules that c is not the current generation any more; it is freed with its last session.
func (w *Worker) retire(c *Config) {
	mine := &c.workers[w.ID]
	if mine.retired {
		return
	}
	w.Hold(c)
	mine.retired = true
	for _, m := range c.modules {
		if m.Worker != nil && m.Worker.Retire != nil {
			m.Worker.Retire(w, mine.state[m.Worker.slot])
		}
	}
	w.Release(c)
}

func (w *Worker) freeIfUnused(c *Config) {
	mine := &c.workers[w.ID]
	if !mine.retired || mine.holders > 0 {
		return
	}
	w.freeStates(c)
	if atomic.AddInt32(&c.freed, 1) == int32(len(c.workers)) {
		c.close()
	}
}

// freeStates frees what Build has made for the worker, which may be nothing or a part.
func (w *Worker) freeStates(c *Config) {
	mine := &c.workers[w.ID]
	for _, m := range c.modules {
		if m.Worker == nil || m.Worker.Free == nil || mine.state == nil {
			continue
		}
		if state := mine.state[m.Worker.slot]; state != nil {
			m.Worker.Free(w, state)
		}
	}
	mine.state = nil
}

// close calls what OnClose was given.
func (c *Config) close() {
	for _, fn := range c.closers {
		fn()
	}
}

// startResolving looks the upstreams' names up again whenever their answers expire, until stopResolving.
func (c *Config) startResolving() {
	for _, u := range c.Upstreams {
		if !u.Group.NeedsResolver() {
			continue
		}
		stop := u.Group.Resolve(u.resolver.made, time.Duration(u.resolverTimeout)*time.Millisecond, func(message string) {
			c.Log.Write(logs.Error, 0, message)
		})
		c.resolving = append(c.resolving, stop)
	}
}

func (c *Config) stopResolving() {
	for _, stop := range c.resolving {
		stop()
	}
	c.resolving = nil
}
