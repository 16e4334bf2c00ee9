package proxy

import (
	"net/netip"
	"time"

	"github.com/weirproxy/weir/internal/logs"
	"github.com/weirproxy/weir/internal/netio"
	"github.com/weirproxy/weir/internal/resolver"
	"github.com/weirproxy/weir/internal/resolver/addr"
	"github.com/weirproxy/weir/internal/stream"
	"github.com/weirproxy/weir/internal/upstream"
)

// findUpstream finds the group to connect to, and begins when it is known.
func (l *link) findUpstream() {
	if l.conf.target == nil {
		l.use(l.conf.upstream)
		return
	}
	text := l.conf.target.Text(l.s)
	parsed, err := addr.Parse(text, addr.Options{NoResolve: true})
	if err != nil {
		l.refuse(err.Error() + ` in upstream "` + text + `"`)
		return
	}
	if up := l.s.Config().Upstream(parsed.Host); up != nil && parsed.NoPort {
		l.use(up)
		return
	}
	if len(parsed.Addrs) > 0 && parsed.Addrs[0].IsUnix() {
		l.useAddrs(parsed.Host, parsed.Addrs)
		return
	}
	if parsed.NoPort {
		l.refuse(`no port in upstream "` + parsed.Host + `"`)
		return
	}
	if len(parsed.Addrs) > 0 {
		l.useAddrs(parsed.Host, parsed.Addrs)
		return
	}
	l.resolve(parsed.Host, parsed.Port)
}

// refuse ends the session for a reason that lies in the configuration.
func (l *link) refuse(reason string) {
	l.s.Log(logs.Error, reason)
	l.s.Finalize(stream.StatusInternal)
}

// resolve looks a name up; the answer comes back to the loop.
func (l *link) resolve(host string, port uint16) {
	r := l.s.Server.Resolver
	if !r.Enabled() {
		l.refuse("no resolver defined to resolve " + host)
		return
	}
	if answer, ok := r.Cached(host); ok {
		l.useAddrs(host, withPort(answer.Addrs, port))
		return
	}
	id, timeout := l.s.ID, time.Duration(l.s.Server.ResolverTimeout)*time.Millisecond
	l.query = r.Lookup(host, timeout, func(answer resolver.Answer, err error) {
		l.loop.Post(func() {
			if l.s != nil && l.s.ID == id && l.query != nil {
				l.query = nil
				l.resolved(host, port, answer, err)
			}
		})
	})
}

func (l *link) resolved(host string, port uint16, answer resolver.Answer, err error) {
	if err != nil {
		l.refuse(resolver.NotResolved(host, err))
		return
	}
	l.useAddrs(host, withPort(answer.Addrs, port))
}

func withPort(ips []netip.Addr, port uint16) []netio.Addr {
	addrs := make([]netio.Addr, len(ips))
	for i, ip := range ips {
		addrs[i] = addr.FromIP(ip, port)
	}
	return addrs
}

// useAddrs makes a group of addresses for this session alone.
func (l *link) useAddrs(name string, addrs []netio.Addr) {
	group, err := upstream.NewGroup(upstream.Implicit(name, addrs))
	if err != nil {
		l.refuse(err.Error())
		return
	}
	l.use(&stream.Upstream{Name: name, Group: group})
}

// use begins with the peers of a group.
func (l *link) use(up *stream.Upstream) {
	var key []byte
	if up.HashKey != nil {
		key = []byte(up.HashKey.Text(l.s))
	}
	l.peering.Begin(l.s.Worker, up, key, int(l.conf.nextTries.V))
	l.attempt()
}
