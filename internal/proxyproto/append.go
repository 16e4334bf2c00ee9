package proxyproto

import (
	"net/netip"
	"strconv"
)

// AppendV1 appends a version 1 header for a connection from src to dst: TCP4, TCP6, or UNKNOWN when either is not an
// IP address or they are of different families.
func AppendV1(buf []byte, src, dst netip.AddrPort) []byte {
	if !src.IsValid() || !dst.IsValid() || src.Addr().Is4() != dst.Addr().Is4() {
		return append(buf, "PROXY UNKNOWN\r\n"...)
	}
	family := "PROXY TCP6 "
	if src.Addr().Is4() {
		family = "PROXY TCP4 "
	}
	buf = src.Addr().AppendTo(append(buf, family...))
	buf = dst.Addr().AppendTo(append(buf, ' '))
	buf = strconv.AppendUint(append(buf, ' '), uint64(src.Port()), 10)
	buf = strconv.AppendUint(append(buf, ' '), uint64(dst.Port()), 10)
	return append(buf, "\r\n"...)
}
