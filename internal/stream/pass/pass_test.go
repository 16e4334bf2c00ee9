package pass_test

import (
	"strings"
	"testing"

	"github.com/weirproxy/weir/internal/stream"
	"github.com/weirproxy/weir/internal/stream/mapping"
	"github.com/weirproxy/weir/internal/stream/pass"
	"github.com/weirproxy/weir/internal/stream/returns"
	"github.com/weirproxy/weir/internal/stream/setvar"
	"github.com/weirproxy/weir/internal/stream/streamtest"
)

// peeked is a module that looks at what the client sends first.
var peeked = &stream.Module{Name: "peeked", Handlers: []stream.PhaseHandler{{Phase: stream.Preread, Run: peek}}}

func peek(s *stream.Session) stream.Result {
	_, result, ok := s.Peek(0)
	if !ok {
		return result
	}
	return stream.Declined
}

func TestPass(t *testing.T) {
	s := streamtest.Start(t, `
		map $remote_port $way { default 127.0.0.1:%PORT1%; }
		server { listen 127.0.0.1:%PORT%;  set $from first; pass 127.0.0.1:%PORT1%; }
		server { listen 127.0.0.1:%PORT1%; return "$from at $server_port"; }
		server { listen 127.0.0.1:%PORT2%; set $from variable; pass $way; }
		server { listen 127.0.0.1:%PORT3%; set $from unix; pass unix:%DIR%/s; }
		server { listen unix:%DIR%/s;      return "$from at $server_addr"; }
		server { listen 127.0.0.1:%PORT4%; set $from twice; pass 127.0.0.1:%PORT%; }
		server { listen 127.0.0.1:%PORT5%; set $from wild; pass 127.0.0.7:%PORT6%; }
		server { listen %PORT6%;           return "$from at $server_addr:$server_port"; }`,
		pass.Module, returns.Module, setvar.Module, mapping.Module, peeked)
	port := func(n int) string { return strings.Split(s.Config.Listeners[n].Addr.String(), ":")[1] }
	wild := s.Config.Listeners[7].Addr.String()
	wild = wild[strings.LastIndex(wild, ":")+1:]
	for n, want := range map[int]string{
		0: "first at " + port(1),
		2: "variable at " + port(1),
		3: "unix at unix:" + s.Dir + "/s",
		5: "first at " + port(1),
		6: "wild at 127.0.0.7:" + wild,
	} {
		if got := s.Ask(n, "x"); got != want {
			t.Errorf("%d: %q, want %q", n, got, want)
		}
	}
}

// TestEvaluated: what a map says is that of the server that asks.
func TestEvaluated(t *testing.T) {
	s := streamtest.Start(t, `
		map $server_port $here { default "at $server_port"; }
		server { listen 127.0.0.1:%PORT%;  set $was $here; pass 127.0.0.1:%PORT1%; }
		server { listen 127.0.0.1:%PORT1%; return "$was, $here"; }`,
		pass.Module, returns.Module, setvar.Module, mapping.Module)
	if got, want := s.Ask(0, "x"), s.Expand("at %PORT%, at %PORT1%"); got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestFailures(t *testing.T) {
	s := streamtest.Start(t, `
		map $remote_addr $text  { default bad:port:x; }
		map $remote_addr $empty { default 127.0.0.1; }
		map $remote_addr $name  { default localhost:80; }
		server { listen 127.0.0.1:%PORT%;  pass 127.0.0.1:%PORT%; }
		server { listen 127.0.0.1:%PORT1%; pass 127.0.0.2:1; }
		server { listen 127.0.0.1:%PORT2%; pass $text; }
		server { listen 127.0.0.1:%PORT3%; pass $empty; }
		server { listen 127.0.0.1:%PORT4%; pass $name; }
		server { listen 127.0.0.1:%PORT5%; pass unix:/nowhere; }`, pass.Module, mapping.Module)
	for n, want := range []string{
		`stream pass cycle while passing connection to port, client: 127.0.0.1`,
		`port not found for "127.0.0.2:1" while passing connection to port`,
		`invalid port in pass "bad:port:x"`,
		`no port in pass "127.0.0.1"`,
		`no addresses in pass "localhost:80"`,
		`port not found for "unix:/nowhere"`,
	} {
		if got := s.Ask(n, ""); got != "" {
			t.Errorf("%d: %q came", n, got)
		}
		s.Settle()
		if !strings.Contains(s.ErrorLog(), want) {
			t.Errorf("%d: no %q in\n%s", n, want, s.ErrorLog())
		}
	}
}

func TestErrors(t *testing.T) {
	r := streamtest.NewReader(t, pass.Module, returns.Module)
	for text, want := range map[string]string{
		`pass 127.0.0.1:1;`: `"pass" directive is not allowed here in nginx.conf:2`,
		`server { listen 127.0.0.1:%PORT%; pass 127.0.0.1:1; pass 127.0.0.1:1; }`: `"pass" directive is duplicate in nginx.conf:2`,
		`server { listen 127.0.0.1:%PORT%; pass 127.0.0.1; }`:                     `"pass" directive has no port in nginx.conf:2`,
		`server { listen 127.0.0.1:%PORT%; pass localhost:1; }`:                   `"pass" directive has no addresses in nginx.conf:2`,
		`server { listen 127.0.0.1:%PORT%; pass 127.0.0.1:x; }`:                   `invalid port in "127.0.0.1:x" of the "pass" directive in nginx.conf:2`,
		`server { listen 127.0.0.1:%PORT%; pass $nope; }`:                         `unknown "nope" variable`,
	} {
		if _, err := r.Read(text); err == nil || err.Error() != want {
			t.Errorf("%s: %v, want %s", text, err, want)
		}
	}
}
