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
	sample: func(r *run) (sample, error) {
		if _, err := r.connectCost(r.server.at.Second); err != nil { // warms both up
			return sample{}, err
		}
		const turns = 4
		var sum sample
		for range turns {
			without, err := r.connectCost(r.front())
			if err != nil {
				return sum, err
			}
			with, err := r.connectCost(r.server.at.Second)
			if err != nil {
				return sum, err
			}
			sum.Figure += (with.Figure - without.Figure) / turns
			sum.Busy += with.Busy / turns
			sum.Foreign += with.Foreign / turns
			sum.Client += with.Client / turns
			sum.Ops += with.Ops
		}
		return sum, nil
	},
}

// connectCost measures new connections to addr for half a window.
func (r *run) connectCost(addr netip.AddrPort) (sample, error) {
	g := startDialers(r.loop, addr, 64)
	if err := r.warmUp(r.window/16, &g.ops); err != nil {
		return sample{}, err
	}
	s, err := r.cpuPerOpIn(r.window/2, &g.ops)
	if err != nil {
		return s, err
	}
	return s, g.drain()
}
