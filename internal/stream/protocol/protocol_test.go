package protocol_test

import (
	"net"
	"strings"
	"testing"
	"time"

	"github.com/weirproxy/weir/internal/detect/flights"
	"github.com/weirproxy/weir/internal/stream/pass"
	"github.com/weirproxy/weir/internal/stream/protocol"
	"github.com/weirproxy/weir/internal/stream/returns"
	"github.com/weirproxy/weir/internal/stream/sslpreread"
	"github.com/weirproxy/weir/internal/stream/streamtest"
)

func start(t *testing.T, text string) *streamtest.Server {
	return streamtest.Start(t, text, protocol.Module, sslpreread.Module, returns.Module)
}

// TestCaptured sends real first flights at once and byte by byte.
func TestCaptured(t *testing.T) {
	s := start(t, `server { listen 127.0.0.1:%PORT%; preread_protocol on; preread_protocol_timeout 20s; return $preread_protocol; }`)
	captured := flights.Glob(t, "../../detect/testdata/*.hex")
	for _, f := range flights.Glob(t, "../../clienthello/testdata/*.hex") {
		captured = append(captured, flights.Flight{Name: "tls_" + f.Name, First: f.First})
	}
	for _, f := range captured {
		name, first := f.Name, f.First
		if got := s.Ask(0, first); got == "" || !strings.HasPrefix(name, got+"_") {
			t.Errorf("%s: %q", name, got)
		}
		if got := byteByByte(s, first); got == "" || !strings.HasPrefix(name, got+"_") {
			t.Errorf("%s, byte by byte: %q", name, got)
		}
	}
}

// byteByByte sends first so that each byte is looked at before the next comes.
func byteByByte(s *streamtest.Server, first string) string {
	c := s.Dial(0)
	for i := range len(first) {
		if _, err := c.Write([]byte(first[i : i+1])); err != nil {
			break // answered before the end
		}
		s.Settle()
	}
	return s.ReadAll(c)
}

func TestVariables(t *testing.T) {
	s := start(t, `preread_protocol_timeout 20s;
		server { listen 127.0.0.1:%PORT%; preread_protocol on;
			return "$preread_protocol|$preread_http_host|$ssl_preread_server_name|$ssl_preread_alpn_protocols|$ssl_preread_protocol|$ssl_preread_ja4"; }
		server { listen 127.0.0.1:%PORT1%; return "$preread_protocol|$preread_http_host"; }
		server { listen 127.0.0.1:%PORT2%; preread_protocol on; ssl_preread on; return "$preread_protocol|$ssl_preread_server_name"; }`)
	hello := flights.Read(t, "../../clienthello/testdata/go_ech.hex")
	for _, tc := range []struct {
		port        int
		first, want string
	}{
		{0, hello, "tls||public.example.net|h2|TLSv1.3|t13d0310h2_55b375c5d22e_75ab3bfddadf"},
		{0, "GET / HTTP/1.1\r\nHost: WWW.Example.com:80\r\n\r\n", "http|www.example.com||||"},
		{0, "GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\n\r\n", "websocket|a||||"},
		{0, "SSH-2.0-Go\r\n", "ssh|||||"},
		{0, "\x16\x03\x01\x00\x08\x01\x00\x00\x01\x00\x00\x00\x00", "tls|||||"}, // malformed
		{0, "what is this?", "unknown|||||"},
		{1, hello, "|"},
		{2, hello, "tls|public.example.net"},
		{2, "SSH-2.0-Go\r\n", "ssh|"},
	} {
		release := s.Pause() // the bytes are there before a server answers that does not wait for them
		c := s.Dial(tc.port)
		s.Send(c, tc.first)
		release()
		if got := s.ReadAll(c); got != tc.want {
			t.Errorf("%q: %q, want %q", tc.first, got, tc.want)
		}
	}
}

