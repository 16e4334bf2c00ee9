package test

import (
	"crypto/tls"
	"testing"
)

// TestHandoffTellsWhatPrereadFound has the receiver be told what the client's first bytes say, and get the bytes.
func TestHandoffTellsWhatPrereadFound(t *testing.T) {
	w := newWorkspace(t)
	w.write("nginx.conf", `stream {
		server { listen {host}:9000; preread_protocol on; handoff unix:{dir}/r; }
		server { listen {host}:9001; ssl_preread on; handoff unix:{dir}/r; }
		server { listen {host}:9002; preread_protocol on; pass {host}:9003; }
		server { listen {host}:9003; handoff unix:{dir}/r; }
		server { listen {host}:9004; preread_protocol on; handoff unix:{dir}/weir; }
		server { listen unix:{dir}/weir handoff; handoff unix:{dir}/r; }
	}`)
	l := w.receive("r")
	s := w.start()
	for port, protocol := range map[int]string{9000: "tls", 9001: "", 9002: "tls", 9004: "tls"} {
		c := s.dial(port)
		go tls.Client(c, &tls.Config{ServerName: "example.com", NextProtos: []string{"h2", "http/1.1"}}).Handshake()
		conn := takeOver(t, l)
		if conn.Protocol != protocol || conn.SNI != "example.com" || conn.ALPN != "h2,http/1.1" {
			t.Errorf("%d: metadata %+v", port, conn.Metadata)
		}
		wantFrom(t, conn, "\x16\x03\x01")
		conn.Close()
	}
	c := s.dial(9000)
	c.send("SSH-2.0-test\r\n")
	conn := takeOver(t, l)
	if conn.Protocol != "ssh" || conn.SNI != "" {
		t.Errorf("metadata %+v", conn.Metadata)
	}
	wantFrom(t, conn, "SSH-2.0-test\r\n")
}
