package main

import "fmt"

// luaEchoWorkload sends lines of 64 bytes on n connections to a script that reads
// lines and sends them back.
func luaEchoWorkload(n int) workload {
	return workload{
		name:   fmt.Sprintf("echo%d", n),
		title:  fmt.Sprintf("echo by Lua, 64 B lines, %d connections", n),
		unit:   "µs",
		conf:   "echo",
		kinds:  luas,
		goal:   goal{ratio: 1},
		sample: samplePingPong(n),
	}
}
