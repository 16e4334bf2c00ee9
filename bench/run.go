package main

import (
	"errors"
	"net/netip"
	"time"
)

// run is one server under one workload: what a workload's sample function gets.
type run struct {
	loop   *loop
	server *server
	window time.Duration
}

// sample is one measured figure and what is known of the window it comes from.
type sample struct {
	Figure  float64 `json:"figure"`            // in the workload's unit
	Ops     int64   `json:"ops,omitempty"`     // operations in the window
	Busy    float64 `json:"busy,omitempty"`    // share of the server core the server used
	Foreign float64 `json:"foreign,omitempty"` // share of it that others used
	Client  float64 `json:"client,omitempty"`  // share of the client core the load used
}

// front is where the server listens.
func (r *run) front() netip.AddrPort { return r.server.at.Front }

// cpuPerOp runs the load, which must be going, for a short while to warm up and
// then for the window, and returns the server's CPU microseconds per operation;
// ops counts operations done since the start.
func (r *run) cpuPerOp(ops *int64) (sample, error) {
	if err := r.warmUp(r.window/4, ops); err != nil {
		return sample{}, err
	}
	return r.cpuPerOpIn(r.window, ops)
}

// warmUp runs the load until the first operation is done, a sign that the worker is
// there, and then for d.
func (r *run) warmUp(d time.Duration, ops *int64) error {
	before := *ops
	if err := r.loop.run(10*time.Second, func() bool { return *ops > before }); err != nil {
		return err
	}
	return r.loop.run(d, nil)
}

// cpuPerOpIn is cpuPerOp for a window of length d without warming up.
func (r *run) cpuPerOpIn(d time.Duration, ops *int64) (sample, error) {
	before, err := r.read()
	if err != nil {
		return sample{}, err
	}
	opsBefore := *ops
	if err := r.loop.run(d, nil); err != nil {
		return sample{}, err
	}
	after, err := r.read()
	if err != nil {
		return sample{}, err
	}
	n := *ops - opsBefore
	if n == 0 {
		return sample{}, errors.New("no operation was done in the whole window")
	}
	wall := after.at.Sub(before.at).Seconds()
	used := (after.server - before.server).Seconds()
	return sample{
		Figure:  used * 1e6 / float64(n),
		Ops:     n,
		Busy:    used / wall,
		Foreign: max(0, (after.core-before.core).Seconds()-used) / wall,
		Client:  (after.client - before.client).Seconds() / wall,
	}, nil
}

// reading is the clocks at one moment.
type reading struct {
	at                   time.Time
	server, client, core time.Duration
}

func (r *run) read() (reading, error) {
	server, err := cpuTime(r.server.processes())
	client := threadTime()
	return reading{at: time.Now(), server: server, client: client, core: busyTime(serverCore)}, err
}
