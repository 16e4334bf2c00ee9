package main

import (
	"strings"

	"github.com/weirproxy/weir/internal/conf"
	"github.com/weirproxy/weir/internal/logs"
	"github.com/weirproxy/weir/internal/stream"
	"golang.org/x/sys/unix"
)

const maxCPUs = 1024 // CPU_SETSIZE

// affinity is worker_cpu_affinity: masks for the workers one by one, the last for all that follow; or with auto, one
// CPU of the mask for each worker in turn.
type affinity struct {
	auto  bool
	masks []unix.CPUSet
}

func setAffinity(c *settings, n *conf.Node) error {
	if c.affinity != nil {
		return n.Duplicate()
	}
	a := &affinity{}
	words := n.Args
	if words[0] == "auto" {
		if len(words) > 2 {
			return n.Errorf(`invalid number of arguments in "worker_cpu_affinity" directive`)
		}
		a.auto = true
		words = words[1:]
	}
	for _, word := range words {
		mask, err := parseMask(n, word)
		if err != nil {
			return err
		}
		a.masks = append(a.masks, mask)
	}
	if len(a.masks) == 0 {
		var all unix.CPUSet
		if err := unix.SchedGetaffinity(0, &all); err != nil {
			return err
		}
		a.masks = append(a.masks, all)
	}
	c.affinity = a
	return nil
}

func parseMask(n *conf.Node, word string) (mask unix.CPUSet, err error) {
	if len(word) > maxCPUs {
		return mask, n.Directivef("supports up to %d CPUs only", maxCPUs)
	}
	bits := strings.ReplaceAll(word, " ", "")
	for i := range len(bits) {
		switch bits[len(bits)-1-i] {
		case '0':
		case '1':
			mask.Set(i)
		default:
			return mask, n.Errorf(`invalid character "%c" in "worker_cpu_affinity"`, bits[len(bits)-1-i])
		}
	}
	return mask, nil
}

// of is the mask for a worker; ok is false when there is none.
func (a *affinity) of(worker int) (mask unix.CPUSet, ok bool) {
	if !a.auto {
		return a.masks[min(worker, len(a.masks)-1)], true
	}
	count := a.masks[0].Count()
	if count == 0 {
		return mask, false
	}
	skip := worker % count
	for cpu := 0; ; cpu++ {
		if !a.masks[0].IsSet(cpu) {
			continue
		}
		if skip == 0 {
			mask.Set(cpu)
			return mask, true
		}
		skip--
	}
}

// schedule sets the workers' priority and CPUs. Each worker is a thread, so it is done on its loop.
func (s *settings) schedule(log *logs.Log, r *stream.Runtime) {
	if s.affinity == nil && !s.priority.Given {
		return
	}
	r.Each(func(w *stream.Worker) {
		if s.priority.Given {
			if err := unix.Setpriority(unix.PRIO_PROCESS, 0, int(s.priority.V)); err != nil {
				log.WriteBytes(logs.Alert, 0, logs.AppendErrno([]byte("setpriority() failed"), err))
			}
		}
		if s.affinity == nil {
			return
		}
		if mask, ok := s.affinity.of(w.ID); ok {
			if err := unix.SchedSetaffinity(0, &mask); err != nil {
				log.WriteBytes(logs.Alert, 0, logs.AppendErrno([]byte("sched_setaffinity() failed"), err))
			}
		}
	})
}
