package stream

import (
	"net/netip"
	"strconv"
	"strings"

	"github.com/weirproxy/weir/internal/conf"
	"github.com/weirproxy/weir/internal/netio"
	"github.com/weirproxy/weir/internal/resolver/addr"
)

// listenDirective is one listen line.
type listenDirective struct {
	node    *conf.Node
	addrs   []netio.Addr
	options netio.ListenOptions
	// bind asks for a socket of its own; set tells that socket options were given.
	bind, set     bool
	proxyProtocol bool
	defaultServer bool
}

// setListen reads a listen directive (ngx_stream_core_listen).
func setListen(s *conf.Scope, n *conf.Node) error {
	b := In(s)
	parsed, err := addr.Parse(n.Args[0], addr.Options{Listen: true, Lookup: b.Lookup})
	if err != nil {
		return n.Errorf(`%s in "%s" of the "listen" directive`, err, n.Args[0])
	}
	if parsed.NoPort && len(parsed.Addrs) > 0 && !parsed.Addrs[0].IsUnix() {
		return n.Errorf(`no port in "%s" of the "listen" directive`, n.Args[0])
	}
	l := &listenDirective{node: n, addrs: parsed.Addrs, options: netio.ListenOptions{IPv6Only: true}}
	for _, param := range n.Args[1:] {
		if err := l.parameter(n, param); err != nil {
			return err
		}
	}
	for i, a := range l.addrs {
		for _, same := range l.addrs[:i] {
			if a == same {
				return n.Errorf(`a duplicate listen %s`, a)
			}
		}
	}
	for _, other := range b.listens {
		for _, a := range other.addrs {
			for _, mine := range l.addrs {
				if a == mine {
					return n.Errorf("a duplicate listen %s", n.Args[0])
				}
			}
		}
	}
	b.listens = append(b.listens, l)
	return nil
}

func (l *listenDirective) parameter(n *conf.Node, param string) error {
	name, value, assigned := strings.Cut(param, "=")
	if assigned {
		return l.valued(n, param, name, value)
	}
	switch name {
	case "default_server":
		l.defaultServer = true
	case "bind":
		l.bind, l.set = true, true
	case "deferred":
		l.options.DeferSecs = 1
		l.bind, l.set = true, true
	case "reuseport":
		l.options.ReusePort = true
		l.bind, l.set = true, true
	case "proxy_protocol":
		l.proxyProtocol = true
	case "handoff":
		if len(l.addrs) > 0 && !l.addrs[0].IsUnix() {
			return n.Errorf(`the "handoff" parameter is for unix sockets`)
		}
		l.options.Packets = true
		l.bind, l.set = true, true
	case "udp", "ssl":
		return n.Errorf(`the "%s" parameter is not supported by this version of weir`, name)
	default:
		return n.InvalidParam(param)
	}
	return nil
}

func (l *listenDirective) valued(n *conf.Node, param, name, value string) error {
	ok := true
	switch name {
	case "backlog":
		l.options.Backlog, ok = positive(conf.ParseInt(value))
	case "rcvbuf":
		l.options.RecvBuffer, ok = positive(conf.ParseSize(value))
	case "sndbuf":
		l.options.SendBuffer, ok = positive(conf.ParseSize(value))
	case "fastopen":
		l.options.FastOpen, ok = positive(conf.ParseInt(value))
	case "ipv6only":
		if value != "on" && value != "off" {
			return n.Errorf(`invalid ipv6only flags "%s"`, value)
		}
		l.options.IPv6Only = value == "on"
	case "so_keepalive":
		ok = l.keepAlive(value)
		if !ok {
			return n.Errorf(`invalid so_keepalive value: "%s"`, value)
		}
	default:
		return n.InvalidParam(param)
	}
	if !ok {
		return n.Errorf(`invalid %s "%s"`, name, param)
	}
	l.bind, l.set = true, true
	return nil
}

