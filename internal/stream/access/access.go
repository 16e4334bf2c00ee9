// Package access is allow and deny: who may connect, by address (ngx_stream_access_module).
//
// The rules of a server are tried in their order and the first that fits decides; a client that none fits may pass.
// That order is why they are lists and not a prefix tree: a tree finds the longest prefix, not the first. Lists of
// thousands of networks belong into geo.
//
// One thing differs: in nginx "allow" ends the access phase. Here the phase's other handlers still run, access_by_lua
// above all: a client passes when both let it.
package access

import (
	"net/netip"

	"github.com/weirproxy/weir/internal/conf"
	"github.com/weirproxy/weir/internal/logs"
	"github.com/weirproxy/weir/internal/stream"
)

// Module is the access module.
var Module = &stream.Module{
	Name:   "access",
	Config: slot.Decl(nil, merge),
	Directives: []conf.Directive{
		{Name: "allow", In: stream.InStreamServer, Args: conf.Take1, Set: slot.Set(addRule)},
		{Name: "deny", In: stream.InStreamServer, Args: conf.Take1, Set: slot.Set(addRule)},
	},
	Handlers: []stream.PhaseHandler{{Phase: stream.Access, Run: check, Active: hasRules}},
}

var slot = stream.NewSlot[rules]()

// rules are apart by the kind of address, as no rule but "all" is for more than one.
type rules struct {
	v4, v6 []rule
	unix   []rule
}

type rule struct {
	network netip.Prefix
	deny    bool
}

func addRule(r *rules, b *stream.Block, n *conf.Node) error {
	deny := n.Name == "deny"
	switch n.Args[0] {
	case "all":
		r.v4 = append(r.v4, rule{netip.PrefixFrom(netip.IPv4Unspecified(), 0), deny})
		r.v6 = append(r.v6, rule{netip.PrefixFrom(netip.IPv6Unspecified(), 0), deny})
		r.unix = append(r.unix, rule{deny: deny})
		return nil
	case "unix:":
		r.unix = append(r.unix, rule{deny: deny})
		return nil
	}
	network, ok := b.Network(n, n.Args[0])
	if !ok {
		return n.InvalidParam(n.Args[0])
	}
	if network.Addr().Is4() {
		r.v4 = append(r.v4, rule{network, deny})
	} else {
		r.v6 = append(r.v6, rule{network, deny})
	}
	return nil
}

// merge has a server without any rule take all of stream{}'s.
func merge(_ *stream.Builder, outer, r *rules) error {
	if r.empty() {
		*r = *outer
	}
	return nil
}

func (r *rules) empty() bool { return r.v4 == nil && r.v6 == nil && r.unix == nil }

func hasRules(s *stream.Server) bool { return !slot.Of(s).empty() }

func check(s *stream.Session) stream.Result {
	if !slot.Of(s.Server).deny(s.Remote.Addr()) {
		return stream.Declined
	}
	s.Log(logs.Error, "access forbidden by rule")
	return stream.StatusForbidden
}

// deny tells whether a client is refused; an invalid ip is that of a unix socket's client.
func (r *rules) deny(ip netip.Addr) bool {
	if !ip.IsValid() {
		return len(r.unix) > 0 && r.unix[0].deny
	}
	list := r.v6
	if ip.Is4() || ip.Is4In6() && r.v4 != nil {
		list, ip = r.v4, ip.Unmap()
	}
	for i := range list {
		if list[i].network.Contains(ip) {
			return list[i].deny
		}
	}
	return false
}
