package addr

import (
	"context"
	"net"
	"net/netip"
	"strconv"
	"time"
)

// Lookup finds the addresses of a host name. It may block: it is called while a configuration is read, never on a loop.
type Lookup func(host string) ([]netip.Addr, error)

// lookupTimeout bounds one name's lookup, so that a dead name server cannot hang a reload for ever.
const lookupTimeout = 30 * time.Second

// SystemLookup asks the system's resolver (hosts file included) for all of a name's addresses, IPv4 and IPv6. IPv6
// addresses are left out on a machine that has none but the loopback's, if any other is left (getaddrinfo with
// AI_ADDRCONFIG, which nginx uses).
func SystemLookup(host string) ([]netip.Addr, error) {
	if n, err := strconv.ParseUint(host, 10, 32); err == nil {
		// inet_aton: a number alone is an IPv4 address.
		return []netip.Addr{netip.AddrFrom4([4]byte{byte(n >> 24), byte(n >> 16), byte(n >> 8), byte(n)})}, nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), lookupTimeout)
	defer cancel()
	ips, err := net.DefaultResolver.LookupNetIP(ctx, "ip", host)
	if err != nil {
		return nil, err
	}
	for i := range ips {
		ips[i] = ips[i].Unmap()
	}
	return reachable(ips), nil
}

func reachable(ips []netip.Addr) []netip.Addr {
	if hasIPv6() {
		return ips
	}
	var v4 []netip.Addr
	for _, ip := range ips {
		if ip.Is4() {
			v4 = append(v4, ip)
		}
	}
	if len(v4) == 0 {
		return ips
	}
	return v4
}

// hasIPv6 tells whether an interface carries a global IPv6 address.
func hasIPv6() bool {
	addrs, err := net.InterfaceAddrs()
	if err != nil {
		return true
	}
	for _, a := range addrs {
		ipnet, ok := a.(*net.IPNet)
		if ok && ipnet.IP.To4() == nil && ipnet.IP.IsGlobalUnicast() {
			return true
		}
	}
	return false
}
