package main

// bulkWorkload moves data from the backend to the client on four connections.
var bulkWorkload = workload{
	name:    "bulk",
	title:   "bulk, 4 connections",
	unit:    "CPU-s/GB",
	conf:    "proxy",
	kinds:   []string{kindWeir, kindNginx, kindHAProxy, kindSplice},
	goal:    goal{ratio: 0.5},
	backend: serveSource,
	sample: func(r *run) (sample, error) {
		g, err := openSinks(r.loop, r.front(), 4)
		if err != nil {
			return sample{}, err
		}
		s, err := r.cpuPerOp(&g.bytes)
		s.Figure *= 1e3 // µs per byte to s per 10⁹ bytes
		return s, err
	},
}
