package limitconn

import (
	"strings"
	"sync"
	"testing"

	"github.com/weirproxy/weir/internal/conf"
	"github.com/weirproxy/weir/internal/stream"
	"github.com/weirproxy/weir/internal/stream/pass"
	"github.com/weirproxy/weir/internal/stream/returns"
	"github.com/weirproxy/weir/internal/stream/setvar"
	"github.com/weirproxy/weir/internal/stream/streamtest"
)

// hold is a content that greets with $limit_conn_status and ends with the client.
var hold = &stream.Module{Name: "hold", Directives: []conf.Directive{{Name: "hold", In: conf.InServer, Args: conf.NoArgs,
	Set: func(s *conf.Scope, n *conf.Node) error {
		b := stream.In(s)
		greeting, err := b.Template("<$limit_conn_status>")
		if err != nil {
			return err
		}
		return b.SetContent(n, func(s *stream.Session) {
			n, _ := s.Client.Write(greeting.Append(nil, s))
			s.Sent += int64(n)
			s.OnClient = func(s *stream.Session) {
				if s.Client.PeerFinished() {
					s.Finalize(stream.StatusOK)
				}
			}
		})
	}}}}

const zones = `
	limit_conn_zone $remote_addr zone=addr:1m;
	limit_conn_zone $key zone=key:32k; `

func start(t *testing.T, text string) *streamtest.Server {
	return streamtest.Start(t, zones+text, setvar.Module, Module, hold, returns.Module, pass.Module)
}

// greet connects and returns the greeting, "" when the session was refused.
func greet(t *testing.T, s *streamtest.Server, n int) (greeting string, end func()) {
	t.Helper()
	c := s.Dial(n)
	buf := make([]byte, 64)
	k, _ := c.Read(buf)
	return string(buf[:k]), func() { c.Close(); s.Settle() }
}

func TestLimit(t *testing.T) {
	s := start(t, `
		server { listen unix:%DIR%/a; set $key x; limit_conn addr 2; hold; }
		server { listen unix:%DIR%/b; set $key ""; limit_conn key 1; hold; }
		server { listen unix:%DIR%/c; set $key y; limit_conn key 1; limit_conn addr 3; hold; }`)
	one, _ := greet(t, s, 0)
	two, _ := greet(t, s, 0)
	three, _ := greet(t, s, 0)
	if one+two+three != "<PASSED><PASSED>" {
		t.Errorf("%s|%s|%s", one, two, three)
	}
	if !strings.Contains(s.ErrorLog(), `[error] `) || !strings.Contains(s.ErrorLog(), `limiting connections by zone "addr" while`) {
		t.Error(s.ErrorLog())
	}
	for range 3 {
		if got, _ := greet(t, s, 1); got != "<>" {
			t.Errorf("without a key: %q", got)
		}
	}
	if got, _ := greet(t, s, 2); got != "<PASSED>" {
		t.Errorf("third of addr: %q", got)
	}
	if got, _ := greet(t, s, 2); got != "" {
		t.Errorf("second of key: %q", got)
	}
}

// waitFor asks until the answer is yes.
func waitFor(t *testing.T, ask func() bool) {
	t.Helper()
	for range 1000 {
		if ask() {
			return
		}
	}
	t.Error("nothing has changed")
}

func TestReleased(t *testing.T) {
	s := start(t, `server { listen unix:%DIR%/a; set $key x; limit_conn addr 1; limit_conn key 1; hold; }`)
	for range 20 {
		end := func() {}
		waitFor(t, func() (ok bool) {
			var got string
			got, end = greet(t, s, 0)
			return got == "<PASSED>"
		})
		if got, _ := greet(t, s, 0); got != "" {
			t.Fatalf("%q came", got)
		}
		end()
	}
}

func TestDryRun(t *testing.T) {
	s := start(t, `limit_conn_dry_run on; limit_conn_log_level info;
		server { listen unix:%DIR%/a; set $key x; limit_conn addr 1; hold; }`)
	greet(t, s, 0)
	if got, _ := greet(t, s, 0); got != "<REJECTED_DRY_RUN>" {
		t.Errorf("%q came", got)
	}
	if !strings.Contains(s.ErrorLog(), `limiting connections, dry run, by zone "addr"`) || strings.Contains(s.ErrorLog(), "[error]") {
		t.Error(s.ErrorLog())
	}
}

func TestReload(t *testing.T) {
	const server = `server { listen unix:%DIR%/a; set $key x; limit_conn addr 1; hold; }`
	s := start(t, server)
	greet(t, s, 0)
	s.Load(zones + server)
	if got, _ := greet(t, s, 0); got != "" {
		t.Errorf("the same zone: %q came", got)
	}
	s.Load(strings.Replace(zones, "addr:1m", "addr:2m", 1) + server)
	if got, _ := greet(t, s, 0); got != "<PASSED>" {
		t.Errorf("another zone: %q came", got)
	}
}