func positive(v int64, ok bool) (int, bool) { return int(v), ok && v > 0 }

// keepAlive reads on, off, or [idle]:[interval]:[count].
func (l *listenDirective) keepAlive(value string) bool {
	k := &l.options.KeepAlive
	k.Set = true
	if value == "on" || value == "off" {
		k.On = value == "on"
		return true
	}
	fields := strings.Split(value, ":")
	if len(fields) > 3 || strings.Trim(value, ":") == "" {
		return false
	}
	k.On = true
	for i, to := range []*int{&k.Idle, &k.Interval, &k.Count} {
		if i >= len(fields) || fields[i] == "" {
			continue
		}
		var v int64
		ok := false
		if i == 2 {
			var count uint64
			var err error
			count, err = strconv.ParseUint(fields[i], 10, 31)
			v, ok = int64(count), err == nil
		} else {
			v, ok = conf.ParseSec(fields[i])
		}
		if !ok || v <= 0 {
			return false
		}
		*to = int(v)
	}
	return true
}

// finishListeners makes the sockets' list: one for each address and port, but an address whose port a wildcard
// listens on too shares the wildcard's socket, unless it has options of its own (ngx_stream_optimize_servers).
func (b *Builder) finishListeners() error {
	byAddr := map[netio.Addr]*Listener{}
	withOptions := map[netio.Addr]bool{}
	bound := map[netio.Addr]bool{}
	var order []*Listener
	servers := map[*Listener][]*Server{}
	for _, block := range b.servers {
		for _, d := range block.listens {
			for _, a := range d.addrs {
				l := byAddr[a]
				if l == nil {
					l = &Listener{Addr: a, server: block.Server}
					byAddr[a] = l
					order = append(order, l)
				} else if d.set && withOptions[a] {
					return d.node.Errorf("duplicate listen options for %s", a)
				} else if len(block.Server.Names) == 0 && len(l.server.Names) == 0 {
					return d.node.Errorf("a duplicate default server for %s", a)
				}
				if d.defaultServer {
					l.server = block.Server
				}
				servers[l] = append(servers[l], block.Server)
				if d.set || l.Options == (netio.ListenOptions{}) {
					l.Options = d.options
				}
				withOptions[a] = withOptions[a] || d.set
				bound[a] = bound[a] || d.bind
				l.ProxyProtocol = l.ProxyProtocol || d.proxyProtocol
				l.Options.NoDelay = l.server.TCPNoDelay
			}
		}
	}
	b.Config.Listeners = shareWildcards(order, byAddr, bound)
	return b.nameServers(order, servers)
}

// nameServers lets sessions of an address with several servers be given to one by its name.
func (b *Builder) nameServers(order []*Listener, servers map[*Listener][]*Server) error {
	for _, l := range order {
		if len(servers[l]) < 2 {
			continue
		}
		l.names = newServerNames()
		for _, server := range servers[l] {
			if err := l.names.add(b, l, server); err != nil {
				return err
			}
		}
	}
	return nil
}

func shareWildcards(order []*Listener, byAddr map[netio.Addr]*Listener, bound map[netio.Addr]bool) []*Listener {
	var own []*Listener
	for _, l := range order {
		ip := l.Addr.AddrPort.Addr()
		if l.Addr.IsUnix() || ip.IsUnspecified() || bound[l.Addr] {
			own = append(own, l)
			continue
		}
		any := netip.IPv4Unspecified()
		if ip.Is6() {
			any = netip.IPv6Unspecified()
		}
		wildcard := byAddr[netio.Addr{AddrPort: netip.AddrPortFrom(any, l.Addr.AddrPort.Port())}]
		if wildcard == nil {
			own = append(own, l)
			continue
		}
		if wildcard.exact == nil {
			wildcard.exact = map[netip.AddrPort]*Listener{}
		}
		wildcard.exact[l.Addr.AddrPort] = l
	}
	return own
}
