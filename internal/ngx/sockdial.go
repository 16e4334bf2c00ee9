package ngx

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"time"

	"github.com/weirproxy/weir/internal/logs"
	"github.com/weirproxy/weir/internal/netio"
	"github.com/weirproxy/weir/internal/resolver"
	"github.com/weirproxy/weir/internal/resolver/addr"
	"github.com/weirproxy/weir/internal/stream"
)

// locate finds the address, and connects to it.
func (s *socket) locate() progress {
	if s.via != nil {
		return s.dial(s.via.peering.Addr, s.via.peering.Name)
	}
	parsed, err := addr.Parse(s.target, addr.Options{DefaultPort: s.port, NoResolve: true})
	if err != nil {
		s.connectErr = fmt.Sprintf("failed to parse host name %q: %s", s.target, err)
		return failed
	}
	if len(parsed.Addrs) > 0 {
		to := parsed.Addrs[0]
		s.host, s.port = parsed.Host, parsed.Port
		if to.IsUnix() {
			s.host, s.port = to.String(), 0
		}
		return s.dial(to, s.host)
	}
	s.host = s.target
	return s.resolve(parsed.Host, parsed.Port)
}

func (s *socket) resolve(name string, port uint16) progress {
	server := s.req.server()
	if server == nil || !server.Resolver.Enabled() {
		s.connectErr = fmt.Sprintf("no resolver defined to resolve \"%s\"", s.target)
		return failed
	}
	if answer, ok := server.Resolver.Cached(name); ok {
		return s.dialOne(answer, port)
	}
	s.queryCount++
	count, loop := s.queryCount, s.m.worker.Loop
	s.connectBy = 1 << 62 // resolver_timeout counts
	s.query = server.Resolver.Lookup(name, time.Duration(server.ResolverTimeout)*time.Millisecond,
		func(answer resolver.Answer, err error) {
			loop.Post(func() { s.resolved(count, answer, err, port) })
		})
	return waiting
}

func (s *socket) dialOne(answer resolver.Answer, port uint16) progress {
	ip := answer.Addrs[rand.IntN(len(answer.Addrs))]
	to := netip.AddrPortFrom(ip, port)
	s.port = port
	return s.dial(netio.Addr{AddrPort: to}, to.String())
}

// resolved is called with the resolver's answer. count tells an old question.
func (s *socket) resolved(count uint64, answer resolver.Answer, err error, port uint16) {
	if s.query == nil || s.queryCount != count {
		return
	}
	s.query = nil
	if err != nil {
		s.connectErr = resolver.NotResolved(s.target, err)
		s.endConnect(failed)
		return
	}
	s.endConnect(s.dialOne(answer, port))
}

func (s *socket) stopQuery() {
	if s.query != nil {
		s.query.Cancel()
		s.query = nil
		if s.pool != nil {
			s.pool.closed()
		}
	}
}

// dial begins to connect. name is how log lines name the address.
func (s *socket) dial(to netio.Addr, name string) progress {
	l := &link{worker: s.m.worker, to: to}
	l.timer.Handler = l
	opts := netio.DialOptions{NoDelay: true, Transparent: s.transparent}
	if server := s.req.server(); server != nil {
		opts.NoDelay = server.TCPNoDelay
	}
	if s.hasBound {
		opts.Local, opts.Bind = s.bound, true
	}
	if err := l.Dial(s.m.worker.Loop, &to, &opts, s); err != nil {
		s.dialFailed(l, err, name)
		return failed
	}
	s.m.worker.AddConnections(1)
	s.link, s.conn = l, &l.Conn
	if !l.Connecting() {
		return connected
	}
	s.connectBy = s.wait(s.connectTime())
	return waiting
}

// dialFailed logs that a connection could not even begin (ngx_event_connect_peer).
func (s *socket) dialFailed(l *link, err error, name string) {
	s.connectErr = reasonOf(err)
	level := logs.Crit
	if stream.IsPeersFault(err) {
		level = logs.Error
	}
	text, _ := stream.DescribeDial(err, name, s.bound)
	s.logAt(l, level, text)
}
