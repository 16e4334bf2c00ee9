package detect

import (
	"strings"
	"testing"

	"github.com/weirproxy/weir/internal/detect/flights"
)

// flight is what a client sends first and what it is.
type flight struct {
	name     string
	protocol Protocol
	first    string
}

// captured are the flights of real clients, TLS's among them.
func captured(t testing.TB) (all []flight) {
	t.Helper()
	for _, f := range flights.Glob(t, "testdata/*.hex") {
		all = append(all, flight{f.Name, protocolOf(t, f.Name), f.First})
	}
	for _, f := range flights.Glob(t, "../clienthello/testdata/*.hex") {
		all = append(all, flight{f.Name, TLS, f.First})
	}
	return all
}

// protocolOf is the protocol that a file's name begins with.
func protocolOf(t testing.TB, name string) Protocol {
	for _, d := range Detectors {
		if strings.HasPrefix(name, string(d.Protocol)+"_") {
			return d.Protocol
		}
	}
	if strings.HasPrefix(name, "websocket_") {
		return WebSocket
	}
	t.Fatalf("%s: no such protocol", name)
	return Unknown
}

func TestCaptured(t *testing.T) {
	seen := map[Protocol]int{}
	for _, f := range captured(t) {
		seen[f.protocol]++
		result, verdict := Detect([]byte(f.first))
		if result.Protocol != f.protocol || verdict != Yes {
			t.Errorf("%s: %s, %d, want %s", f.name, result.Protocol, verdict, f.protocol)
		}
		checkSteps(t, f.first)
	}
	for _, d := range Detectors {
		if seen[d.Protocol] == 0 {
			t.Errorf("%s: no capture", d.Protocol)
		}
	}
}

// checkSteps gives the bytes one by one: no answer comes before as many bytes as were said to be needed for it, and the
// first answer is the last.
func checkSteps(t *testing.T, first string) {
	t.Helper()
	final, verdict := Detect([]byte(first))
	needed := 0
	for n := range len(first) + 1 {
		result, v := Detect([]byte(first[:n]))
		switch {
		case v == Yes && n < needed:
			t.Fatalf("%q: %s after %d bytes, where %d were needed", first, result.Protocol, n, needed)
		case v.More() > 0:
			needed = n + v.More()
		case v != verdict || result.Protocol != final.Protocol || string(result.Host) != string(final.Host):
			t.Fatalf("%q: %v, %d after %d bytes, then %v, %d", first, result, v, n, final, verdict)
		}
	}
	if verdict.More() > 0 && needed <= len(first) {
		t.Fatalf("%q: %d bytes were needed", first, needed)
	}
}

// more is a verdict of NeedMore, however many.
const more Verdict = 1

