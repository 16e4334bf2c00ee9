package upstream

import (
	"fmt"
	"sync"
)

// Group is an upstream block of one configuration generation.
type Group struct {
	conf   GroupConf
	shared *Instance // set when the group has a zone

	mu        sync.Mutex
	instances []*Instance // by worker, when it has none
}

// NewGroup makes the group. Its errors are nginx's, without the place in the configuration: no servers (or only backup
// ones), names resolved at run time without a zone.
func NewGroup(conf GroupConf) (*Group, error) {
	if err := check(&conf); err != nil {
		return nil, err
	}
	g := &Group{conf: conf}
	if conf.Zone != "" {
		g.shared = newInstance(g, &sync.Mutex{})
	}
	return g, nil
}

func check(conf *GroupConf) error {
	primary := 0
	for i := range conf.Servers {
		s := &conf.Servers[i]
		if s.Resolve && conf.Zone == "" {
			return fmt.Errorf("resolving names at run time requires upstream \"%s\" to be in shared memory", conf.Name)
		}
		if !s.Backup && (s.Resolve || len(s.Addrs) > 0) {
			primary++
		}
	}
	if primary == 0 {
		return fmt.Errorf("no servers in upstream \"%s\"", conf.Name)
	}
	return nil
}

// Zone is the name of the group's zone; empty when it has none.
func (g *Group) Zone() string { return g.conf.Zone }

// NeedsResolver tells whether a server's name is resolved at run time.
func (g *Group) NeedsResolver() bool {
	for i := range g.conf.Servers {
		if g.conf.Servers[i].Resolve {
			return true
		}
	}
	return false
}

// Instance is the group's state as worker sees it. It may be called from any goroutine, but takes a lock: a worker asks
// once and keeps the answer.
func (g *Group) Instance(worker int) *Instance {
	if g.shared != nil {
		return g.shared
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	for len(g.instances) <= worker {
		g.instances = append(g.instances, nil)
	}
	if g.instances[worker] == nil {
		g.instances[worker] = newInstance(g, nil)
	}
	return g.instances[worker]
}
