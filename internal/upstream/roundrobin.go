package upstream

// roundRobin chooses among all peers.
func (s *Selection) roundRobin(now int64) int { return s.round(now, func(*Peer) bool { return true }) }

// round is nginx's smooth weighted round robin among the peers that take part: each usable one gains its weight, the
// heaviest is chosen and pays for all. Weights 5, 1, 1 give a a b a c a a. -1: none is usable.
func (s *Selection) round(now int64, takesPart func(*Peer) bool) int {
	best, total := -1, 0
	list := s.list.list
	for i, p := range list {
		if !takesPart(p) || !s.usable(i, now) {
			continue
		}
		total += p.raise()
		if best < 0 || p.currentWeight > list[best].currentWeight {
			best = i
		}
	}
	if best >= 0 {
		list[best].currentWeight -= total
	}
	return best
}

// leastConn chooses the peer with the fewest connections per weight; round robin decides among equals.
func (s *Selection) leastConn(now int64) int {
	best, many := -1, false
	list := s.list.list
	for i, p := range list {
		switch {
		case !s.usable(i, now):
		case best < 0 || lessBusy(p, list[best]):
			best, many = i, false
		case equallyBusy(p, list[best]):
			many = true
		}
	}
	if !many {
		return best
	}
	return s.round(now, func(p *Peer) bool { return equallyBusy(p, list[best]) })
}
