package stream

import (
	"sync/atomic"
	"time"

	"github.com/weirproxy/weir/internal/logs"
)

// buildWorkers makes what the modules keep for each worker. It happens on an ordinary goroutine, before any worker knows
// of it.
func (c *Config) buildWorkers(n int) error {
	c.workers = make([]workerScope, n)
	for _, u := range c.Upstreams {
		for id := range n {
			u.instances = append(u.instances, u.Group.Instance(id))
		}
	}
	for id := range c.workers {
		c.workers[id].scope = make([]any, generationSlots.Load())
		for _, m := range c.modules {
			if build := m.Generation.build; build != nil {
				if err := build(c, id); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// use makes c the worker's current generation and retires the one before.
func (w *Worker) use(c *Config) {
	old := w.config
	w.config = c
	for _, m := range c.modules {
		if start := m.Generation.start; start != nil {
			start(w, c)
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
		if retire := m.Generation.retire; retire != nil {
			retire(w, c)
		}
	}
	w.Release(c)
}

func (w *Worker) freeIfUnused(c *Config) {
	mine := &c.workers[w.ID]
	if !mine.retired || mine.holders > 0 {
		return
	}
	w.freeScope(c)
	if atomic.AddInt32(&c.freed, 1) == int32(len(c.workers)) {
		c.close()
	}
}

// freeScope frees what the modules have built for the worker, which may be nothing or a part.
func (w *Worker) freeScope(c *Config) {
	mine := &c.workers[w.ID]
	if mine.scope == nil {
		return
	}
	for _, m := range c.modules {
		if free := m.Generation.free; free != nil {
			free(w, c)
		}
	}
	mine.scope = nil
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
