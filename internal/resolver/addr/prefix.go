package addr

import (
	"net/netip"
	"strconv"
	"strings"
)

// ParsePrefix reads an IP address or a network in CIDR form, as allow, geo and set_real_ip_from take them
// (ngx_ptocidr). exact is false when the address has bits beyond the mask; they are cleared in prefix.
func ParsePrefix(text string) (prefix netip.Prefix, exact, ok bool) {
	host, mask, masked := strings.Cut(text, "/")
	ip, ok := ParseIP(host)
	if !ok {
		return netip.Prefix{}, false, false
	}
	bits := ip.BitLen()
	if masked {
		n, err := strconv.ParseUint(mask, 10, 8)
		if err != nil || mask[0] == '+' || int(n) > bits {
			return netip.Prefix{}, false, false
		}
		bits = int(n)
	}
	prefix = netip.PrefixFrom(ip, bits).Masked()
	return prefix, prefix.Addr() == ip, true
}
