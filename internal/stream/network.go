package stream

import (
	"net/netip"

	"github.com/weirproxy/weir/internal/conf"
	"github.com/weirproxy/weir/internal/resolver/addr"
)

// Network reads an address or a network, which stands in the directive n, and warns of bits that it masks out. ok is false
// when text is neither.
func (b *Builder) Network(n *conf.Node, text string) (network netip.Prefix, ok bool) {
	network, exact, ok := addr.ParsePrefix(text)
	if ok && !exact {
		b.Warn(n, "low address bits of "+text+" are meaningless")
	}
	return network, ok
}
