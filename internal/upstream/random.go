package upstream

// randomOne chooses a peer at random by weight; after too many misses, and among fewer than two peers, round robin.
func (s *Selection) randomOne(now int64) int {
	if len(s.list.list) < 2 {
		return s.roundRobin(now)
	}
	for s.misses <= maxMisses {
		if i := s.atRandom(); s.usable(i, now) {
			return i
		}
		s.misses++
	}
	return s.roundRobin(now)
}

// randomTwo chooses two different peers at random by weight and takes the one with fewer connections per weight.
func (s *Selection) randomTwo(now int64) int {
	list := s.list.list
	if len(list) < 2 {
		return s.roundRobin(now)
	}
	first := -1
	for s.misses <= maxMisses {
		i := s.atRandom()
		switch {
		case i == first || !s.usable(i, now):
			s.misses++
		case first < 0:
			first = i
			s.misses++
		case lessBusy(list[first], list[i]):
			return first
		default:
			return i
		}
	}
	return s.roundRobin(now)
}

// atRandom is the place of one peer, chosen by weight.
func (s *Selection) atRandom() int { return s.list.byWeight(s.in.random(s.list.totalWeight)) }
