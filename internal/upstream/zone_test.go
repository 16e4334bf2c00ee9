package upstream

import (
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// allPeers are the primary ones, then the backup ones. Nothing else may be at work on the instance.
func allPeers(in *Instance) []*Peer {
	if in.backup == nil {
		return in.primary.list
	}
	return slices.Concat(in.primary.list, in.backup.list)
}

func names(in *Instance) string {
	in.lock()
	defer in.unlock()
	var list []string
	for i, p := range allPeers(in) {
		name := p.Name
		if i >= len(in.primary.list) {
			name += "(backup)"
		}
		list = append(list, name)
	}
	return strings.Join(list, " ")
}

func answer(ips ...string) []Resolved {
	var list []Resolved
	for _, ip := range ips {
		list = append(list, Resolved{IP: netip.MustParseAddr(ip)})
	}
	return list
}

// replace gives server i an answer.
func (g *Group) replace(i int, answer []Resolved) {
	for _, h := range g.shared.hosts {
		if h.server == &g.conf.Servers[i] {
			g.shared.replace(h, answer, time.Time{})
		}
	}
}

func resolving() GroupConf {
	return GroupConf{Name: "u", Zone: "z", Servers: []ServerConf{
		server(9, 1),
		{Name: "name:80", Host: "name", Port: 80, Resolve: true, MaxFails: 1, FailTimeout: 10},
	}}
}

func TestReplace(t *testing.T) {
	g := newGroup(t, resolving())
	in := g.Instance(0)
	for _, step := range []struct {
		answer []Resolved
		want   string
	}{
		{nil, "10.0.0.9:80"},
		{answer("10.0.0.1", "fd00::1"), "10.0.0.9:80 10.0.0.1:80 [fd00::1]:80"},
		{answer("10.0.0.2", "fd00::1"), "10.0.0.9:80 [fd00::1]:80 10.0.0.2:80"},
		{nil, "10.0.0.9:80"},
	} {
		g.replace(1, step.answer)
		if got := names(in); got != step.want {
			t.Errorf("%s, want %s", got, step.want)
		}
	}
}

func TestReplaceUnderASession(t *testing.T) {
	g := newGroup(t, resolving())
	in := g.Instance(0)
	g.replace(1, answer("10.0.0.1"))
	var s Selection
	s.Init(in, nil)
	first, _ := s.Next(t0)
	g.replace(1, answer("10.0.0.2"))
	s.Free(t0, true)
	second, err := s.Next(t0)
	if err != nil || second == first {
		t.Fatalf("after %v: %v, %v", first, second, err)
	}
	s.Free(t0, false)
	for _, p := range allPeers(in) {
		if p.conns != 0 {
			t.Errorf("%s still counts %d", p.Name, p.conns)
		}
	}
}

func TestReplaceService(t *testing.T) {
	g := newGroup(t, GroupConf{Name: "u", Zone: "z", Servers: []ServerConf{
		{Name: "name", Host: "name", Service: "http", Resolve: true},
	}})
	g.replace(0, []Resolved{
		{IP: netip.MustParseAddr("10.0.0.1"), Port: 8080, Target: "a.name", Weight: 5, Priority: 1},
		{IP: netip.MustParseAddr("10.0.0.2"), Port: 8081, Target: "b.name", Weight: 2, Priority: 2},
	})
	in := g.Instance(0)
	if got, want := names(in), "10.0.0.1:8080 10.0.0.2:8081(backup)"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	if w := in.primary.list[0].weight; w != 5 {
		t.Errorf("weight %d, want 5", w)
	}
}

func TestAdoptKeepsStateOverAReload(t *testing.T) {
	conf := GroupConf{Name: "u", Zone: "z", Servers: servers(1, 1)}
	old := newGroup(t, conf)
	failA(t, old.Instance(0), true, 0)
	var running Selection
	running.Init(old.Instance(0), nil)
	running.Next(t0) // b

	conf.Servers = append(servers(1, 1), server(7, 1))
	g := newGroup(t, conf)
	g.AdoptFrom(old)
	in := g.Instance(0)
	list := in.primary.list
	if !list[0].exhausted(t0) || list[1].conns != 1 || list[2].conns != 0 {
		t.Errorf("%+v, %+v, %+v", list[0], list[1], list[2])
	}
	running.Free(t0, false)
	if n := list[1].conns; n != 0 {
		t.Errorf("a session of the old generation ended, yet b counts %d", n)
	}
}

func TestAdoptKeepsResolvedAddresses(t *testing.T) {
	old := newGroup(t, resolving())
	old.replace(1, answer("10.0.0.1", "10.0.0.2"))
	g := newGroup(t, resolving())
	g.AdoptFrom(old)
	if got, want := names(g.Instance(0)), "10.0.0.9:80 10.0.0.1:80 10.0.0.2:80"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

func TestAdoptNeedsTheSameZone(t *testing.T) {
	for _, zones := range [][2]string{{"", ""}, {"z", "y"}, {"z", ""}} {
		old := newGroup(t, GroupConf{Servers: servers(1, 1), Zone: zones[0]})
		failA(t, old.Instance(0), true, 0)
		g := newGroup(t, GroupConf{Servers: servers(1, 1), Zone: zones[1]})
		g.AdoptFrom(old)
		if g.Instance(0).primary.list[0].fails != 0 {
			t.Errorf("zones %q: failures were carried over", zones)
		}
	}
}

// TestZoneSharedByWorkers is for the race detector, and checks that every hold is given back.
func TestZoneSharedByWorkers(t *testing.T) {
	for _, m := range []Method{RoundRobin, LeastConn, Hash, ConsistentHash, Random, RandomTwo} {
		conf := resolving()
		conf.Method = m
		g := newGroup(t, conf)
		var wg sync.WaitGroup
		for worker := range 4 {
			wg.Go(func() { churn(g.Instance(worker), worker) })
		}
		wg.Go(func() {
			for i := range 50 {
				g.replace(1, answer("10.0.0.1", []string{"10.0.0.2", "10.0.0.3"}[i%2]))
				next := newGroup(t, conf)
				next.AdoptFrom(g)
			}
		})
		wg.Wait()
		for _, p := range allPeers(g.Instance(0)) {
			if p.conns != 0 {
				t.Errorf("method %d: %s still counts %d", m, p.Name, p.conns)
			}
		}
	}
}

func churn(in *Instance, worker int) {
	var s Selection
	for i := range 500 {
		s.Init(in, []byte{byte(worker), byte(i)})
		for {
			if _, err := s.Next(t0 + int64(i)); err != nil {
				break
			}
			s.Connected()
			s.Free(t0+int64(i), i%3 == 0)
			if s.Tries() == 0 {
				break
			}
		}
	}
}