func TestHandmade(t *testing.T) {
	const tpkt = "\x03\x00\x00\x13\x0e\xe0\x00\x00\x00\x00\x00\x01\x00\x08\x00\x00\x00\x00\x00"
	for _, tc := range []struct {
		first    string
		protocol Protocol
		verdict  Verdict
	}{
		{"", Unknown, more},
		{"\x00", Unknown, more},
		{"\xff", Unknown, No},
		{"howdy", Unknown, No},
		{"hello", Unknown, more},
		{"\x16\x03\x01\x02\x00\x01", TLS, Yes},
		{"\x16\x03\x01\x02\x00\x02", Unknown, No}, // a server's
		{"\x16\x03\x01\x02\x00", Unknown, more},
		{"\x16\x03\x05\x02\x00\x01", Unknown, No},
		{"\x16\x03\x01\x00\x00\x01", Unknown, No},
		{"\x16\xfe\xff", Unknown, No}, // DTLS
		{"\x80\x2e\x01\x03\x01", TLS, Yes},
		{"\x80\x2e\x01\x00\x02", TLS, Yes},
		{"\x80\x2e\x01\x04\x00", Unknown, No},
		{"GET", Unknown, more},
		{"GET ", Unknown, more},
		{"GET / HTTP/1.1\r\n", HTTP, more},
		{"GET / HTTP/1.1\r\n\r\n", HTTP, Yes},
		{"GET / HTTP/1.1\n\n", HTTP, Yes},
		{"M-SEARCH * HTTP/1.1\r\nHost: a\r\n\r\n", HTTP, Yes},
		{"GET / HTTP/2.0\r\n", Redis, Yes},         // nobody sends this
		{"get / HTTP/1.1\r\n\r\n", Memcached, Yes}, // methods are upper case
		{"GET  / HTTP/1.1\r\n", Redis, Yes},
		{"GET /\r\n", Redis, Yes}, // HTTP/0.9 is not recognized
		{"ABCDEFGHIJKLMNOPQRSTUVWXYZ", Unknown, No},
		{"GET / HTTP/1.1\r\nUpgrade: foo, WebSocket\r\n\r\n", WebSocket, Yes},
		{"GET / HTTP/1.1\r\nUpgrade: websocket/13\r\n\r\n", WebSocket, Yes},
		{"GET / HTTP/1.1\r\nUpgrade: websockets\r\n\r\n", HTTP, Yes},
		{"GET / HTTP/1.1\r\nX-Upgrade: websocket\r\n\r\nUpgrade: websocket\r\n", HTTP, Yes},
		{"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", HTTP2, Yes},
		{"PRI * HTTP/2.0\r\n\r\nSM\r\n\r", Unknown, more},
		{"PRI * HTTP/2.0\r\n\r\nXX", Unknown, No},
		{"SSH-2.0-Go\r\n", SSH, Yes},
		{"SSH", Unknown, more},
		{"SSx", Unknown, No},
		{"EHLO mail.example.com\r\n", Unknown, No},
		{"\x04\x01\x00\x50\x7f\x00\x00\x01joe", Unknown, more},
		{"\x04\x01\x00\x50\x7f\x00\x00\x01joe\x00", SOCKS4, Yes},
		{"\x04\x03\x00", Unknown, No},
		{"\x04\x01\x00\x50\x7f\x00\x00\x01" + strings.Repeat("x", 256), Unknown, No},
		{"\x05\x01\x00", SOCKS5, Yes},
		{"\x05\x00\x00", Unknown, No},
		{"\x05\x02\x00\xff", Unknown, No},
		{tpkt, RDP, Yes},
		{strings.Replace(tpkt, "\xe0", "\xd0", 1), Unknown, No},
		{strings.Replace(tpkt, "\x0e", "\x0f", 1), Unknown, No},
		{"\x00\x00\x00\x08\x04\xd2\x16\x2f", Postgres, Yes},
		{"\x00\x00\x00\x08\x04\xd2\x16\x30", Postgres, Yes},                                 // GSSENCRequest
		{"\x00\x00\x00\x10\x04\xd2\x16\x2e\x00\x00\x00\x01\x00\x00\x00\x02", Postgres, Yes}, // CancelRequest
		{"\x00\x00\x00\x08\x04\xd2\x16\x31", Unknown, No},
		{"\x00\x00\x00\x09\x00\x03\x00\x00\x00", Postgres, Yes},
		{"\x00\x00\x00\x20\x00\x03\x00\x02user", Postgres, Yes},
		{"\x00\x00\x00\x20\x00\x02\x00\x00user", Unknown, No},
		{"\x00\x00\x00\x07\x00\x03\x00\x00\x00", Unknown, No},
		{"*1\r\n$4\r\nPING\r\n", Redis, Yes},
		{"*12\r\n$11\r\n", Redis, Yes},
		{"*1\r\n$4\r", Unknown, more},
		{"*0\r\n", Unknown, No},
		{"*1\r\n:4\r\n", Unknown, No},
		{"*12345678901234\r\n", Unknown, No},
		{"PING\r\n", Redis, Yes},
		{"ping\n", Redis, Yes},
		{"SET key some value\r\n", Redis, Yes},
		{"set key value\r\n", Redis, Yes},
		{"PINGPONG\r\n", Unknown, No},
		{"get key\r\n", Memcached, Yes},
		{"GET key\r\n", Redis, Yes},
		{"get", Unknown, more},
		{"set key 0 60 5\r\n", Memcached, Yes},
		{"set key 0 60 5 noreply\r\n", Memcached, Yes},
		{"cas key 0 60 5 17\r\n", Memcached, Yes},
		{"mg key v\r\n", Memcached, Yes},
		{"mn\r\n", Memcached, Yes},
		{"stats items\r\n", Memcached, Yes},
		{"\x80\x00\x00\x03\x00\x00\x00\x00\x00\x00\x00\x03", Memcached, Yes},
		{"\x80\x00\x00\x03\x00\x00\x00\x00\x00\x00\x00\x02", Unknown, No}, // body shorter than the key
		{"\x80\x00\x01\x00\x00", Unknown, No},
		{"\x10\x0c\x00\x04MQTT\x84", MQTT, Yes},
		{"\x10\xff\xff\xff\x7f\x00\x04MQTT\x05", MQTT, Yes},
		{"\x10\xff\xff\xff\xff", Unknown, No},
		{"\x10\x0c\x00\x04MQTT\x06", Unknown, No},
		{"AMQP\x00\x00\x09\x01", AMQP, Yes},
		{"AMQP\x02\x01\x00\x00", AMQP, Yes},
		{"AMQP\x07\x01\x00\x00", Unknown, No},
		{"<?xml version='1.0'?><stream:stream to='a'>", XMPP, Yes},
		{"<?xml version='1.0'?>\r\n <stream:stream", XMPP, Yes},
		{"<?xml version='1.0'?><html>", Unknown, No},
		{"<?xml " + strings.Repeat(" ", 300), Unknown, No},
		{"<html>", Unknown, No},
		{"\x13BitTorrent protocol", BitTorrent, Yes},
		{"\x13BitTorrent protocoX", Unknown, No},
		{"\x00\x1d\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00", DNS, Yes},
		{"\x00\x1d\x38\x00\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x00", DNS, Yes}, // might be openvpn
		{"\x00\x1d\x12\x34\x81\x80", Unknown, No},                                      // an answer
		{"\x00\x0e\x38" + "12345678" + "\x00\x00\x00\x00\x00", OpenVPN, Yes},
		{"\x00\x0e\x38" + "12345678" + "\x00\x00\x00\x00\x01", Unknown, No},
		{"\x00\x0f\x38" + "12345678", Unknown, No},
		{"\x01\x80\x50" + "1234567890123", OpenVPN, Yes},
		{"PROXY TCP4 1.2.3.4 5.6.7.8 1 2\r\n", ProxyProtocol, Yes},
		{"PROXY UNKNOWN\r\n", ProxyProtocol, Yes},
		{"PROXY / HTTP/1.1\r\n\r\n", HTTP, Yes},
		{"PROXY TCP", Unknown, more},
		{"\r\n\r\n\x00\r\nQUIT\n\x21", ProxyProtocol, Yes},
		{"\r\n\r\n\x00\r\nQUIT\n\x31", Unknown, No},
		{"\r\n\r\n\x00\r\nQUIT", Unknown, more},
	} {
		result, verdict := Detect([]byte(tc.first))
		if result.Protocol != tc.protocol || min(verdict, more) != tc.verdict {
			t.Errorf("%q: %s, %d, want %s, %d", tc.first, result.Protocol, verdict, tc.protocol, tc.verdict)
		}
		checkSteps(t, tc.first)
	}
}

