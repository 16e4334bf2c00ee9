package main

import (
	"net/netip"
	"slices"
)

// addedCost is what the server at Second does more for an operation than that at Front: one process has both, and they
// are loaded in turns. cost measures one of them for a moment. As the difference is a small part of either, there are
// many short turns, whose median no disturbance moves.
func (r *run) addedCost(cost func(addr netip.AddrPort) (sample, error)) (sample, error) {
	if _, err := cost(r.server.at.Second); err != nil { // warms both up
		return sample{}, err
	}
	const turns = 15
	var sum sample
	var added []float64
	for range turns {
		without, err := cost(r.front())
		if err != nil {
			return sum, err
		}
		with, err := cost(r.server.at.Second)
		if err != nil {
			return sum, err
		}
		added = append(added, with.Figure-without.Figure)
		sum.Busy += with.Busy / turns
		sum.Foreign += with.Foreign / turns
		sum.Client += with.Client / turns
		sum.Ops += with.Ops
	}
	slices.Sort(added)
	sum.Figure = added[turns/2]
	return sum, nil
}
