package stream

// Discard gives back what a generation has taken that was never applied, such as resolvers.
func (c *Config) Discard() { c.close() }

// Abandon closes the sockets that Listen has opened for a generation which is not going to be applied: those that the
// current one does not name.
func (r *Runtime) Abandon() {
	used := map[string]bool{}
	if r.config != nil {
		for _, l := range r.config.Listeners {
			used[l.key()] = true
		}
	}
	for key, sock := range r.sockets {
		if !used[key] {
			delete(r.sockets, key)
			sock.close()
		}
	}
}
