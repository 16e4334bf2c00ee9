package main

import (
	"strings"

	"github.com/weirproxy/weir/internal/conf"
	"golang.org/x/sys/unix"
)

const maxCPUs = 1024 // CPU_SETSIZE

// affinity is worker_cpu_affinity: masks for the workers one by one, the last for all that follow; or with auto, one
// CPU of the mask for each worker in turn.
type affinity struct {
	node  *conf.Node
	auto  bool
	masks []unix.CPUSet
}

func setAffinity(c *settings, n *conf.Node) error {
	if c.affinity != nil {
		return n.Duplicate()
	}
	a := &affinity{node: n}
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

// checkAffinity tells of masks that are as many as no workers are, as nginx does (ngx_core_module_init_conf).
func (s *settings) checkAffinity() {
	a := s.affinity
	if a == nil || a.auto || len(a.masks) == 1 || len(a.masks) == s.workerCount() {
		return
	}
	s.loading.warn(a.node, `the number of "worker_processes" is not equal to the number of "worker_cpu_affinity" masks, `+
		"using last mask for remaining worker processes")
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

// of is the mask for a worker, usual when nothing says otherwise.
func (a *affinity) of(worker int, usual unix.CPUSet) (mask unix.CPUSet) {
	if a == nil {
		return usual
	}
	if !a.auto {
		return a.masks[min(worker, len(a.masks)-1)]
	}
	count := a.masks[0].Count()
	if count == 0 {
		return usual
	}
	skip := worker % count
	for cpu := 0; ; cpu++ {
		if !a.masks[0].IsSet(cpu) {
			continue
		}
		if skip == 0 {
			mask.Set(cpu)
			return mask
		}
		skip--
	}
}
