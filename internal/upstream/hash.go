package upstream

import (
	"hash/crc32"
	"strconv"
)

func checksum(b []byte) uint32 { return crc32.ChecksumIEEE(b) }

// hashed maps the key to a peer as Cache::Memcached does: bits 16 to 30 of crc32([rehash] key), added to the hashes of
// the attempts before, modulo the total weight.
func (s *Selection) hashed(now int64) int {
	if len(s.list.list) < 2 || len(s.key) == 0 {
		return s.roundRobin(now)
	}
	for s.misses <= maxMisses {
		i := s.list.byWeight(int(s.nextHash() % uint32(s.list.totalWeight)))
		if s.usable(i, now) {
			return i
		}
		s.misses++
	}
	return s.roundRobin(now)
}

func (s *Selection) nextHash() uint32 {
	var sum uint32
	if s.rehash > 0 {
		var digits [20]byte
		sum = crc32.Update(sum, crc32.IEEETable, strconv.AppendInt(digits[:0], int64(s.rehash), 10))
	}
	sum = crc32.Update(sum, crc32.IEEETable, s.key)
	s.hash += sum >> 16 & 0x7fff
	s.rehash++
	return s.hash
}

// byWeight finds the peer that owns place w of the weights laid end to end; w is below the total weight.
func (l *peers) byWeight(w int) int {
	for i, p := range l.list {
		if w < p.weight {
			return i
		}
		w -= p.weight
	}
	return len(l.list) - 1
}

// consistent follows the ring from the key's place to a server that has a usable peer. A name with several addresses
// has one place on the ring, and round robin chooses among them.
func (s *Selection) consistent(now int64) int {
	if len(s.key) == 0 || len(s.in.ring) == 0 {
		return s.roundRobin(now)
	}
	for s.misses <= maxMisses {
		point := s.in.ring[s.position%len(s.in.ring)]
		if i := s.round(now, func(p *Peer) bool { return p.Server == point.server }); i >= 0 {
			return i
		}
		s.position++
		s.misses++
	}
	return s.roundRobin(now)
}
