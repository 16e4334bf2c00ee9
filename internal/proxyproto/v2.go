package proxyproto

import (
	"encoding/binary"
	"fmt"
	"net/netip"
)

const signature = "\r\n\r\n\x00\r\nQUIT\n"

// fixed is the size of version 2's part before the addresses: the signature, version and command, family and
// transport, and the length of all that follows.
const fixed = len(signature) + 4

const (
	commandLocal = 0
	commandProxy = 1

	unspec = 0x00
	tcp4   = 0x11
	tcp6   = 0x21
)

func (h *Header) parseV2(data []byte) (int, error) {
	h.Version = 2
	if len(data) > len(signature) {
		if version := data[len(signature)] >> 4; version != 2 {
			return 0, fmt.Errorf("unknown PROXY protocol version: %d", version)
		}
	}
	if len(data) < fixed {
		return 0, ErrMore
	}
	size := fixed + int(binary.BigEndian.Uint16(data[fixed-2:]))
	if size > MaxSize {
		return 0, ErrTooLarge
	}
	if len(data) < size {
		return 0, ErrMore
	}
	if !h.readV2(data[len(signature)]&0xf, data[len(signature)+1], data[fixed:size]) {
		return 0, Broken(data[:size])
	}
	return size, nil
}

// readV2 reads the addresses and finds where the TLVs begin. What nginx makes no use of, it does not look at.
func (h *Header) readV2(command, family byte, body []byte) bool {
	n := addressesSize(family)
	if len(body) < n {
		return command != commandProxy || family != tcp4 && family != tcp6
	}
	h.TLVs = body[n:]
	if command != commandProxy {
		return true
	}
	switch family {
	case tcp4:
		h.Source = addrPort(netip.AddrFrom4([4]byte(body)), body[8:])
		h.Destination = addrPort(netip.AddrFrom4([4]byte(body[4:])), body[10:])
	case tcp6:
		h.Source = addrPort(netip.AddrFrom16([16]byte(body)), body[32:])
		h.Destination = addrPort(netip.AddrFrom16([16]byte(body[16:])), body[34:])
	}
	return true
}

// addressesSize is how many bytes of addresses a family has.
func addressesSize(family byte) int {
	switch family >> 4 {
	case 1: // AF_INET
		return 12
	case 2: // AF_INET6
		return 36
	case 3: // AF_UNIX
		return 216
	}
	return 0
}

func addrPort(ip netip.Addr, port []byte) netip.AddrPort {
	return netip.AddrPortFrom(ip, binary.BigEndian.Uint16(port))
}
