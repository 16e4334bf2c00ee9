package proxyproto

import (
	"encoding/binary"
	"net/netip"
	"strconv"
)

// AppendV1 appends a version 1 header for a connection from src to dst: TCP4 or TCP6, or UNKNOWN when src is not valid, as
// with unix sockets. A dst that is not valid is written as zeros. Addresses of different families are both written as IPv6.
func AppendV1(buf []byte, src, dst netip.AddrPort) []byte {
	if !src.IsValid() {
		return append(buf, "PROXY UNKNOWN\r\n"...)
	}
	a, b := sameFamily(src, dst)
	family := "PROXY TCP6 "
	if a.Is4() {
		family = "PROXY TCP4 "
	}
	buf = a.AppendTo(append(buf, family...))
	buf = b.AppendTo(append(buf, ' '))
	buf = strconv.AppendUint(append(buf, ' '), uint64(src.Port()), 10)
	buf = strconv.AppendUint(append(buf, ' '), uint64(dst.Port()), 10)
	return append(buf, "\r\n"...)
}

// AppendV2 appends a version 2 header for a TCP connection from src to dst, with TLVs; the addresses are written as by
// AppendV1. When src is not valid the header is LOCAL: the connection's own addresses count. The only error is ErrTooLarge;
// buf is then returned as it was.
func AppendV2(buf []byte, src, dst netip.AddrPort, tlvs ...TLV) ([]byte, error) {
	start := len(buf)
	buf = append(buf, signature...)
	if src.IsValid() {
		a, b := sameFamily(src, dst)
		family := byte(tcp6)
		if a.Is4() {
			family = tcp4
		}
		buf = append(buf, 2<<4|commandProxy, family, 0, 0)
		buf = append(append(buf, a.AsSlice()...), b.AsSlice()...)
		buf = binary.BigEndian.AppendUint16(buf, src.Port())
		buf = binary.BigEndian.AppendUint16(buf, dst.Port())
	} else {
		buf = append(buf, 2<<4|commandLocal, unspec, 0, 0)
	}
	buf, err := AppendTLVs(buf, tlvs...)
	size := len(buf) - start - fixed
	if err != nil || size > 0xffff {
		return buf[:start], ErrTooLarge
	}
	binary.BigEndian.PutUint16(buf[start+fixed-2:], uint16(size))
	return buf, nil
}

// sameFamily is the addresses as a header can have them: both IPv4, or both IPv6, where one of IPv4 is mapped.
func sameFamily(src, dst netip.AddrPort) (a, b netip.Addr) {
	a, b = src.Addr().Unmap(), dst.Addr().Unmap()
	switch {
	case !b.IsValid() && a.Is4():
		b = netip.IPv4Unspecified()
	case !b.IsValid():
		b = netip.IPv6Unspecified()
	case a.Is4() != b.Is4():
		a, b = netip.AddrFrom16(a.As16()), netip.AddrFrom16(b.As16())
	}
	return a.WithZone(""), b.WithZone("")
}
