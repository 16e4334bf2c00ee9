package main

import (
	"os"
	"runtime"
	"runtime/debug"
)

// spareThreads is how many threads may run Go beside the workers, which seldom let go of theirs: the collector, the
// logs, whatever was taken off a loop.
const spareThreads = 2

// gcPercent lets the heap grow more between collections than Go's 100: there is little on it, and what sessions use is
// reused.
const gcPercent = 200

// tuneGo suits Go's scheduler and collector to the workers.
func tuneGo(s *settings) {
	threads := s.workerCount() + spareThreads
	if os.Getenv("GOMAXPROCS") == "" && threads > runtime.GOMAXPROCS(0) { // workers that leave may be busy, so never less
		runtime.GOMAXPROCS(threads)
	}
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
}
