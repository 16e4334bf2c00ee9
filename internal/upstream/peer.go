package upstream

import "github.com/weirproxy/weir/internal/resolver/addr"

// Peer is one address of a server. The exported fields never change.
type Peer struct {
	// Addr is where to connect.
	Addr addr.Addr
	// Name is Addr as $upstream_addr shows it.
	Name string
	// Server is the server as the configuration writes it (or the SRV record's target).
	Server string

	weight      int
	maxConns    int
	maxFails    int
	failTimeout int64
	down        bool
	host        *host // of a server resolved at run time; else nil

	currentWeight   int
	effectiveWeight int
	*health
}

// health is what is known of an address. It outlives a reload when the group has a zone: the peers of both generations
// then point to the same one, so that connections of the old generation still count.
type health struct {
	conns    int
	fails    int
	accessed int64 // second of the last failure
	checked  int64 // second of the last failure or of the attempt that opened a new fail_timeout
}

func newPeer(s *ServerConf, a addr.Addr, server string) *Peer {
	p := &Peer{
		Addr:        a,
		Name:        a.String(),
		Server:      server,
		weight:      max(s.Weight, 1),
		maxConns:    s.MaxConns,
		maxFails:    s.MaxFails,
		failTimeout: s.FailTimeout,
		down:        s.Down,
		health:      &health{},
	}
	p.effectiveWeight = p.weight
	return p
}

// exhausted tells whether recent failures keep the peer from being chosen.
func (p *Peer) exhausted(now int64) bool {
	return p.maxFails > 0 && p.fails >= p.maxFails && now-p.checked <= p.failTimeout
}

func (p *Peer) full() bool { return p.maxConns > 0 && p.conns >= p.maxConns }

func (p *Peer) available(now int64) bool {
	return !p.down && !p.exhausted(now) && !p.full()
}

// raise gives the peer its share of one round of smooth weighted round robin, and returns the share. A weight that
// failures lowered recovers by one each round.
func (p *Peer) raise() int {
	share := p.effectiveWeight
	p.currentWeight += share
	if p.effectiveWeight < p.weight {
		p.effectiveWeight++
	}
	return share
}

// lessBusy compares connections per weight, as a.conns/a.weight < b.conns/b.weight.
func lessBusy(a, b *Peer) bool { return a.conns*b.weight < b.conns*a.weight }

func equallyBusy(a, b *Peer) bool { return a.conns*b.weight == b.conns*a.weight }

// recover forgets the failures once an attempt after them went well (ngx_stream_upstream_rr: accessed < checked).
func (p *Peer) recover() {
	if p.accessed < p.checked {
		p.fails = 0
	}
}

// fail records a failure; disabled tells that it was the one that makes the peer unavailable.
func (p *Peer) fail(now int64) (disabled bool) {
	p.fails++
	p.accessed, p.checked = now, now
	if p.maxFails > 0 {
		p.effectiveWeight = max(p.effectiveWeight-p.weight/p.maxFails, 0)
		disabled = p.fails >= p.maxFails
	}
	return disabled
}
