package netio

import (
	"net"
	"net/netip"
	"testing"

	"golang.org/x/sys/unix"
)

// TestSteer: new connections wait on the first sockets of an address only, until they may wait on all again.
func TestSteer(t *testing.T) {
	addr := Addr{AddrPort: netip.MustParseAddrPort("127.0.0.1:0")}
	var listeners []int
	for range 3 {
		fd, err := Listen(addr, &ListenOptions{ReusePort: true})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { unix.Close(fd) })
		addr = LocalAddr(fd)
		listeners = append(listeners, fd)
	}
	// arrived is how many of 100 connections each of them has got.
	arrived := func() [3]int {
		for range 100 {
			c, err := net.Dial("tcp", addr.String())
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
		}
		var n [3]int
		for i, listener := range listeners {
			for {
				fd, _, err := Accept(listener)
				if err != nil {
					break
				}
				unix.Close(fd)
				n[i]++
			}
		}
		return n
	}
	for _, first := range []int{2, 1, 0, 2} {
		if err := Steer(listeners[0], first); err != nil {
			t.Fatal(err)
		}
		for i, n := range arrived() {
			if want := first == 0 || i < first; (n > 0) != want {
				t.Errorf("steered to %d, socket %d of 3 got %d of 100 connections", first, i, n)
			}
		}
	}
}
