package stream

// Discard gives back what a generation has taken that was never applied, such as resolvers.
func (c *Config) Discard() { c.close() }

// Abandon undoes Hire, Listen and Build for a generation that is not going to be applied: what the workers have of it is
// freed, and workers and sockets that the current one does not need go. Descriptors that were added to a socket stay, as
// connections may wait on them by now. Discard c afterwards.
func (r *Runtime) Abandon(c *Config) {
	each(r.workers, func(w *Worker) {
		if w.ID < len(c.workers) {
			w.freeScope(c)
		}
	})
	r.dismiss()
	if r.config == nil {
		r.closeUnwanted(nil)
		return
	}
	wanted := r.config.wanted()
	r.closeUnwanted(wanted)
	r.refresh(r.config, wanted)
	each(r.workers, func(w *Worker) { w.watchAll(r.sockets, wanted) })
}
