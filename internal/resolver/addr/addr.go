// Package addr reads socket addresses as nginx's configuration writes them:
//
//	127.0.0.1:80   [::1]:80   example.com:80   unix:/run/app.sock
//	*:80   80   12345-12399                     (listening only)
//
// Parse is for all directives that take an address: listen, server, proxy_pass, proxy_bind, resolver. Its errors are
// nginx's bare reasons ("invalid port"); the directive adds the rest (` in upstream "x"`).
//
// The package opens no socket. A host name is looked up while parsing, by the system's resolver, unless the caller
// gives a Lookup of its own or asks for none.
package addr

import (
	"net/netip"
	"strconv"
	"strings"
)

// Addr is one socket address: an IP address with a port, or the path of a unix socket. It is comparable.
type Addr struct {
	// AddrPort is the address when Path is empty.
	AddrPort netip.AddrPort
	// Path is the unix socket's path, without the "unix:" prefix.
	Path string
}

// FromIP makes the address of ip and port.
func FromIP(ip netip.Addr, port uint16) Addr {
	return Addr{AddrPort: netip.AddrPortFrom(ip, port)}
}

// IsUnix tells whether the address is a unix socket.
func (a Addr) IsUnix() bool { return a.Path != "" }

// IsValid tells whether the address is set at all.
func (a Addr) IsValid() bool { return a.Path != "" || a.AddrPort.IsValid() }

// String is the form nginx prints in $upstream_addr and in its log: 1.2.3.4:80, [::1]:80, unix:/path.
func (a Addr) String() string {
	if a.IsUnix() || !a.AddrPort.IsValid() { // or a unix socket without a name
		return "unix:" + a.Path
	}
	return a.AddrPort.String()
}

// ParseIP reads an IP address as nginx does: IPv4 with decimal octets of any length (so "010.0.0.1" is 10.0.0.1), or
// IPv6 without brackets and without a scope (ngx_inet_addr, ngx_inet6_addr).
func ParseIP(text string) (ip netip.Addr, ok bool) {
	if ip, ok = parseIPv4(text); ok {
		return ip, true
	}
	return parseIPv6(text)
}

func parseIPv4(text string) (netip.Addr, bool) {
	var octets [4]byte
	parts := strings.Split(text, ".")
	if len(parts) != len(octets) {
		return netip.Addr{}, false
	}
	for i, part := range parts {
		n, err := strconv.ParseUint(part, 10, 8)
		if err != nil || part[0] == '+' {
			return netip.Addr{}, false
		}
		octets[i] = byte(n)
	}
	return netip.AddrFrom4(octets), true
}

func parseIPv6(text string) (netip.Addr, bool) {
	ip, err := netip.ParseAddr(text)
	if err != nil || !ip.Is6() || ip.Zone() != "" {
		return netip.Addr{}, false
	}
	return ip, true
}

// ParseAddrPort reads an IP address with or without a port, which is 0 then. IPv6 may stand without brackets if there is
// none (ngx_parse_addr_port).
func ParseAddrPort(text string) (a Addr, ok bool) {
	if ip, ok := ParseIP(text); ok {
		return FromIP(ip, 0), true
	}
	parsed, err := Parse(text, Options{NoResolve: true})
	if err != nil || len(parsed.Addrs) == 0 || parsed.Addrs[0].IsUnix() {
		return Addr{}, false
	}
	return parsed.Addrs[0], true
}

// maxUnixPath is the longest path that fits sockaddr_un with its closing zero byte.
const maxUnixPath = 107
