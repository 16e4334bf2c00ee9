package access_test

import (
	"strings"
	"testing"

	"github.com/weirproxy/weir/internal/stream"
	"github.com/weirproxy/weir/internal/stream/access"
	"github.com/weirproxy/weir/internal/stream/returns"
	"github.com/weirproxy/weir/internal/stream/streamtest"
)

func TestRules(t *testing.T) {
	for _, tc := range []struct {
		outer, inner string
		tcp, unix    bool // who may pass
	}{
		{"", "", true, true},
		{"", "deny all;", false, false},
		{"", "allow all;", true, true},
		{"", "allow 127.0.0.1; deny all;", true, false},
		{"", "deny all; allow 127.0.0.1;", false, false},
		{"", "deny 127.0.0.0/8;", false, true},
		{"", "deny 128.0.0.0/1;", true, true},
		{"", "allow unix:; deny all;", false, true},
		{"", "deny unix:;", true, false},
		{"", "deny ::/0;", true, true},
		{"deny all;", "", false, false},
		{"deny all;", "deny ::1;", true, true},
		{"allow unix:; deny all;", "", false, true},
	} {
		s := streamtest.Start(t, tc.outer+`
			server { listen 127.0.0.1:%PORT%; listen unix:%DIR%/s; `+tc.inner+` return pass; }`, access.Module, returns.Module)
		for n, pass := range []bool{tc.tcp, tc.unix} {
			want := map[bool]string{true: "pass"}[pass]
			if got := s.Ask(n, ""); got != want {
				t.Errorf("%q, %q, %d: %q, want %q", tc.outer, tc.inner, n, got, want)
			}
		}
	}
}

// TestMappedAddress has an IPv4 client come by an IPv6 socket.
func TestMappedAddress(t *testing.T) {
	s := streamtest.Start(t, `server { listen [::]:%PORT% ipv6only=off; deny 127.0.0.1; return pass; }`, access.Module, returns.Module)
	addr := strings.Replace(s.Config.Listeners[0].Addr.String(), "[::]", "127.0.0.1", 1)
	if got := s.ReadAll(s.DialTCP(addr)); got != "" {
		t.Errorf("%q came", got)
	}
}

func TestLog(t *testing.T) {
	s := streamtest.Start(t, `server { listen 127.0.0.1:%PORT%; deny all; return pass; }`, access.Module, returns.Module)
	s.Ask(0, "")
	want := "access forbidden by rule while initializing session, client: 127.0.0.1, server: " + s.Config.Listeners[0].Addr.String()
	if log := s.ErrorLog(); !strings.Contains(log, want) || !strings.Contains(log, "[error]") {
		t.Errorf("no %q in:\n%s", want, log)
	}
}

func TestConfiguration(t *testing.T) {
	r := streamtest.NewReader(t, access.Module)
	for text, want := range map[string]string{
		`allow 10.0.0.0/33;`: `invalid parameter "10.0.0.0/33" in nginx.conf:2`,
		`deny example.com;`:  `invalid parameter "example.com" in nginx.conf:2`,
		`deny;`:              `invalid number of arguments in "deny" directive in nginx.conf:2`,
	} {
		if _, err := r.Read(text); err == nil || err.Error() != want {
			t.Errorf("%s: %v, want %s", text, err, want)
		}
	}
	if _, err := r.Read(`allow 10.1.2.3/8;`); err != nil || strings.Join(r.Warnings, "") != "low address bits of 10.1.2.3/8 are meaningless" {
		t.Errorf("%v, %q", err, r.Warnings)
	}
}

// TestAllowGoesOn has a handler behind access see a client that a rule has allowed.
func TestAllowGoesOn(t *testing.T) {
	after := &stream.Module{Name: "after", Handlers: []stream.PhaseHandler{{Phase: stream.Access,
		Run: func(*stream.Session) stream.Result { return stream.StatusForbidden }}}}
	s := streamtest.Start(t, `server { listen 127.0.0.1:%PORT%; allow all; return pass; }`, access.Module, after, returns.Module)
	if got := s.Ask(0, ""); got != "" {
		t.Errorf("%q came", got)
	}
}
