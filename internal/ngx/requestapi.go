package ngx

import (
	"net/netip"

	"golang.org/x/sys/unix"

	"github.com/weirproxy/weir/internal/luajit"
)

// requestFamily is what ngx.req has besides the socket.
var requestFamily = family{
	name: "request",
	lua:  "request.lua",
	primitives: []primitive{
		{name: "start_time", run: startTime, in: anywhere},
		{name: "original_addr", run: originalAddr, in: anywhere},
	},
}

// startTime() is when the session was accepted, in seconds since 1970.
func startTime(m *machine, c *luajit.Call) luajit.Outcome {
	s := m.req.session
	if s == nil {
		c.PushNumber(0)
		return luajit.Return
	}
	c.PushNumber(float64(s.Started) / 1000)
	return luajit.Return
}

// originalAddr() is where the client wanted to go before the firewall redirected it (SO_ORIGINAL_DST).
func originalAddr(m *machine, c *luajit.Call) luajit.Outcome {
	s := m.req.session
	if s == nil || !s.Client.IsOpen() {
		return failure(c, "no original destination")
	}
	const originalDestination = 80 // linux/netfilter_ipv4.h
	raw, err := unix.GetsockoptIPv6Mreq(s.Client.Fd(), unix.IPPROTO_IP, originalDestination)
	if err != nil {
		return failure(c, "failed to get IPv4 origin addr")
	}
	address := raw.Multiaddr // a sockaddr_in
	c.PushString(netip.AddrFrom4([4]byte(address[4:8])).String())
	return luajit.Return
}
