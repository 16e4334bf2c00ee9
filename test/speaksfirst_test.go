package test

import (
	"bufio"
	"io"
	"net"
	"testing"

	"golang.org/x/sys/unix"
)

// TestFirstBytesCompleteTheHandshake: where there is something to say when the upstream is connected to, it sees no packet before
// the one that says it; the third of the handshake would be one more. When the bytes are late (40 ms), the kernel sends that all
// the same; so one session of several suffices.
func TestFirstBytesCompleteTheHandshake(t *testing.T) {
	packets, accepted := make(chan int, 1), make(chan bool, 1)
	upstream := backend(t, func(conn net.Conn) {
		accepted <- true
		for lines := bufio.NewScanner(conn); lines.Scan() && lines.Text() != "hello"; {
		}
		packets <- packetsWithoutData(t, conn)
		io.WriteString(conn, "ok\n")
		io.Copy(io.Discard, conn)
	})
	s := start(t, `stream {
		server { listen {host}:9000; proxy_pass `+upstream+`; }
		server { listen {host}:9001 deferred; proxy_pass `+upstream+`; }
		server { listen {host}:9002; proxy_pass `+upstream+`; preread_by_lua_block { ngx.req.socket():peek(1) } }
		server { listen {host}:9003; proxy_pass `+upstream+`; proxy_protocol on; }
	}`)

	least := func(port int, silent bool) int {
		n := 1 << 30
		for range 20 {
			c := s.dial(port)
			if silent {
				<-accepted
			}
			c.send("hello\n")
			if !silent {
				<-accepted
			}
			n = min(n, <-packets)
			c.want("ok\n")
			c.Close()
		}
		return n
	}
	usual := least(9000, true)
	for _, port := range []int{9001, 9002, 9003} {
		if n := least(port, false); n >= usual {
			t.Errorf("by port %d the upstream received %d packets without data, %d from a client that waits for it", port, n, usual)
		}
	}
}

// packetsWithoutData is how many have come in on a connection.
func packetsWithoutData(t *testing.T, conn net.Conn) int {
	raw, err := conn.(*net.TCPConn).SyscallConn()
	if err != nil {
		t.Error(err)
		return 0
	}
	var info *unix.TCPInfo
	raw.Control(func(fd uintptr) { info, err = unix.GetsockoptTCPInfo(int(fd), unix.IPPROTO_TCP, unix.TCP_INFO) })
	if err != nil {
		t.Error(err)
		return 0
	}
	return int(info.Segs_in) - int(info.Data_segs_in)
}
