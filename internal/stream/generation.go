package stream

import "sync/atomic"

// Build of a generation's worker states happens on an ordinary goroutine, before any worker knows of it.
func (c *Config) buildWorkers(n int) error {
	c.workers = make([]workerState, n)
	hooks := 0
	for _, m := range c.modules {
		if m.Worker != nil {
			m.Worker.slot = hooks
			hooks++
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
	mine.holders++
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
	for _, m := range c.modules {
		if m.Worker != nil && m.Worker.Free != nil {
			m.Worker.Free(w, mine.state[m.Worker.slot])
		}
	}
	mine.state = nil
	if atomic.AddInt32(&c.freed, 1) == int32(len(c.workers)) {
		c.close()
	}
}

// close calls what OnClose was given.
func (c *Config) close() {
	for _, fn := range c.closers {
		fn()
	}
}
