package setvar_test

import (
	"testing"

	"github.com/weirproxy/weir/internal/stream/returns"
	"github.com/weirproxy/weir/internal/stream/setvar"
	"github.com/weirproxy/weir/internal/stream/streamtest"
)

func TestSet(t *testing.T) {
	s := streamtest.Start(t, `
		server { listen 127.0.0.1:%PORT%; set $a one; set $b "$a-two"; set $a three; return "$a $b $A"; }
		server { listen 127.0.0.1:%PORT1%; return "<$a>"; }`, setvar.Module, returns.Module)
	for n, want := range []string{"three one-two three", "<>"} {
		if got := s.Ask(n, ""); got != want {
			t.Errorf("%d: %q, want %q", n, got, want)
		}
	}
}

func TestErrors(t *testing.T) {
	r := streamtest.NewReader(t, setvar.Module)
	for text, want := range map[string]string{
		`set $a b;`:                               `"set" directive is not allowed here in nginx.conf:2`,
		`server { listen unix:a; set a b; }`:      `invalid variable name "a" in nginx.conf:2`,
		`server { listen unix:a; set $ b; }`:      `invalid variable name "$" in nginx.conf:2`,
		`server { listen unix:a; set $status 1;}`: `the duplicate "status" variable in nginx.conf:2`,
		`server { listen unix:a; set $a $b;}`:     `unknown "b" variable`,
	} {
		if _, err := r.Read(text); err == nil || err.Error() != want {
			t.Errorf("%s: %v, want %s", text, err, want)
		}
	}
}
