// Package realip is set_real_ip_from: a session's client is the one that the PROXY protocol header names, where the
// header comes from somebody who is trusted (ngx_stream_realip_module).
package realip

import (
	"net/netip"
	"strconv"

	"github.com/weirproxy/weir/internal/conf"
	"github.com/weirproxy/weir/internal/resolver/addr"
	"github.com/weirproxy/weir/internal/stream"
)

// Module is the realip module.
var Module = &stream.Module{
	Name:   "realip",
	Config: slot.Decl(nil, merge),
	Directives: []conf.Directive{
		{Name: "set_real_ip_from", In: stream.InStreamServer, Args: conf.Take1, Set: slot.Set(addTrusted)},
	},
	Handlers: []stream.PhaseHandler{{Phase: stream.PostAccept, Run: replace, Active: trustsAny}},
	Variables: []stream.Variable{
		{Name: "realip_remote_addr", Get: func(s *stream.Session, _ *stream.Var, dst []byte) ([]byte, bool) {
			ip := peer(s).Addr()
			if !ip.IsValid() {
				return append(dst, "unix:"...), true
			}
			return ip.AppendTo(dst), true
		}},
		{Name: "realip_remote_port", Get: func(s *stream.Session, _ *stream.Var, dst []byte) ([]byte, bool) {
			if port := peer(s).Port(); port != 0 {
				dst = strconv.AppendUint(dst, uint64(port), 10)
			}
			return dst, true
		}},
	},
}

var (
	slot     = stream.NewSlot[trusted]()
	original = stream.NewSessionSlot[netip.AddrPort]()
)

// trusted is who may tell other addresses than their own.
type trusted struct {
	networks []netip.Prefix
	unix     bool
}

func addTrusted(t *trusted, b *stream.Block, n *conf.Node) error {
	from := n.Args[0]
	if from == "unix:" {
		t.unix = true
		return nil
	}
	network, ok := b.Network(n, from)
	if !ok {
		return t.addHost(b, n)
	}
	t.networks = append(t.networks, network)
	return nil
}

// addHost adds the addresses that a name has while the configuration is read.
func (t *trusted) addHost(b *stream.Block, n *conf.Node) error {
	lookup := b.Lookup
	if lookup == nil {
		lookup = addr.SystemLookup
	}
	ips, err := lookup(n.Args[0])
	if err != nil || len(ips) == 0 {
		return n.Errorf(`host not found in set_real_ip_from "%s"`, n.Args[0])
	}
	for _, ip := range ips {
		t.networks = append(t.networks, netip.PrefixFrom(ip, ip.BitLen()))
	}
	return nil
}

// merge has a server that trusts nobody by itself trust whom stream{} does.
func merge(_ *stream.Builder, outer, t *trusted) error {
	if t.empty() {
		*t = *outer
	}
	return nil
}

func (t *trusted) empty() bool { return !t.unix && t.networks == nil }

func trustsAny(s *stream.Server) bool { return !slot.Of(s).empty() }

// includes tells whether a client is trusted; an invalid ip is that of a unix socket's client.
func (t *trusted) includes(ip netip.Addr) bool {
	if !ip.IsValid() {
		return t.unix
	}
	ip = ip.Unmap()
	for _, network := range t.networks {
		if network.Contains(ip) {
			return true
		}
	}
	return false
}

func replace(s *stream.Session) stream.Result {
	h := s.ProxyHeader()
	if h == nil || !h.Source.IsValid() || !slot.Of(s.Server).includes(s.Remote.Addr()) {
		return stream.Declined
	}
	was := s.Remote
	original.Set(s, &was)
	s.Remote = h.Source
	return stream.Declined
}

// peer is the address that the connection came from.
func peer(s *stream.Session) netip.AddrPort {
	if was := original.Get(s); was != nil {
		return *was
	}
	return s.Remote
}
