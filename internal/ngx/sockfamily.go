package ngx

import (
	"strconv"

	"github.com/weirproxy/weir/internal/luajit"
)

// socketFamily is ngx.socket and ngx.req.socket.
var socketFamily = family{
	name: "socket",
	lua:  "socket.lua",
	primitives: []primitive{
		{name: "sock_keep", run: keepSockets, opt: luajit.Options{Refs: 63}},
		{name: "sock_tcp", run: newTCP, in: yieldable, opt: luajit.Options{Fast: luajit.FastNew}},
		{name: "sock_request", run: requestSocket, in: inClient | inBalancer,
			opt: luajit.Options{Fast: luajit.FastClient}},
		{name: "sock_collect", run: collectSocket,
			opt: luajit.Options{Boxes: 1, Fast: luajit.FastCollect}},
		{name: "sock_collect_pattern", run: collectPattern, opt: luajit.Options{Boxes: 1}},
		{name: "sock_connect", run: connect, in: yieldable,
			opt: luajit.Options{Boxes: 1, Fields: []string{"pool_size", "backlog", "pool"}}},
		{name: "sock_bind", run: bind, in: yieldable, opt: luajit.Options{Boxes: 1}},
		{name: "sock_receive", run: receive, in: anywhere,
			opt: luajit.Options{Boxes: 1, Fast: luajit.FastLine}},
		{name: "sock_receiveany", run: receiveAny, in: anywhere, opt: luajit.Options{Boxes: 1}},
		{name: "sock_receiveuntil", run: receiveUntil, in: anywhere,
			opt: luajit.Options{Boxes: 1, Fields: []string{"inclusive"}}},
		{name: "sock_iterate", run: iterate, in: anywhere, opt: luajit.Options{Boxes: 3}},
		{name: "sock_peek", run: peek, in: peekable | inBalancer,
			opt: luajit.Options{Boxes: 1, Fast: luajit.FastPeek}},
		{name: "sock_send", run: send, in: anywhere,
			opt: luajit.Options{Boxes: 1, Flat: 2, FlatMode: luajit.FlattenSend, Fast: luajit.FastSend}},
		{name: "sock_close", run: closeSocket, in: anywhere, opt: luajit.Options{Boxes: 1}},
		{name: "sock_shutdown", run: shutdown, in: anywhere, opt: luajit.Options{Boxes: 1}},
		{name: "sock_settimeout", run: setTimeout, opt: luajit.Options{Boxes: 1}},
		{name: "sock_settimeouts", run: setTimeouts, opt: luajit.Options{Boxes: 1}},
		{name: "sock_settransparent", run: setTransparent, in: yieldable, opt: luajit.Options{Boxes: 1}},
		{name: "sock_setkeepalive", run: setKeepalive, in: anywhere, opt: luajit.Options{Boxes: 1}},
		{name: "sock_getreusedtimes", run: getReusedTimes, opt: luajit.Options{Boxes: 1}},
		{name: "sock_setoption", run: setOption, opt: luajit.Options{Boxes: 1}},
		{name: "sock_getoption", run: getOption, opt: luajit.Options{Boxes: 1}},
		{name: "sock_getfd", run: getFd, in: anywhere, opt: luajit.Options{Boxes: 1}},
		{name: "sock_sslhandshake", run: noTLS, in: anywhere, opt: luajit.Options{Boxes: 1}},
		{name: "sock_udp", run: noUDP},
	},
}

// keepSockets(tcp, request, box, patternBox, iterate, glimpse) keeps what lua/socket.lua has made.
func keepSockets(m *machine, c *luajit.Call) luajit.Outcome {
	all := socketSlot.of(m)
	all.tcp, all.request, all.box, all.patternBox, all.iterate = c.Ref(1), c.Ref(2), c.Ref(3), c.Ref(4), c.Ref(5)
	all.glimpse = c.Ref(6)
	m.vm.SetBoxes(all.tcp, all.box, &m.shared.phase, int32(yieldable))
	m.vm.SetClientBoxes(all.request, int32(inClient), int32(peekable))
	return luajit.Return
}

// newTCP() is ngx.socket.tcp, where C does not do it: then Go makes the socket when it is first used.
func newTCP(m *machine, c *luajit.Call) luajit.Outcome {
	if n := c.Len(); n != 0 {
		return c.Raise("expecting zero arguments, but got " + strconv.Itoa(n))
	}
	m.newSocket().push(&c.Values)
	return luajit.Return
}

// noTLS(self, …) is sock:sslhandshake for now.
func noTLS(m *machine, c *luajit.Call) luajit.Outcome {
	s, out, ok := m.self(c)
	switch {
	case !ok:
		return out
	case s == nil || s.conn == nil || s.readClosed || s.writeClosed:
		return failure(c, "closed")
	case s.foreign():
		return c.Raise(badRequest)
	}
	return failure(c, "TLS on cosockets is not supported by this version of weir")
}

// noUDP() is ngx.socket.udp for now.
func noUDP(_ *machine, c *luajit.Call) luajit.Outcome {
	return c.Raise("ngx.socket.udp is not supported by this version of weir")
}
