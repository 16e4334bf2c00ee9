package main

// connectWorkload opens connections through the proxy, sends 64 bytes each way
// and closes from the client's side, 64 at a time.
var connectWorkload = workload{
	name:    "connect",
	title:   "new proxied connection",
	unit:    "µs",
	conf:    "proxy",
	kinds:   proxies,
	goal:    goal{ratio: 1},
	backend: serveEcho,
	sample: func(r *run) (sample, error) {
		g := startDialers(r.loop, r.front(), 64)
		s, err := r.cpuPerOp(&g.ops)
		if err != nil {
			return s, err
		}
		return s, g.drain()
	},
}
