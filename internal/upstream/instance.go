package upstream

import (
	"math/rand/v2"
	"sync"
)

// Instance is one state of a group: the only one when the group has a zone, else one worker's.
type Instance struct {
	mu    *sync.Mutex // nil when one worker owns the instance
	conf  *GroupConf
	hosts []*host // servers resolved at run time

	primary peers
	backup  *peers // nil when the group can have no backup server

	version uint64 // changes with every change of the set of peers
	ring    ring   // of ConsistentHash
	random  func(n int) int
}

// peers is the primary or the backup list.
type peers struct {
	list        []*Peer
	totalWeight int
	tries       int
	// single: the group has this one peer. It is always tried, and its failures are never counted.
	single bool
}

func newInstance(g *Group, mu *sync.Mutex) *Instance {
	in := &Instance{mu: mu, conf: &g.conf, random: rand.IntN}
	resolving := g.NeedsResolver()
	for i := range g.conf.Servers {
		s := &g.conf.Servers[i]
		if s.Backup || resolving && in.backup == nil {
			in.ensureBackup()
		}
		list := in.listOf(s.Backup)
		if s.Resolve {
			in.hosts = append(in.hosts, &host{server: s})
			continue
		}
		for _, a := range s.Addrs {
			list.list = append(list.list, newPeer(s, a, s.Name))
		}
	}
	in.changed()
	return in
}

func (in *Instance) ensureBackup() {
	if in.backup == nil {
		in.backup = &peers{}
	}
}

func (in *Instance) listOf(backup bool) *peers {
	if backup {
		return in.backup
	}
	return &in.primary
}

// changed brings everything that is computed from the set of peers up to date.
func (in *Instance) changed() {
	in.version++
	in.primary.count()
	backups := 0
	if in.backup != nil {
		in.backup.count()
		backups = len(in.backup.list)
	}
	in.primary.single = len(in.primary.list) == 1 && backups == 0
	if in.conf.Method == ConsistentHash {
		in.ring = newRing(in.primary.list)
	}
}

func (l *peers) count() {
	l.totalWeight, l.tries = 0, 0
	for _, p := range l.list {
		l.totalWeight += p.weight
		if !p.down {
			l.tries++
		}
	}
}

func (in *Instance) lock() {
	if in.mu != nil {
		in.mu.Lock()
	}
}

func (in *Instance) unlock() {
	if in.mu != nil {
		in.mu.Unlock()
	}
}
