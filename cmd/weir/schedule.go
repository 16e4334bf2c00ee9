package main

import (
	"os"
	"sync"

	"golang.org/x/sys/unix"

	"github.com/weirproxy/weir/internal/logs"
	"github.com/weirproxy/weir/internal/stream"
)

// schedule sets the workers' priorities and CPUs: each worker is a thread. What the settings do not say is as it was when the
// process began, and its first thread still has it.
func (p *process) schedule(s *settings) {
	if s.affinity == nil && !s.priority.Given && !p.scheduled {
		return
	}
	p.scheduled = true
	complain := func(call string, err error) {
		if err != nil {
			p.log.Write(logs.Alert, 0, logs.ErrnoText(call+" failed", err))
		}
	}
	priority := int(s.priority.V)
	if !s.priority.Given {
		raw, err := unix.Getpriority(unix.PRIO_PROCESS, os.Getpid())
		complain("getpriority()", err)
		priority = 20 - raw
	}
	var usual unix.CPUSet
	complain("sched_getaffinity()", unix.SchedGetaffinity(os.Getpid(), &usual))
	workers := threads(p.runtime)
	p.privileges.run(func() { // to lower a nice value takes CAP_SYS_NICE
		for thread, worker := range workers {
			complain("setpriority()", unix.Setpriority(unix.PRIO_PROCESS, thread, priority))
			mask := s.affinity.of(worker, usual)
			complain("sched_setaffinity()", unix.SchedSetaffinity(thread, &mask))
		}
	})
}

// threads are the workers, by their threads' IDs.
func threads(r *stream.Runtime) map[int]int {
	var mu sync.Mutex
	all := map[int]int{}
	r.Each(func(w *stream.Worker) {
		mu.Lock()
		defer mu.Unlock()
		all[unix.Gettid()] = w.ID
	})
	return all
}
