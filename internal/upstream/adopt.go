package upstream

// AdoptFrom carries the state of a group of the generation before over to g: health, connection counts and weights of
// peers with the same address, and the addresses that names had resolved to. It does something only when both groups
// have the same name and the same zone; old may be nil. It must be called before g is used, changes nothing of old, and
// old may go on being used: both count the same connections, under the same lock.
func (g *Group) AdoptFrom(old *Group) {
	if old == nil || g.shared == nil || old.shared == nil {
		return
	}
	if g.conf.Name != old.conf.Name || g.conf.Zone != old.conf.Zone {
		return
	}
	in, from := g.shared, old.shared
	in.mu = from.mu
	in.lock()
	defer in.unlock()
	in.adoptHosts(from)
	in.changed()
	adoptPeers(in.primary.list, from.primary.list)
	if in.backup != nil && from.backup != nil {
		adoptPeers(in.backup.list, from.backup.list)
	}
}

func adoptPeers(list, old []*Peer) {
	taken := make(map[*Peer]bool)
	for _, p := range list {
		for _, o := range old {
			if o.Addr == p.Addr && o.Server == p.Server && !taken[o] {
				taken[o] = true
				p.adopt(o)
				break
			}
		}
	}
}

func (p *Peer) adopt(old *Peer) {
	p.health = old.health
	if p.weight == old.weight {
		p.currentWeight, p.effectiveWeight = old.currentWeight, old.effectiveWeight
	}
}

// adoptHosts gives servers resolved at run time what their names had resolved to, so that a reload does not leave the
// group without peers until the first answer (ngx_stream_upstream_zone_preresolve).
func (in *Instance) adoptHosts(from *Instance) {
	for _, h := range in.hosts {
		for _, o := range from.hosts {
			if o.server.Host != h.server.Host || o.server.Service != h.server.Service {
				continue
			}
			in.resolvedTo(h, o.answer, o.validUntil)
			break
		}
	}
}
