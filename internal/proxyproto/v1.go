package proxyproto

import (
	"bytes"
	"net/netip"
	"strconv"
	"strings"
)

// maxV1 is the longest line of version 1 with addresses, its CR and LF included. One of UNKNOWN is limited by MaxSize alone.
const maxV1 = 107

func (h *Header) parseV1(data []byte) (int, error) {
	h.Version = 1
	if rest := data[min(len(data), len("PROXY ")):]; !begins(rest, "TCP4 ") && !begins(rest, "TCP6 ") && !begins(rest, "UNKNOWN") {
		return 0, Broken(data)
	}
	limit := maxV1
	if bytes.HasPrefix(data, []byte("PROXY UNKNOWN")) {
		limit = MaxSize
	}
	line := data[:min(len(data), limit)]
	end := bytes.IndexByte(line, '\n') - 1
	switch {
	case end == -2 && len(line) < limit:
		return 0, ErrMore
	case end < len("PROXY ") || line[end] != '\r':
		return 0, Broken(data)
	}
	if !h.readV1(string(line[len("PROXY "):end])) {
		return 0, Broken(data)
	}
	return end + 2, nil
}

// readV1 reads what stands between "PROXY " and the end of the line. Its first word is one of the three.
func (h *Header) readV1(text string) bool {
	if strings.HasPrefix(text, "UNKNOWN") {
		return true // and what follows is not looked at
	}
	var fields [5]string
	if !split(text, &fields) {
		return false
	}
	var ok1, ok2 bool
	h.Source, ok1 = address(fields[1], fields[3])
	h.Destination, ok2 = address(fields[2], fields[4])
	return ok1 && ok2
}

// split cuts text at each space; there must be exactly as many fields.
func split(text string, fields *[5]string) bool {
	n, from := 0, 0
	for i := 0; i <= len(text); i++ {
		if i < len(text) && text[i] != ' ' {
			continue
		}
		if n == len(fields) {
			return false
		}
		fields[n] = text[from:i]
		n, from = n+1, i+1
	}
	return n == len(fields)
}

func address(ip, port string) (netip.AddrPort, bool) {
	addr, err := netip.ParseAddr(ip)
	if err != nil || addr.Zone() != "" {
		return netip.AddrPort{}, false
	}
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil {
		return netip.AddrPort{}, false
	}
	return netip.AddrPortFrom(addr, uint16(n)), true
}
