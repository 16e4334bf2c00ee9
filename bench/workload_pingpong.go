package main

import "fmt"

// pingPongWorkload sends 64 bytes back and forth on n connections through the proxy.
func pingPongWorkload(n int, ratio float64) workload {
	return workload{
		name:    fmt.Sprintf("pingpong%d", n),
		title:   fmt.Sprintf("ping-pong 64 B, %d connections", n),
		unit:    "µs",
		conf:    "proxy",
		kinds:   proxies,
		goal:    goal{ratio: ratio},
		backend: serveEcho,
		sample:  samplePingPong(n),
	}
}

// samplePingPong keeps n connections busy with messages.
func samplePingPong(n int) func(*run) (sample, error) {
	return func(r *run) (sample, error) {
		g, err := openPingers(r.loop, r.front(), n)
		if err != nil {
			return sample{}, err
		}
		g.start()
		s, err := r.cpuPerOp(&g.ops)
		if err != nil {
			return s, err
		}
		return s, g.drain()
	}
}
