package returns_test

import (
	"strings"
	"testing"

	"github.com/weirproxy/weir/internal/stream"
	"github.com/weirproxy/weir/internal/stream/returns"
	"github.com/weirproxy/weir/internal/stream/streamtest"
)

func TestReturn(t *testing.T) {
	s := streamtest.Start(t, `
		server { listen 127.0.0.1:%PORT%; return "hello $remote_addr:$server_port\n"; }
		server { listen 127.0.0.1:%PORT1%; return ""; }
		server { listen unix:%DIR%/s; return $protocol/$remote_addr/$bytes_sent; }`, returns.Module)
	port := strings.TrimPrefix(s.Config.Listeners[0].Addr.String(), "127.0.0.1:")
	for n, want := range []string{"hello 127.0.0.1:" + port + "\n", "", "TCP/unix:/0"} {
		if got := s.Ask(n, ""); got != want {
			t.Errorf("%d: %q, want %q", n, got, want)
		}
	}
}

// TestSlowReader has the answer not fit into the socket's buffers.
func TestSlowReader(t *testing.T) {
	text := strings.Repeat("0123456789abcdef", 32<<10)
	big := &stream.Module{Name: "big", Variables: []stream.Variable{{Name: "big",
		Get: func(_ *stream.Session, _ *stream.Var, dst []byte) ([]byte, bool) { return append(dst, text...), true }}}}
	s := streamtest.Start(t, `server { listen 127.0.0.1:%PORT% sndbuf=8k; return $big; }`, returns.Module, big)
	if got := s.Ask(0, ""); got != text {
		t.Errorf("%d bytes of %d came", len(got), len(text))
	}
}

// TestUnreadInput has the client send what nobody reads: it still gets the answer, not a reset.
func TestUnreadInput(t *testing.T) {
	s := streamtest.Start(t, `server { listen 127.0.0.1:%PORT%; return bye; }`, returns.Module)
	release := s.Pause()
	c := s.Dial(0)
	s.Send(c, "never read")
	release()
	if got := s.ReadAll(c); got != "bye" {
		t.Errorf("%q came", got)
	}
}

func TestErrors(t *testing.T) {
	r := streamtest.NewReader(t, returns.Module)
	for text, want := range map[string]string{
		`return a;`: `"return" directive is not allowed here in nginx.conf:2`,
		`server { listen 127.0.0.1:%PORT%; return a; return b; }`: `"return" directive is duplicate in nginx.conf:2`,
		`server { listen 127.0.0.1:%PORT%; return $; }`:           `invalid variable name in nginx.conf:2`,
		`server { listen 127.0.0.1:%PORT%; return $nope; }`:       `unknown "nope" variable`,
	} {
		if _, err := r.Read(text); err == nil || err.Error() != want {
			t.Errorf("%s: %v, want %s", text, err, want)
		}
	}
}
