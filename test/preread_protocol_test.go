package test

import (
	"crypto/tls"
	"io"
	"net"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/weirproxy/weir/internal/detect/flights"
)

// firstFlight is what a real client has sent first, and the protocol that it speaks.
type firstFlight struct{ name, protocol, bytes string }

// firstFlights are those that the detectors are tested with.
func firstFlights(t *testing.T) (all []firstFlight) {
	t.Helper()
	for _, f := range flights.Glob(t, "../internal/detect/testdata/*.hex") {
		protocol, _, _ := strings.Cut(strings.Replace(f.Name, "proxy_protocol", "proxyprotocol", 1), "_")
		protocol = strings.Replace(protocol, "proxyprotocol", "proxy_protocol", 1)
		all = append(all, firstFlight{f.Name, protocol, f.First})
	}
	for _, f := range flights.Glob(t, "../internal/clienthello/testdata/*.hex") {
		all = append(all, firstFlight{f.Name, "tls", f.First})
	}
	return all
}

// signpost is a backend that says its name and then sends back what it receives.
func signpost(t testing.TB, name string) (addr string) {
	return backend(t, func(conn net.Conn) {
		io.WriteString(conn, name+":")
		io.Copy(conn, conn)
	})
}

// TestPrereadProtocolRoutes has every real first flight reach the server for its protocol, whole: sent at once and byte
// by byte. The session of another client in between makes sure that each byte has been looked at before the next comes.
func TestPrereadProtocolRoutes(t *testing.T) {
	all := firstFlights(t)
	routes, seen := "", map[string]bool{}
	for _, f := range all {
		if !seen[f.protocol] {
			seen[f.protocol] = true
			routes += f.protocol + " " + signpost(t, f.protocol) + ";\n"
		}
	}
	s := start(t, `stream {
		map $preread_protocol $peer { `+routes+` default `+signpost(t, "unknown")+`; }
		server { listen {host}:9000; preread_protocol on; preread_protocol_timeout 20s; proxy_pass $peer; }
		server { listen {host}:9001; return seen; }
	}`)
	for _, f := range append(all, firstFlight{"nothing known", "unknown", "\x01\x02\x03 howdy\n"}) {
		want := f.protocol + ":" + f.bytes
		c := s.dial(9000)
		c.send(f.bytes)
		c.want(want)
		c.Close()
		if len(f.bytes) > 600 {
			continue // TestPrereadCutHello has one of these
		}
		c = s.dial(9000)
		for i := range len(f.bytes) {
			c.send(f.bytes[i : i+1])
			s.dial(9001).wantAll("seen")
		}
		c.want(want)
		c.Close()
	}
}

// TestPrereadCutHello cuts a ClientHello that is larger than a segment at each of its bytes.
func TestPrereadCutHello(t *testing.T) {
	s := start(t, `stream {
		map $preread_protocol:$ssl_preread_server_name:$ssl_preread_ja4 $peer {
			tls:public.example.net:t13d0310h2_55b375c5d22e_75ab3bfddadf `+signpost(t, "right")+`;
			default `+signpost(t, "wrong")+`;
		}
		server { listen {host}:9000; preread_protocol on; proxy_pass $peer; }
		server { listen {host}:9001; return seen; }
	}`)
	for _, f := range firstFlights(t) {
		if f.name != "go_ech" {
			continue
		}
		for cut := 1; cut < len(f.bytes); cut++ {
			c := s.dial(9000)
			c.send(f.bytes[:cut])
			s.dial(9001).wantAll("seen")
			c.send(f.bytes[cut:])
			c.want("right:" + f.bytes)
			c.Close()
		}
		return
	}
	t.Fatal("no hello")
}

// TestPrereadServerFirst has a client wait for its server's greeting.
func TestPrereadServerFirst(t *testing.T) {
	greeter := backend(t, func(conn net.Conn) {
		io.WriteString(conn, "220 mail.example.com\r\n")
		io.Copy(conn, conn)
	})
	s := start(t, `stream {
		map $preread_protocol $peer { unknown `+greeter+`; default 127.0.0.1:1; }
		server { listen {host}:9000; preread_protocol on; preread_protocol_timeout 100ms; proxy_pass $peer; }
	}`)
	began := time.Now()
	c := s.dial(9000)
	if got := c.line(); got != "220 mail.example.com\r" || time.Since(began) < 90*time.Millisecond {
		t.Errorf("%q after %v", got, time.Since(began))
	}
	c.send("QUIT\r\n")
	c.want("QUIT\r\n")
}

// greeting is a TLS server that says its name and closes.
func greeting(t *testing.T, name string) (addr string) {
	helper := httptest.NewTLSServer(nil) // for its certificate
	t.Cleanup(helper.Close)
	return backend(t, func(conn net.Conn) {
		c := tls.Server(conn, &tls.Config{Certificates: helper.TLS.Certificates})
		io.WriteString(c, name)
		c.Close()
	})
}

// TestPrereadRealHandshakes goes through whole TLS handshakes with the servers that were chosen by name and protocol.
func TestPrereadRealHandshakes(t *testing.T) {
	a, b := greeting(t, "a"), greeting(t, "b")
	s := start(t, `stream {
		map $ssl_preread_server_name:$ssl_preread_alpn_protocols $peer {
			a.example.com:h2,http/1.1 `+a+`;
			~^b\.example\.com:        `+b+`;
			default                   127.0.0.1:1;
		}
		server { listen {host}:9000; preread_protocol on; proxy_pass $peer; }
		server { listen {host}:9001; ssl_preread on; proxy_pass $peer; }
	}`)
	for _, tc := range []struct {
		name, answer string
		protocols    []string
	}{{"a.example.com", "a", []string{"h2", "http/1.1"}}, {"b.example.com", "b", nil}} {
		for _, port := range []int{9000, 9001} {
			conn := tls.Client(s.dial(port), &tls.Config{ServerName: tc.name, NextProtos: tc.protocols, InsecureSkipVerify: true})
			if got, err := io.ReadAll(conn); err != nil || string(got) != tc.answer {
				t.Errorf("%s, %d: %q, %v", tc.name, port, got, err)
			}
		}
	}
}
