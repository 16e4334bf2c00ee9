package stream

// Discard gives back what a generation has taken that was never applied, such as resolvers.
func (c *Config) Discard() { c.close() }

// Abandon undoes Listen and Build for a generation that is not going to be applied: it closes the sockets that the
// current one does not name, and frees the workers' states. Discard c afterwards.
func (r *Runtime) Abandon(c *Config) {
	used := map[string]bool{}
	if r.config != nil {
		for _, l := range r.config.Listeners {
			used[l.key()] = true
		}
		r.Each(func(w *Worker) { w.freeUnused(c) })
	}
	for key, sock := range r.sockets {
		if !used[key] {
			delete(r.sockets, key)
			sock.close()
		}
	}
}

// freeUnused frees what Build has made for the worker, which may be nothing or a part.
func (w *Worker) freeUnused(c *Config) {
	if len(c.workers) == 0 {
		return
	}
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