func TestHost(t *testing.T) {
	for _, tc := range []struct{ first, host string }{
		{"GET / HTTP/1.1\r\nHost: www.example.com\r\n\r\n", "www.example.com"},
		{"GET / HTTP/1.1\r\nAccept: */*\r\nhOST:\t www.example.com:8080 \r\n\r\n", "www.example.com"},
		{"GET / HTTP/1.1\r\nHost: [2001:db8::1]:80\r\n\r\n", "[2001:db8::1]"},
		{"GET / HTTP/1.1\r\nHost: [2001:db8::1]\r\n\r\n", "[2001:db8::1]"},
		{"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", "a"},
		{"GET / HTTP/1.1\r\nHost:\r\n\r\n", ""},
		{"GET / HTTP/1.0\r\n\r\n", ""},
		{"GET / HTTP/1.0\r\n\r\nHost: a\r\n", ""},
		{"GET http://a.example:80/x HTTP/1.1\r\nHost: b\r\n\r\n", "a.example"},
		{"GET http://joe@a.example?b HTTP/1.1\r\nHost: b\r\n\r\n", "a.example"},
		{"GET /redirect?to=http://a.example/ HTTP/1.1\r\nHost: b\r\n\r\n", "b"},
		{"CONNECT a.example:443 HTTP/1.1\r\nHost: b\r\n\r\n", "a.example"},
		{"GET /chat HTTP/1.1\r\nUpgrade: websocket\r\nHost: a\r\n\r\n", "a"},
	} {
		result, verdict := Detect([]byte(tc.first))
		if string(result.Host) != tc.host || verdict != Yes {
			t.Errorf("%q: %q, %d, want %q", tc.first, result.Host, verdict, tc.host)
		}
		checkSteps(t, tc.first)
	}
}

// TestMeanwhile has what a connection is if nothing more comes.
func TestMeanwhile(t *testing.T) {
	for first, want := range map[string]Protocol{
		"GET / HTTP/1.1\r\nHost: a\r\n":                HTTP,
		"GET / HTTP/1.1\r\nUpgrade: websocket\r\nHost": WebSocket,
		"PING": Unknown,
		"":     Unknown,
	} {
		if result, verdict := Detect([]byte(first)); result.Protocol != want || verdict.More() == 0 {
			t.Errorf("%q: %s, %d", first, result.Protocol, verdict)
		}
	}
}
