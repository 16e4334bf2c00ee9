package main

import (
	"errors"
	"os"
	"runtime"
	"runtime/debug"

	"github.com/weirproxy/weir/internal/logs"
	"golang.org/x/sys/unix"
)

// limits sets the process's resource limits: as many descriptors as the system allows, unless worker_rlimit_nofile
// says how many.
func limits(s *settings) error {
	if s.core.Given {
		if err := setLimit(unix.RLIMIT_CORE, "RLIMIT_CORE", uint64(s.core.V)); err != nil {
			return err
		}
	}
	descriptors, err := s.descriptors()
	if err != nil {
		return err
	}
	return setLimit(unix.RLIMIT_NOFILE, "RLIMIT_NOFILE", descriptors)
}

// descriptors is how many the process may have by the settings of a start.
func (s *settings) descriptors() (uint64, error) {
	if s.nofile.Given {
		return uint64(s.nofile.V), nil
	}
	var now unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &now); err != nil {
		return 0, os.NewSyscallError("getrlimit", err)
	}
	return now.Max, nil
}

// descriptors is the limit that holds: that of the start, which a reload does not change, or what s would make it (-t).
func (p *process) descriptors(s *settings) (uint64, error) {
	if p.current == nil {
		return s.descriptors()
	}
	var now unix.Rlimit
	err := unix.Getrlimit(unix.RLIMIT_NOFILE, &now)
	return now.Cur, os.NewSyscallError("getrlimit", err)
}

func setLimit(resource int, name string, value uint64) error {
	if err := unix.Setrlimit(resource, &unix.Rlimit{Cur: value, Max: value}); err != nil {
		return errors.New(string(logs.AppendErrno([]byte("setrlimit("+name+") failed"), err)))
	}
	return nil
}

// spareThreads is how many threads may run Go beside the workers, which seldom let go of theirs: the collector, the
// logs, whatever was taken off a loop.
const spareThreads = 2

// gcPercent lets the heap grow more between collections than Go's 100: there is little on it, and what sessions use is
// reused.
const gcPercent = 200

func tuneScheduler(s *settings) {
	threads := s.workerCount() + spareThreads
	if os.Getenv("GOMAXPROCS") == "" && threads > runtime.GOMAXPROCS(0) { // workers that leave may be busy, so never less
		runtime.GOMAXPROCS(threads)
	}
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
}
