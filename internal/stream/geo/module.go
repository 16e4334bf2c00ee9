// Package geo is the geo directive: a variable whose value follows from an address (ngx_stream_geo_module).
//
// Networks are kept in a prefix tree, where the longest that holds the address counts; ranges, which "ranges" asks for
// and which are for IPv4 alone, in sorted lists. nginx's binary files of ranges are neither read nor written.
package geo

import (
	"net/netip"

	"github.com/weirproxy/weir/internal/conf"
	"github.com/weirproxy/weir/internal/resolver/addr"
	"github.com/weirproxy/weir/internal/stream"
)

// Module is the geo module.
var Module = &stream.Module{
	Name:       "geo",
	Directives: []conf.Directive{{Name: "geo", In: conf.InStream, Args: conf.Block | conf.Take12, Set: setGeo}},
}

// table is what a geo{} holds: find looks up an address that is not IPv4 in IPv6.
type table interface {
	find(ip netip.Addr) string
	line(b *stream.Block, n *conf.Node) error
}

func setGeo(s *conf.Scope, n *conf.Node) error {
	b := stream.In(s)
	source := (*stream.Var)(nil)
	if len(n.Args) == 2 {
		name, err := stream.VarName(n.Args[0])
		if err != nil {
			return err
		}
		if source, err = b.Var(name); err != nil {
			return err
		}
	}
	name, err := stream.VarName(n.Args[len(n.Args)-1])
	if err != nil {
		return err
	}
	r := reader{block: b, table: new(networks)}
	if err := conf.Each(n.Block, r.line); err != nil {
		return err
	}
	g := geo{source: source, table: r.table}
	_, err = b.Define(stream.Variable{Name: name, Get: g.get, Cached: !r.volatile, Changeable: true})
	return err
}

// reader is a geo{} while it is read.
type reader struct {
	block    *stream.Block
	table    table
	begun    bool // there was an entry
	volatile bool
}

func (r *reader) line(n *conf.Node) error {
	if len(n.Args) == 0 {
		switch n.Name {
		case "ranges":
			if _, already := r.table.(*ranges); already {
				return nil
			}
			if r.begun {
				return n.Errorf(`the "ranges" directive must be the first directive inside "geo" block`)
			}
			r.table = new(ranges)
			return nil
		case "volatile":
			r.volatile = true
			return nil
		}
	}
	if len(n.Args) != 1 {
		return n.Errorf("invalid number of the geo parameters")
	}
	r.begun = true
	return r.table.line(r.block, n)
}

// geo is a geo{}.
type geo struct {
	source *stream.Var // nil: the client's address
	table  table
}

// none stands for whatever is no IP address, as in nginx (INADDR_NONE).
var none = netip.AddrFrom4([4]byte{255, 255, 255, 255})

func (g *geo) get(s *stream.Session, _ *stream.Var, dst []byte) ([]byte, bool) {
	return append(dst, g.table.find(g.address(s))...), true
}

func (g *geo) address(s *stream.Session) netip.Addr {
	ip := s.Remote.Addr()
	if g.source != nil {
		text, _ := s.Value(g.source)
		ip, _ = addr.ParseIP(text)
	}
	if !ip.IsValid() {
		return none
	}
	return ip.Unmap()
}
