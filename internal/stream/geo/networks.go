package geo

import (
	"fmt"
	"net/netip"

	"github.com/gaissmai/bart"
	"github.com/weirproxy/weir/internal/conf"
	"github.com/weirproxy/weir/internal/stream"
)

// networks is a geo{} of networks.
type networks struct{ tree bart.Table[string] }

func (t *networks) find(ip netip.Addr) string {
	value, _ := t.tree.Lookup(ip)
	return value
}

// everything is what "default" means.
var everything = []netip.Prefix{
	netip.PrefixFrom(netip.IPv4Unspecified(), 0),
	netip.PrefixFrom(netip.IPv6Unspecified(), 0),
}

func (t *networks) line(b *stream.Block, n *conf.Node) error {
	if n.Name == "default" {
		for _, network := range everything {
			t.add(b, n, network, n.Name)
		}
		return nil
	}
	text := n.Name
	if n.Name == "delete" {
		text = n.Args[0]
	}
	network, ok := b.Network(n, text)
	if !ok {
		return n.Errorf(`invalid network "%s"`, text)
	}
	if n.Name != "delete" {
		t.add(b, n, network, text)
		return nil
	}
	if _, there := t.tree.Get(network); !there {
		b.Warn(n, fmt.Sprintf(`no network "%s" to delete`, text))
	}
	t.tree.Delete(network)
	return nil
}

func (t *networks) add(b *stream.Block, n *conf.Node, network netip.Prefix, text string) {
	value := n.Args[0]
	if old, there := t.tree.Get(network); there {
		b.Warn(n, fmt.Sprintf(`duplicate network "%s", value: "%s", old value: "%s"`, text, value, old))
	}
	t.tree.Insert(network, value)
}
