package stream

import (
	"net/netip"

	"github.com/weirproxy/weir/internal/netio"
)

// Listener is an address that servers listen on.
type Listener struct {
	Addr    netio.Addr
	Options netio.ListenOptions
	// ProxyProtocol expects a PROXY protocol header before anything else.
	ProxyProtocol bool

	server *Server
	names  *serverNames                 // nil: there is but one server
	exact  map[netip.AddrPort]*Listener // addresses that this wildcard's socket serves too
}

// Handoff tells that sessions do not connect to the address: processes do that hand connections over.
func (l *Listener) Handoff() bool { return l.Options.Packets }

// bound is the listener for the connection fd: itself, or that of a listen directive with that very address.
func (l *Listener) bound(fd int) (*Listener, netip.AddrPort) {
	if len(l.exact) == 0 {
		return l, netip.AddrPort{}
	}
	local := netio.LocalAddr(fd).AddrPort
	if exact := l.exact[local]; exact != nil {
		return exact, local
	}
	return l, local
}

// address is what listen directives say of an address, while the configuration is read.
type address struct {
	listener   *Listener
	servers    []*Block
	bind       bool // a directive asks for a socket of its own
	set        bool // a directive gave socket options
	hasDefault bool // one said default_server

	// Whether the directives agree on proxy_protocol (ngx_stream_add_addresses).
	protocol, protocolSet, protocolChanged bool
}

// listenOn takes note of a server that listens on an address (ngx_stream_add_addresses).
func (b *Block) listenOn(addr netio.Addr, d *listenDirective) error {
	a := b.byAddr[addr]
	if a == nil {
		a = &address{listener: &Listener{Addr: addr, Options: d.options, ProxyProtocol: d.proxyProtocol, server: b.Server},
			servers: []*Block{b}, bind: d.bind, set: d.set, hasDefault: d.defaultServer}
		b.addresses = append(b.addresses, a)
		b.byAddr[addr] = a
		return nil
	}
	a.servers = append(a.servers, b)
	if d.set {
		if a.set {
			return d.node.Errorf("duplicate listen options for %s", addr)
		}
		a.listener.Options = d.options
	}
	if d.defaultServer {
		if a.hasDefault {
			return d.node.Errorf("a duplicate default server for %s", addr)
		}
		a.listener.server, a.hasDefault = b.Server, true
	}
	if a.redefines(d) {
		b.Warn(d.node, "protocol options redefined for "+addr.String())
	}
	a.bind, a.set = a.bind || d.bind, a.set || d.set
	a.listener.ProxyProtocol = a.listener.ProxyProtocol || d.proxyProtocol
	return nil
}

// redefines tells whether a further directive contradicts what was said of the protocol.
func (a *address) redefines(d *listenDirective) (redefined bool) {
	was, is := a.listener.ProxyProtocol, d.proxyProtocol
	switch {
	case is && !was:
		redefined = a.set && !d.set || a.protocolChanged
		a.protocol, a.protocolChanged = was, true
	case was && !is:
		redefined = d.set || a.protocolSet && is != a.protocol
		a.protocol, a.protocolChanged = is, true
	default:
		redefined = a.protocolSet && is != a.protocol
		a.protocol = is
	}
	a.protocolSet = true
	return redefined
}

// finishListeners makes the list of sockets, and lets sessions of an address with several servers be given to one by its
// name.
func (b *Builder) finishListeners() error {
	for _, a := range b.addresses {
		a.listener.Options.NoDelay = a.listener.server.TCPNoDelay
		b.addListener(a)
		if len(a.servers) < 2 {
			continue
		}
		a.listener.names = newServerNames()
		for _, server := range a.servers {
			if err := a.listener.names.add(a.listener, server); err != nil {
				return err
			}
		}
	}
	return nil
}

// addListener gives a listener a socket: an address whose port a wildcard listens on too shares the wildcard's, unless it
// has options of its own (ngx_stream_optimize_servers).
func (b *Builder) addListener(a *address) {
	l := a.listener
	if wildcard := b.wildcardOf(a); wildcard != nil {
		if wildcard.exact == nil {
			wildcard.exact = map[netip.AddrPort]*Listener{}
		}
		wildcard.exact[l.Addr.AddrPort] = l
		return
	}
	b.Config.Listeners = append(b.Config.Listeners, l)
}

// wildcardOf is the listener that takes the connections to an address; nil: the address's own.
func (b *Builder) wildcardOf(a *address) *Listener {
	ip := a.listener.Addr.AddrPort.Addr()
	if a.listener.Addr.IsUnix() || ip.IsUnspecified() || a.bind {
		return nil
	}
	every := netip.IPv4Unspecified()
	if ip.Is6() {
		every = netip.IPv6Unspecified()
	}
	if w := b.byAddr[netio.Addr{AddrPort: netip.AddrPortFrom(every, a.listener.Addr.AddrPort.Port())}]; w != nil {
		return w.listener
	}
	return nil
}
