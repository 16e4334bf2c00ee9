package stream

import (
	"strconv"

	"github.com/weirproxy/weir/internal/upstream"
)

// Upstream is an upstream{} block, or the implicit one of an address in proxy_pass.
type Upstream struct {
	Name  string
	Group *upstream.Group
	// HashKey is what a hash method is computed over; nil for other methods.
	HashKey *Template
	// Balance chooses the peers in place of Group (balancer_by_lua); nil: Group does.
	Balance Balancer

	instances       []*upstream.Instance // by worker; nil for a group made for one session
	resolver        *resolverConf        // of a group with names to resolve at run time
	resolverTimeout int64                // milliseconds
}

// Instance is the group as a worker sees it.
func (u *Upstream) Instance(w *Worker) *upstream.Instance {
	if u.instances == nil {
		return u.Group.Instance(w.ID)
	}
	return u.instances[w.ID]
}

// UpstreamState is one attempt to reach a peer ($upstream_*). Times are in milliseconds, -1 when it did not come to it.
type UpstreamState struct {
	Addr                         string
	Connect, FirstByte, Response int64
	BytesSent, BytesReceived     int64
}

// upstreamVariables are those of ngx_stream_upstream.c: one value for each attempt, separated by commas.
var upstreamVariables = []Variable{
	perAttempt("upstream_addr", func(u *UpstreamState, dst []byte) []byte { return append(dst, u.Addr...) }),
	perAttempt("upstream_bytes_sent", func(u *UpstreamState, dst []byte) []byte {
		return strconv.AppendInt(dst, u.BytesSent, 10)
	}),
	perAttempt("upstream_bytes_received", func(u *UpstreamState, dst []byte) []byte {
		return strconv.AppendInt(dst, u.BytesReceived, 10)
	}),
	perAttempt("upstream_connect_time", func(u *UpstreamState, dst []byte) []byte { return appendTime(dst, u.Connect) }),
	perAttempt("upstream_first_byte_time", func(u *UpstreamState, dst []byte) []byte { return appendTime(dst, u.FirstByte) }),
	perAttempt("upstream_session_time", func(u *UpstreamState, dst []byte) []byte { return appendTime(dst, u.Response) }),
}

func perAttempt(name string, value func(u *UpstreamState, dst []byte) []byte) Variable {
	return Variable{Name: name, Get: func(s *Session, _ *Var, dst []byte) ([]byte, bool) {
		if len(s.Upstreams) == 0 {
			return dst, false
		}
		for i := range s.Upstreams {
			if i > 0 {
				dst = append(dst, ", "...)
			}
			dst = value(&s.Upstreams[i], dst)
		}
		return dst, true
	}}
}

func appendTime(dst []byte, millis int64) []byte {
	if millis < 0 {
		return append(dst, '-')
	}
	return AppendSeconds(dst, millis)
}