// TestSilence has clients that do not say what they speak.
func TestSilence(t *testing.T) {
	s := start(t, `server { listen 127.0.0.1:%PORT%; preread_protocol on; ssl_preread on; preread_protocol_timeout 60ms; return $preread_protocol; }
		server { listen 127.0.0.1:%PORT1%; preread_protocol on; preread_protocol_timeout 20s; return $preread_protocol; }`)
	for _, first := range []string{"", "PRI * HTTP", "get a"} {
		began := time.Now()
		if got := s.Ask(0, first); got != "unknown" || time.Since(began) < 50*time.Millisecond {
			t.Errorf("%q: %q after %v", first, got, time.Since(began))
		}
	}
	for first, want := range map[string]string{"PRI * HTTP": "unknown", "GET / HTTP/1.1\r\n": "http", "\x16\x03\x01\x02\x00\x01": "tls", "": ""} {
		c := s.Dial(1)
		s.Send(c, first)
		c.(*net.TCPConn).CloseWrite()
		if got := s.ReadAll(c); got != want {
			t.Errorf("%q and the end: %q, want %q", first, got, want)
		}
	}
}

// TestPatience has clients that stop in the middle of what they have begun: preread_timeout is for them.
func TestPatience(t *testing.T) {
	s := start(t, `server { listen 127.0.0.1:%PORT%; preread_protocol on; preread_protocol_timeout 30ms; preread_timeout 300ms; return $preread_protocol; }
		server { listen 127.0.0.1:%PORT1%; preread_protocol on; preread_protocol_timeout 1ms; return $preread_protocol; }`)
	hello := flights.Read(t, "../../clienthello/testdata/curl.hex")
	for _, first := range []string{hello[:100], "GET / HTTP/1.1\r\nHost: a\r\n"} {
		began := time.Now()
		if got := s.AskOrReset(0, first); got != "" || time.Since(began) < 290*time.Millisecond {
			t.Errorf("%q: %q after %v", first, got, time.Since(began))
		}
		rest := "\r\n"
		if first == hello[:100] {
			rest = hello[100:]
		}
		resume := s.Pause() // what has begun is there when weir first looks
		c := s.Dial(1)
		s.Send(c, first)
		resume()
		s.Settle()
		waited := make(chan struct{})
		time.AfterFunc(20*time.Millisecond, func() { close(waited) }) // longer than preread_protocol_timeout
		<-waited
		s.Send(c, rest)
		if got := s.ReadAll(c); got != "tls" && got != "http" {
			t.Errorf("%q, later the rest: %q", first, got)
		}
	}
}

// TestBufferFull goes on with what is known.
func TestBufferFull(t *testing.T) {
	s := start(t, `server { listen 127.0.0.1:%PORT%; preread_protocol on; ssl_preread on; preread_buffer_size 64;
		return "$preread_protocol|$preread_http_host|$ssl_preread_server_name"; }`)
	hello := flights.Read(t, "../../clienthello/testdata/curl.hex")
	for first, want := range map[string]string{
		hello: "tls||",
		"GET / HTTP/1.1\r\nHost: a\r\nCookie: " + strings.Repeat("x", 100) + "\r\n\r\n": "http|a|",
		"get " + strings.Repeat("x", 100):                                               "unknown||",
	} {
		if got := s.Ask(0, first); got != want {
			t.Errorf("%q: %q, want %q", first, got, want)
		}
	}
}

// TestPassed has a session go on at another listener that looks at the protocol too: what is known is not awaited again.
func TestPassed(t *testing.T) {
	s := streamtest.Start(t, `preread_protocol on; ssl_preread on; preread_protocol_timeout 20s;
		server { listen 127.0.0.1:%PORT%; pass 127.0.0.1:%PORT1%; }
		server { listen 127.0.0.1:%PORT1%; return "$preread_protocol|$ssl_preread_server_name"; }`,
		protocol.Module, sslpreread.Module, pass.Module, returns.Module)
	hello := flights.Read(t, "../../clienthello/testdata/curl.hex")
	for first, want := range map[string]string{hello: "tls|www.example.com", "SSH-2.0-Go\r\n": "ssh|", "howdy\n": "unknown|"} {
		if got := s.Ask(0, first); got != want {
			t.Errorf("%q: %q, want %q", first, got, want)
		}
	}
}

func TestErrors(t *testing.T) {
	r := streamtest.NewReader(t, protocol.Module)
	for text, want := range map[string]string{
		`preread_protocol 1;`:            `invalid value "1" in "preread_protocol" directive, it must be "on" or "off" in nginx.conf:2`,
		`preread_protocol_timeout fast;`: `"preread_protocol_timeout" directive invalid value in nginx.conf:2`,
	} {
		if _, err := r.Read(text); err == nil || err.Error() != want {
			t.Errorf("%s: %v, want %s", text, err, want)
		}
	}
}
