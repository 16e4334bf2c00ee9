package shdict

import "sync"

// Registry finds a dictionary again by its name and size: a new generation of the configuration goes on with what
// the old one has, and begins anew when the size has changed. The zero value is ready.
type Registry struct {
	mu    sync.Mutex
	dicts map[string]*Dict
}

// Acquire returns the dictionary of this name and size with one more reference, or opens it. The caller releases it
// with [Registry.Release].
func (r *Registry) Acquire(name string, size int) (*Dict, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if d := r.dicts[name]; d != nil && d.Capacity() == size {
		return d.Ref(), nil
	}
	d, err := Open(name, size)
	if err != nil {
		return nil, err
	}
	if r.dicts == nil {
		r.dicts = make(map[string]*Dict)
	}
	r.dicts[name] = d
	return d, nil
}

// Release gives back what Acquire gave, and forgets a dictionary with its last reference.
func (r *Registry) Release(d *Dict) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if d.refs.Load() == 1 && r.dicts[d.name] == d {
		delete(r.dicts, d.name)
	}
	d.Release()
}
