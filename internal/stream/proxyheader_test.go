package stream_test

import (
	"net"
	"net/netip"
	"strings"
	"testing"

	"github.com/weirproxy/weir/internal/proxyproto"
	"github.com/weirproxy/weir/internal/stream/returns"
	"github.com/weirproxy/weir/internal/stream/streamtest"
)

const proxyServer = `
	proxy_protocol_timeout 100ms;
	server { listen 127.0.0.1:%PORT% proxy_protocol;
		return "$proxy_protocol_addr $proxy_protocol_port $proxy_protocol_server_addr $proxy_protocol_server_port $proxy_protocol_tlv_alpn"; }
	server { listen unix:%DIR%/s; return "$proxy_protocol_addr|$proxy_protocol_port|$proxy_protocol_tlv_0x01"; }`

func TestProxyHeader(t *testing.T) {
	s := streamtest.Start(t, proxyServer, returns.Module)
	src, dst := netip.MustParseAddrPort("[2001:db8::1]:1"), netip.MustParseAddrPort("[2001:db8::2]:2")
	v2, err := proxyproto.AppendV2(nil, src, dst, proxyproto.TLV{Type: proxyproto.TypeALPN, Value: []byte("h2")})
	if err != nil {
		t.Fatal(err)
	}
	local, err := proxyproto.AppendV2(nil, netip.AddrPort{}, dst)
	if err != nil {
		t.Fatal(err)
	}
	for header, want := range map[string]string{
		"PROXY TCP4 192.0.2.1 192.0.2.2 1234 5678\r\n": "192.0.2.1 1234 192.0.2.2 5678 ",
		"PROXY TCP6 ::1 ::2 0 5678\r\n":                "::1  ::2 5678 ",
		"PROXY UNKNOWN\r\n":                            "    ",
		string(v2):                                     "2001:db8::1 1 2001:db8::2 2 h2",
		string(local):                                  "    ",
	} {
		if got := s.Ask(0, header); got != want {
			t.Errorf("%q: %q, want %q", header, got, want)
		}
	}
	if got := s.Ask(1, ""); got != "||" {
		t.Errorf("without a header: %q", got)
	}
}

// TestProxyHeaderInPieces sends a header byte by byte.
func TestProxyHeaderInPieces(t *testing.T) {
	s := streamtest.Start(t, strings.Replace(proxyServer, "100ms", "10s", 1), returns.Module)
	c := s.Dial(0)
	for _, b := range []byte("PROXY TCP4 192.0.2.1 192.0.2.2 1234 5678\r\n") {
		s.Send(c, string(b))
		s.Settle()
	}
	if got := s.ReadAll(c); got != "192.0.2.1 1234 192.0.2.2 5678 " {
		t.Errorf("%q", got)
	}
}

func TestBadProxyHeader(t *testing.T) {
	s := streamtest.Start(t, proxyServer, returns.Module)
	for _, tc := range []struct {
		send   string
		finish bool // end sending
		log    string
	}{
		{"PROXY TCP5 a b c d\r\n", false, `broken header: "PROXY TCP5 a b c d" while reading PROXY protocol, client: 127.0.0.1`},
		{"hello", false, `broken header: "hello" while reading PROXY protocol`},
		{"PROXY TC", true, `broken header: "PROXY TC" while reading PROXY protocol`},
		{"", true, `broken header: "" while reading PROXY protocol`},
		{"\r\n\r\n\x00\r\nQUIT\n\x11", false, `unknown PROXY protocol version: 1 while reading PROXY protocol`},
		{"\r\n\r\n\x00\r\nQUIT\n\x21\x11\xff\xff", false, `header is too large while reading PROXY protocol`},
		{"PROXY TCP4", false, `client timed out (110: Connection timed out) while reading PROXY protocol`},
	} {
		before := s.ErrorLog()
		c := s.Dial(0)
		if tc.send != "" {
			s.Send(c, tc.send)
		}
		if tc.finish {
			c.(*net.TCPConn).CloseWrite()
		}
		c.Read(make([]byte, 1)) // the end, or a reset for the bytes that were not read
		s.Settle()
		if log := strings.TrimPrefix(s.ErrorLog(), before); !strings.Contains(log, tc.log) {
			t.Errorf("%q: no %q in:\n%s", tc.send, tc.log, log)
		}
	}
}

func TestUnknownTLV(t *testing.T) {
	s := streamtest.Start(t, `server { listen unix:%DIR%/s proxy_protocol; return "<$proxy_protocol_tlv_nope>"; }`, returns.Module)
	if got := s.Ask(0, "PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n"); got != "<>" {
		t.Errorf("%q", got)
	}
	if log := s.ErrorLog(); !strings.Contains(log, `unknown PROXY protocol TLV "nope"`) {
		t.Error(log)
	}
}