func TestLongKey(t *testing.T) {
	s := start(t, `server { listen unix:%DIR%/a; set $key `+strings.Repeat("k", 256)+`; limit_conn key 1; return "<$limit_conn_status>"; }`)
	if got := s.Ask(0, ""); got != "<>" || !strings.Contains(s.ErrorLog(), `the value of the "$key" key is more than 255 bytes: "kkk`) {
		t.Errorf("%q, %s", got, s.ErrorLog())
	}
}

func TestCounts(t *testing.T) {
	c := newCounts(minZone)
	n := 0
	for c.take(strings.Repeat("k", n%20)+string(rune('A'+n)), 1) == taken {
		n++
	}
	if n != minZone/64 {
		t.Errorf("%d keys fit", n)
	}
	if got := c.take("A", 1); got != tooMany {
		t.Error(got)
	}
	c.release("A")
	if got := c.take("another", 1); got != taken {
		t.Error(got)
	}
	for text, want := range map[string]int64{"": 64, strings.Repeat("x", 28): 64, strings.Repeat("x", 29): 128, strings.Repeat("x", 255): 512} {
		if got := charge(text); got != want {
			t.Errorf("%d bytes are charged %d", len(text), got)
		}
	}
}

// TestConcurrently has many goroutines take and release: nothing is lost, and never are there too many.
func TestConcurrently(t *testing.T) {
	c := newCounts(1 << 20)
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for i := range 2000 {
				key := string(rune('a' + i%5))
				if c.take(key, 3) == taken {
					c.release(key)
				}
			}
		})
	}
	all.Wait()
	if got := c.room.Load(); got != 1<<20 {
		t.Errorf("%d bytes are left", got)
	}
}

// TestPass: a session that is passed on keeps the places of both servers, and gives back both.
func TestPass(t *testing.T) {
	s := start(t, `
		server { listen unix:%DIR%/a; set $key first; limit_conn key 1; pass unix:%DIR%/b; }
		server { listen unix:%DIR%/b; set $key second; limit_conn key 1; hold; }
		server { listen unix:%DIR%/c; pass unix:%DIR%/d; set $key third; limit_conn key 1; }
		server { listen unix:%DIR%/d; hold; }`)
	for range 3 {
		one, end := greet(t, s, 0)
		two, _ := greet(t, s, 0)
		three, _ := greet(t, s, 1)
		if one != "<PASSED>" || two != "" || three != "" {
			t.Fatalf("%q, %q, %q", one, two, three)
		}
		end()
	}
	if got, end := greet(t, s, 2); got != "<>" {
		t.Errorf("the status of the server before: %q", got)
	} else {
		end()
	}
}

func TestErrors(t *testing.T) {
	r := streamtest.NewReader(t, Module)
	const zone = `limit_conn_zone $status zone=a:1m; `
	for text, want := range map[string]string{
		`limit_conn_zone $status name=a:1m;`:     `invalid parameter "name=a:1m" in nginx.conf:2`,
		`limit_conn_zone $status zone=a;`:        `invalid zone size "zone=a" in nginx.conf:2`,
		`limit_conn_zone $status zone=a:x;`:      `invalid zone size "zone=a:x" in nginx.conf:2`,
		`limit_conn_zone $status zone=a:31k;`:    `zone "zone=a:31k" is too small in nginx.conf:2`,
		`limit_conn_zone $status zone=:1m;`:      `"limit_conn_zone" must have "zone" parameter in nginx.conf:2`,
		zone + zone:                              `limit_conn_zone "a" is already bound to key "$status" in nginx.conf:2`,
		`limit_conn b 1;`:                        `zero size shared memory zone "b"`,
		zone + `limit_conn a 0;`:                 `invalid number of connections "0" in nginx.conf:2`,
		zone + `limit_conn a 65536;`:             `connection limit must be less 65536 in nginx.conf:2`,
		zone + `limit_conn a 1; limit_conn a 2;`: `"limit_conn" directive is duplicate in nginx.conf:2`,
		`limit_conn_log_level debug;`:            `invalid value "debug" in nginx.conf:2`,
		`limit_conn_dry_run 1;`:                  `invalid value "1" in "limit_conn_dry_run" directive, it must be "on" or "off" in nginx.conf:2`,
		`limit_conn_zone $nope zone=a:1m;`:       `unknown "nope" variable`,
		`server { listen unix:a; ` + zone + `}`:  `"limit_conn_zone" directive is not allowed here in nginx.conf:2`,
	} {
		if _, err := r.Read(text); err == nil || err.Error() != want {
			t.Errorf("%s: %v, want %s", text, err, want)
		}
	}
}
