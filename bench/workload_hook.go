package main

import "net/netip"

// hookWorkload is what a preread_by_lua that peeks one byte and sets ngx.ctx
// adds to a new proxied connection: the same process has the same server with
// the hook and without, which are loaded in turns.
var hookWorkload = workload{
	name:    "hook",
	title:   "preread_by_lua hook: peek, ngx.ctx",
	unit:    "µs",
	conf:    "hook",
	kinds:   luas,
	goal:    goal{absolute: 2},
	backend: serveEcho,
	sample:  func(r *run) (sample, error) { return r.addedCost(r.connectCost) },
}

// connectCost measures new connections to addr for a fifth of a window.
func (r *run) connectCost(addr netip.AddrPort) (sample, error) {
	g := startDialers(r.loop, addr, 64)
	if err := r.warmUp(r.window/16, &g.ops); err != nil {
		return sample{}, err
	}
	s, err := r.cpuPerOpIn(r.window/5, &g.ops)
	if err != nil {
		return s, err
	}
	return s, g.drain()
}
