package upstream

import (
	"cmp"
	"encoding/binary"
	"hash/crc32"
	"slices"
	"strings"
)

// pointsPerWeight is how many points one unit of weight has on the ring (ngx_stream_upstream_hash_module).
const pointsPerWeight = 160

// point is a place on the ring and the server that owns the arc before it.
type point struct {
	hash   uint32
	server string
}

// ring is the continuum of a consistent hash, ordered, without two points at one place. It is the one of
// Cache::Memcached::Fast with ketama_points=160: a point is crc32(host \0 port previous-point).
type ring []point

func newRing(list []*Peer) ring {
	var r ring
	for _, p := range list {
		base := serverHash(p.Server)
		var previous [4]byte
		for range p.weight * pointsPerWeight {
			h := crc32.Update(base, crc32.IEEETable, previous[:])
			r = append(r, point{h, p.Server})
			binary.LittleEndian.PutUint32(previous[:], h)
		}
	}
	slices.SortStableFunc(r, func(a, b point) int { return cmp.Compare(a.hash, b.hash) })
	return slices.CompactFunc(r, func(a, b point) bool { return a.hash == b.hash })
}

func serverHash(server string) uint32 {
	host, port := splitServer(server)
	sum := crc32.ChecksumIEEE([]byte(host))
	sum = crc32.Update(sum, crc32.IEEETable, []byte{0})
	return crc32.Update(sum, crc32.IEEETable, []byte(port))
}

// splitServer parts a server as written; only digits after the last colon are a port.
func splitServer(server string) (host, port string) {
	if len(server) >= 5 && strings.EqualFold(server[:5], "unix:") {
		return server[5:], ""
	}
	colon := strings.LastIndexByte(server, ':')
	if colon < 0 || strings.Trim(server[colon+1:], "0123456789") != "" {
		return server, ""
	}
	return server[:colon], server[colon+1:]
}

// find is the place of the first point at or after hash; it may be len(r), which stands for the first point.
func (r ring) find(hash uint32) int {
	i, _ := slices.BinarySearchFunc(r, hash, func(p point, h uint32) int { return cmp.Compare(p.hash, h) })
	return i
}
