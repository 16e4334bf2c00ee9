package upstream

import (
	"net/netip"
	"slices"
	"time"

	"github.com/weirproxy/weir/internal/resolver/addr"
)

// host is a server whose name is resolved at run time, in one instance, whose lock guards it.
type host struct {
	server     *ServerConf
	answer     []Resolved // the last, of which its peers are
	validUntil time.Time  // when to ask again
}

// Resolved is one address a name or a service resolved to.
type Resolved struct {
	IP netip.Addr
	// The rest is an SRV record's, and unused for a plain name: the port, the target's name, the weight, and the
	// priority, of which the lowest makes primary servers and all others backup servers.
	Port     uint16
	Target   string
	Weight   int
	Priority uint16
}

// replace makes answer the addresses of h, at once for all workers. Peers whose address stays keep their state; sessions
// that hold a peer that is gone finish with it.
func (in *Instance) replace(h *host, answer []Resolved, validUntil time.Time) {
	in.lock()
	defer in.unlock()
	in.resolvedTo(h, answer, validUntil)
	in.changed()
}

// resolvedTo makes answer the peers of h; the caller holds the lock, and calls changed.
func (in *Instance) resolvedTo(h *host, answer []Resolved, validUntil time.Time) {
	h.answer, h.validUntil = answer, validUntil
	if h.server.Service == "" {
		list := in.listOf(h.server.Backup)
		list.list = merge(list.list, h, answer)
		return
	}
	primary, backup := byPriority(answer)
	if h.server.Backup {
		primary, backup = nil, answer
	}
	in.primary.list = merge(in.primary.list, h, primary)
	in.backup.list = merge(in.backup.list, h, backup)
}

// byPriority parts an SRV answer as ngx_stream_upstream_zone_resolve_handler does.
func byPriority(answer []Resolved) (primary, backup []Resolved) {
	lowest := ^uint16(0)
	for _, r := range answer {
		lowest = min(lowest, r.Priority)
	}
	for _, r := range answer {
		if r.Priority == lowest {
			primary = append(primary, r)
		} else {
			backup = append(backup, r)
		}
	}
	return primary, backup
}

// merge returns list with the peers of h that answer still has, less those it has not, and with new ones at the end.
func merge(list []*Peer, h *host, answer []Resolved) []*Peer {
	var fresh []*Peer
	for _, r := range answer {
		fresh = append(fresh, peerOf(h, r))
	}
	kept := make([]*Peer, 0, len(list)+len(fresh))
	for _, p := range list {
		if p.host != h {
			kept = append(kept, p)
			continue
		}
		same := func(f *Peer) bool { return f.Addr == p.Addr && f.Server == p.Server && f.weight == p.weight }
		if i := slices.IndexFunc(fresh, same); i >= 0 {
			kept = append(kept, p)
			fresh = slices.Delete(fresh, i, i+1)
		}
	}
	return append(kept, fresh...)
}

func peerOf(h *host, r Resolved) *Peer {
	s := *h.server
	port, name := s.Port, s.Name
	if s.Service != "" {
		port, name = r.Port, r.Target
		if s.Weight <= 1 {
			s.Weight = r.Weight
		}
	}
	p := newPeer(&s, addr.FromIP(r.IP, port), name)
	p.host = h
	return p
}
