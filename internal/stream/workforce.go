package stream

import (
	"fmt"
	"slices"
	"sync"
)

// Workers come and go with worker_processes: Hire starts those that a configuration needs, and when Apply brings one that needs
// fewer, the last leave. A worker that leaves takes no more sessions; it ends when those that it has, and whatever else
// it does for the generations that it knows, are over.

// workforce is the process's workers.
type workforce struct {
	workers []*Worker  // in the order of their IDs; the process's goroutine's
	mu      sync.Mutex // guards leaving, and is held while calls to those are under way, so that none ends meanwhile
	leaving []*Worker
}

// Hire starts the workers that c needs and that are not there. They have nothing to do before Apply.
func (f *workforce) Hire(c *Config) error {
	for id := len(f.workers); id < c.WorkerProcesses; id++ {
		w, err := newWorker(id)
		if err != nil {
			return fmt.Errorf("worker %d: %w", id, err)
		}
		f.workers = append(f.workers, w)
		go w.run()
	}
	return nil
}

// dismiss ends the workers that no generation has been applied to.
func (f *workforce) dismiss() {
	f.workers = slices.DeleteFunc(f.workers, func(w *Worker) bool {
		if w.config != nil {
			return false
		}
		w.end()
		return true
	})
}

// letGo has all but the first n workers leave. wanted is what others go on to listen on, by the socket's key.
func (f *workforce) letGo(n int, wanted map[string]*Listener) {
	f.mu.Lock()
	defer f.mu.Unlock()
	leaving := slices.Clone(f.workers[n:])
	f.workers = f.workers[:n]
	f.leaving = append(f.leaving, leaving...)
	each(leaving, func(w *Worker) {
		w.emptyUnwanted(wanted)
		w.quit(func() { go f.endLeaving(w) })
	})
}

// endLeaving is called when a worker that leaves has nothing more to do.
func (f *workforce) endLeaving(w *Worker) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if i := slices.Index(f.leaving, w); i >= 0 { // else it has been ended with all others
		f.leaving = slices.Delete(f.leaving, i, i+1)
		w.end()
	}
}

// quit has all workers take no more sessions, and answers what waits until they have nothing more to do.
func (f *workforce) quit() *sync.WaitGroup {
	f.mu.Lock()
	defer f.mu.Unlock()
	all := f.all()
	idle := new(sync.WaitGroup)
	idle.Add(len(all))
	each(all, func(w *Worker) { w.quit(idle.Done) })
	return idle
}

// endAll ends all workers at once, after last has run on each.
func (f *workforce) endAll(last func(*Worker)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	all := f.all()
	each(all, last)
	f.workers, f.leaving = nil, nil
	for _, w := range all {
		w.end()
	}
}

func (f *workforce) all() []*Worker { return slices.Concat(f.workers, f.leaving) }

// Each runs fn on every worker's loop, and so on its thread, and waits for all of them. Those that leave are among them.
func (f *workforce) Each(fn func(*Worker)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	each(f.all(), fn)
}

// each runs fn on the loops of some workers, and waits for all of them.
func each(workers []*Worker, fn func(*Worker)) {
	var done sync.WaitGroup
	for _, w := range workers {
		done.Add(1)
		w.Loop.Post(func() {
			defer done.Done()
			fn(w)
		})
	}
	done.Wait()
}
