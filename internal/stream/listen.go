package stream

import (
	"slices"
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
	for _, a := range l.addrs {
		if slices.Contains(b.listens, a) {
			return n.Errorf("a duplicate listen %s", a)
		}
		b.listens = append(b.listens, a)
		if err := b.listenOn(a, l); err != nil {
			return err
		}
	}
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
		l.options.Backlog, ok = number(conf.ParseInt(value))
		ok = ok && l.options.Backlog != 0
	case "rcvbuf":
		l.options.RecvBuffer, ok = number(conf.ParseSize(value))
	case "sndbuf":
		l.options.SendBuffer, ok = number(conf.ParseSize(value))
	case "fastopen":
		l.options.FastOpen, ok = number(conf.ParseInt(value))
	case "ipv6only":
		switch {
		case !strings.HasPrefix(value, "o"):
			return n.InvalidParam(param)
		case value != "on" && value != "off":
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

// number allows zero, which is as if nothing were said.
func number(v int64, ok bool) (int, bool) { return int(v), ok }

// keepAlive reads on, off, or [idle]:[interval]:[count], the first two as times. What is zero is as the system has it.
func (l *listenDirective) keepAlive(value string) (ok bool) {
	k := &l.options.KeepAlive
	k.Set = true
	if value == "on" || value == "off" {
		k.On = value == "on"
		return true
	}
	k.On = true
	idle, rest, _ := strings.Cut(value, ":")
	interval, count, _ := strings.Cut(rest, ":")
	k.Idle, ok = keepAlivePart(idle, k.Idle, conf.ParseSec)
	if ok {
		k.Interval, ok = keepAlivePart(interval, k.Interval, conf.ParseSec)
	}
	if ok {
		k.Count, ok = keepAlivePart(count, k.Count, conf.ParseInt)
	}
	return ok && (k.Idle > 0 || k.Interval > 0 || k.Count > 0)
}

func keepAlivePart(text string, unset int, parse func(string) (int64, bool)) (v int, ok bool) {
	if text == "" {
		return unset, true
	}
	return number(parse(text))
}
