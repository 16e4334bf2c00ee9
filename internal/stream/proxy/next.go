package proxy

import "github.com/weirproxy/weir/internal/stream"

// NextUpstream is what proxy_next_upstream and the like say for a server: whether another peer is tried when one cannot
// be reached, how many attempts there are (0: as many as peers), and for how long in milliseconds (0: no limit).
func NextUpstream(s *stream.Server) (on bool, tries int, timeout int64) {
	c := slot.Of(s)
	return c.nextUpstream.V, int(c.nextTries.V), c.nextTimeout.V
}
