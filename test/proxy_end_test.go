package test

import (
	"io"
	"net"
	"regexp"
	"strings"
	"syscall"
	"testing"
)

const upstreamLine = `log_format up "$status $upstream_bytes_sent $upstream_bytes_received $upstream_session_time";
	access_log up.log up;`

// TestCutOffSessionsAreAccounted: a session that a shutdown's timeout ends is logged with what it has carried.
func TestCutOffSessionsAreAccounted(t *testing.T) {
	s := start(t, `worker_shutdown_timeout 50ms; stream { `+upstreamLine+`
		server { listen {host}:9000; proxy_pass `+echoBackend(t)+`; } }`)
	c := s.dial(9000)
	c.ask("abc", "abc")
	s.signal(syscall.SIGQUIT)
	c.wantAll("")
	s.waitExit()
	if line := s.read("up.log"); !strings.HasPrefix(line, "200 4 4 0.") {
		t.Errorf("%q", line)
	}
}

// TestResetsAreTold: that a side has reset is said once, by reading or by writing, whichever came first.
func TestResetsAreTold(t *testing.T) {
	peer := backend(t, func(conn net.Conn) {
		kind := make([]byte, 1)
		io.ReadFull(conn, kind)
		if kind[0] == 'r' {
			conn.(*net.TCPConn).SetLinger(0)
			return
		}
		for chunk := make([]byte, 1<<16); ; {
			if _, err := conn.Write(chunk); err != nil {
				return
			}
		}
	})
	s := start(t, `stream { log_format end $status; access_log end.log end; server { listen {host}:9000; proxy_pass `+peer+`; } }`)
	s.allow("104: Connection reset by peer")

	c := s.dial(9000)
	c.send("r")
	c.wantAll("")
	s.waitLog(`\[error\].* recv\(\) failed \(104: Connection reset by peer\) while proxying and reading from upstream`)
	s.waitLog("upstream disconnected")

	c = s.dial(9000)
	c.send("d")
	io.ReadFull(c, make([]byte, 1<<20))
	c.Conn.(*net.TCPConn).SetLinger(0)
	c.Close()
	eventually(t, "the end of both", func() bool { return s.read("end.log") == "200\n200\n" })
	told := regexp.MustCompile(`\[info\].* (recv|send)\(\) failed .*while proxying and (reading from|sending to) client`)
	if lines := told.FindAllString(s.log(), -1); len(lines) != 1 {
		t.Errorf("%q", lines)
	}
}

// TestHalfCloseNamesWhoEndsLast, and a peer without a word has a time of its first byte, that of its end.
func TestHalfCloseNamesWhoEndsLast(t *testing.T) {
	peer := backend(t, func(conn net.Conn) {
		io.WriteString(conn, "first")
		conn.(*net.TCPConn).CloseWrite()
		io.Copy(io.Discard, conn)
	})
	s := start(t, `stream {
		log_format first "$upstream_first_byte_time"; access_log first.log first;
		server { listen {host}:9000; proxy_half_close on; proxy_pass `+peer+`; }
		server { listen {host}:9001; proxy_pass `+backend(t, func(net.Conn) {})+`; } }`)
	c := s.dial(9000)
	c.wantAll("first")
	c.Close()
	s.waitLog(`client disconnected, bytes from/to client:0/5`)
	s.dial(9001).wantAll("")
	eventually(t, "two lines", func() bool { return strings.Count(s.read("first.log"), "0.0") == 2 })
}

// TestUnixPeerInTheLog: a socket without a name is unix:.
func TestUnixPeerInTheLog(t *testing.T) {
	s := start(t, `stream { server { listen {host}:9000; proxy_pass unix:{dir}/peer; }
		server { listen unix:{dir}/peer; return fine; } }`)
	s.dial(9000).wantAll("fine")
	s.waitLog(`proxy unix: connected to unix:` + s.path("peer"))
}

// TestBrokenAdditionIsToldOnce: a variable of an addition that cannot be read is evaluated once in a session.
func TestBrokenAdditionIsToldOnce(t *testing.T) {
	s := start(t, `stream { log_format tlv "$proxy_protocol_tlv_alpn"; access_log a.log tlv; access_log b.log tlv;
		server { listen {host}:9000 proxy_protocol; return "[$proxy_protocol_tlv_alpn]"; } }`)
	c := s.dial(9000)
	c.send("\r\n\r\n\x00\r\nQUIT\n\x21\x11\x00\x0f" + "\x7f\x00\x00\x01\x7f\x00\x00\x01\x00\x01\x00\x02" + "\x01\x00\x09")
	c.wantAll("[]")
	eventually(t, "the logs", func() bool { return s.read("a.log") != "" && s.read("b.log") != "" })
	s.waitLogs("broken PROXY protocol TLV", 1)
	s.allow("broken PROXY protocol TLV")
}

// TestDeadPeerOfHalfClose: with proxy_half_close small messages to a peer that has gone end the session.
func TestDeadPeerOfHalfClose(t *testing.T) {
	s := start(t, `stream { server { listen {host}:9000; proxy_half_close on; proxy_timeout 1h;
		proxy_pass `+backend(t, func(conn net.Conn) { io.WriteString(conn, "bye") })+`; } }`)
	c := s.dial(9000)
	c.want("bye")
	eventually(t, "the client to be told", func() bool {
		_, err := io.WriteString(c, "small")
		return err != nil
	})
	s.waitLog("while proxying and sending to upstream")
}
