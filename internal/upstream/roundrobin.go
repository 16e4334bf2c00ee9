package upstream

// roundRobin is nginx's smooth weighted round robin: each usable peer gains its weight, the heaviest is chosen and pays
// for all. Weights 5, 1, 1 give a a b a c a a.
func (s *Selection) roundRobin(now int64) int {
	best, total := -1, 0
	list := s.list.list
	for i, p := range list {
		if !s.usable(i, now) {
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
	return s.amongEquals(best, now)
}

// amongEquals does a round of round robin over the peers that are as busy as the first of them.
func (s *Selection) amongEquals(first int, now int64) int {
	list := s.list.list
	best, total := first, 0
	for i := first; i < len(list); i++ {
		p := list[i]
		if !s.usable(i, now) || !equallyBusy(p, list[best]) {
			continue
		}
		total += p.raise()
		if p.currentWeight > list[best].currentWeight {
			best = i
		}
	}
	list[best].currentWeight -= total
	return best
}
