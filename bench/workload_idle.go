package main

import "time"

const idleSessions = 5000

// idleWorkload opens sessions that exchange one message and then do nothing. The
// figure is what the server's own memory grew by, per session; sockets
// are the kernel's and not counted.
var idleWorkload = workload{
	name:    "idle",
	title:   "memory per idle proxied session",
	unit:    "KB",
	conf:    "proxy",
	kinds:   proxies,
	goal:    goal{ratio: 0.6},
	backend: serveEcho,
	sample: func(r *run) (sample, error) {
		if _, err := openPingers(r.loop, r.front(), 1); err != nil { // the worker is up
			return sample{}, err
		}
		before, err := memory(r.server.processes())
		if err != nil {
			return sample{}, err
		}
		if _, err := openPingers(r.loop, r.front(), idleSessions); err != nil {
			return sample{}, err
		}
		if err := r.loop.run(time.Second/2, nil); err != nil {
			return sample{}, err
		}
		after, err := memory(r.server.processes())
		return sample{Figure: float64(after-before) / 1024 / idleSessions, Ops: idleSessions}, err
	},
}
