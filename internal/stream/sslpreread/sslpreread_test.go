package sslpreread_test

import (
	"encoding/hex"
	"strings"
	"testing"
	"time"

	"github.com/weirproxy/weir/internal/detect/flights"
	"github.com/weirproxy/weir/internal/stream"
	"github.com/weirproxy/weir/internal/stream/returns"
	"github.com/weirproxy/weir/internal/stream/sslpreread"
	"github.com/weirproxy/weir/internal/stream/streamtest"
)

// captured is the first flight of a real client.
func captured(t testing.TB, name string) string {
	t.Helper()
	return flights.Read(t, "../../clienthello/testdata/"+name+".hex")
}

func unhex(t testing.TB, text string) string {
	t.Helper()
	b, err := hex.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// all is the text of the variables.
const all = `"$ssl_preread_protocol|$ssl_preread_server_name|$ssl_preread_alpn_protocols|$ssl_preread_ja4"`

func TestVariables(t *testing.T) {
	random := strings.Repeat("52", 32)
	s := streamtest.Start(t, `ssl_preread on; preread_timeout 20s;
		server { listen 127.0.0.1:%PORT%; return `+all+`; }
		server { listen 127.0.0.1:%PORT1%; ssl_preread off; return `+all+`; }`, sslpreread.Module, returns.Module)
	for _, tc := range []struct{ first, want string }{
		{captured(t, "openssl13"), "TLSv1.3|www.example.com|h2,http/1.1|t13d3111h2_e8f1e7e78f70_1f22a2ca17c4"},
		{captured(t, "openssl12"), "TLSv1.2|www.example.com||t12d280700_d943125447b4_e7e480e5a997"},
		{captured(t, "openssl_nosni"), "TLSv1.3|||t13i310900_e8f1e7e78f70_1f22a2ca17c4"},
		{captured(t, "go_ech"), "TLSv1.3|public.example.net|h2|t13d0310h2_55b375c5d22e_75ab3bfddadf"},
		{unhex(t, "16030100"+"2d"+"01000029"+"0302"+random+"00"+"0002c02f"+"0100"), "TLSv1.1|||t11i010000_f06271c2b022_000000000000"},
		{unhex(t, "160300002d"+"01000029"+"0300"+random+"00"+"0002c02f"+"0100"), "SSLv3|||ts3i010000_f06271c2b022_000000000000"},
		{unhex(t, "802e010301"), "TLSv1|||t10i000000_000000000000_000000000000"},
		{unhex(t, "802e010002"), "SSLv2|||ts2i000000_000000000000_000000000000"},
		{unhex(t, "1603010004"+"01000000"), "|||"}, // malformed
		{unhex(t, "160301000402000000"), "|||"},    // not a hello
		{"G", "|||"},
		{strings.Repeat("x", 1000), "|||"},
	} {
		if got := s.Ask(0, tc.first); got != tc.want {
			t.Errorf("%x: %q, want %q", tc.first, got, tc.want)
		}
	}
	if got := s.Ask(1, ""); got != "|||" {
		t.Errorf("off: %q", got)
	}
	if log := s.ErrorLog(); strings.Contains(log, "[error]") {
		t.Error(log)
	}
}

// TestCut sends a hello byte by byte; each is looked at before the next comes.
func TestCut(t *testing.T) {
	s := streamtest.Start(t, `server { listen 127.0.0.1:%PORT%; ssl_preread on; return $ssl_preread_server_name; }`,
		sslpreread.Module, returns.Module)
	for _, name := range []string{"openssl13", "go_ech", "openssl_three_records"} {
		c, first := s.Dial(0), captured(t, name)
		for i := range len(first) {
			s.Send(c, first[i:i+1])
			s.Settle()
		}
		if got, want := s.ReadAll(c), map[bool]string{false: "www.example.com", true: "public.example.net"}[name == "go_ech"]; got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
}

func TestLimits(t *testing.T) {
	s := streamtest.Start(t, `ssl_preread on;
		server { listen 127.0.0.1:%PORT%; preread_buffer_size 42; return late; }
		server { listen 127.0.0.1:%PORT1%; preread_timeout 50ms; return late; }`, sslpreread.Module, returns.Module)
	first := captured(t, "curl")
	if got := s.AskOrReset(0, first); got != "" {
		t.Errorf("preread buffer full: %q", got)
	}
	if !strings.Contains(s.ErrorLog(), "preread buffer full while prereading client data") {
		t.Errorf("no message: %s", s.ErrorLog())
	}
	began := time.Now()
	if got := s.AskOrReset(1, first[:100]); got != "" || time.Since(began) < 40*time.Millisecond {
		t.Errorf("preread_timeout: %q after %v", got, time.Since(began))
	}
}

// TestServerNames has several servers on one address, of which the client's server name chooses one; what follows ssl_preread
// is that server's.
func TestServerNames(t *testing.T) {
	s := streamtest.Start(t, `ssl_preread on;
		server { listen 127.0.0.1:%PORT%; return "default"; }
		server { listen 127.0.0.1:%PORT%; server_name www.example.com; return "exact $server_name"; }
		server { listen 127.0.0.1:%PORT%; server_name *.example.com; return "suffix $server_name"; }
		server { listen 127.0.0.1:%PORT%; server_name *.b.example.com; return "longer suffix"; }
		server { listen 127.0.0.1:%PORT%; server_name .dot.test; return "dot $server_name"; }
		server { listen 127.0.0.1:%PORT%; server_name *.taken.test; return "taken"; }
		server { listen 127.0.0.1:%PORT%; server_name .taken.test; return "ignored"; }
		server { listen 127.0.0.1:%PORT%; server_name taken.test; return "ignored, too"; }
		server { listen 127.0.0.1:%PORT%; server_name www.other.*; return "prefix"; }
		server { listen 127.0.0.1:%PORT%; server_name ~^(?<sub>\w+)\.(regex)$; return "regex $sub $2 $server_name"; }
		server { listen 127.0.0.1:%PORT%; server_name ~^CASE; return "caseless"; }`, sslpreread.Module, returns.Module)
	for name, want := range map[string]string{
		"www.example.com": "exact www.example.com", "WWW.Example.COM": "exact www.example.com", "www.example.com.": "exact www.example.com",
		"a.example.com": "suffix *.example.com", "a.b.c.example.com": "suffix *.example.com", "a.b.example.com": "longer suffix",
		"example.com": "default", "dot.test": "dot dot.test", "x.taken.test": "taken", "taken.test": "default", "x.dot.test": "dot dot.test", "www.other.org": "prefix",
		"www.other.co.uk": "prefix", "abc.regex": "regex abc regex ^(?<sub>\\w+)\\.(regex)$", "case.org": "caseless",
		"": "default", "a..example.com": "default", "a/.example.com": "default",
	} {
		if got := s.Ask(0, helloFor(t, name)); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	if got := s.Ask(0, "x"); got != "default" {
		t.Errorf("not TLS: %q", got)
	}
}

// TestServerNamePlace has servers with different handlers on their way.
func TestServerNamePlace(t *testing.T) {
	log := ""
	note := func(text string, active func(*stream.Server) bool) *stream.Module {
		return &stream.Module{Handlers: []stream.PhaseHandler{{Phase: stream.Preread, Active: active,
			Run: func(*stream.Session) stream.Result { log += text; return stream.Declined }}}}
	}
	named := func(s *stream.Server) bool { return len(s.Names) > 0 }
	unnamed := func(s *stream.Server) bool { return len(s.Names) == 0 }
	s := streamtest.Start(t, `
		server { listen 127.0.0.1:%PORT%; ssl_preread on; return "default"; }
		server { listen 127.0.0.1:%PORT%; server_name www.example.com; return "named"; }`,
		note("1", named), note("2", unnamed), sslpreread.Module, note("3", named), note("4", unnamed), note("5", nil), returns.Module)
	for _, tc := range []struct{ name, answer, log string }{{"www.example.com", "named", "235"}, {"", "default", "245"}} {
		log = ""
		s.Settle() // the worker sees that
		got := s.Ask(0, helloFor(t, tc.name))
		s.Settle() // and this what it has written
		if got != tc.answer || log != tc.log {
			t.Errorf("%q: %q, %s, want %s", tc.name, got, log, tc.log)
		}
	}
}

// helloFor is a ClientHello with a server name.
func helloFor(t *testing.T, name string) string {
	two := func(n int) string { return string([]byte{byte(n >> 8), byte(n)}) }
	list := "\x00" + two(len(name)) + name
	extension := "\x00\x00" + two(len(list)+2) + two(len(list)) + list
	body := "\x03\x03" + strings.Repeat("R", 32) + "\x00" + "\x00\x02\xc0\x2f" + "\x01\x00" + two(len(extension)) + extension
	return "\x16\x03\x01" + two(len(body)+4) + "\x01\x00" + two(len(body)) + body
}

func TestErrors(t *testing.T) {
	r := streamtest.NewReader(t, sslpreread.Module)
	for text, want := range map[string]string{
		`ssl_preread yes;`:                          `invalid value "yes" in "ssl_preread" directive, it must be "on" or "off" in nginx.conf:2`,
		`ssl_preread on; ssl_preread on;`:           `"ssl_preread" directive is duplicate in nginx.conf:2`,
		`server { listen unix:a; server_name *x; }`: `server name "*x" is invalid in nginx.conf:2`,
		`server { listen unix:a; server_name ~; }`:  `empty regex in server name "~" in nginx.conf:2`,
		`server { listen unix:a; server_name a; } server { listen unix:a; server_name a.*.b; }`: `invalid server name or wildcard "a.*.b" on unix:a in nginx.conf:2`,
		`upstream a { ssl_preread on; }`: `"ssl_preread" directive is not allowed here in nginx.conf:2`,
	} {
		if _, err := r.Read(text); err == nil || err.Error() != want {
			t.Errorf("%s: %v, want %s", text, err, want)
		}
	}
}
