package upstream

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"github.com/weirproxy/weir/internal/resolver/addr"
)

func testParser(m Method) ServerParser {
	return ServerParser{
		Method: m,
		Lookup: func(host string) ([]netip.Addr, error) {
			if host != "known" {
				return nil, fmt.Errorf("no such host")
			}
			return []netip.Addr{netip.MustParseAddr("10.0.0.1"), netip.MustParseAddr("fd00::1")}, nil
		},
	}
}

func TestParseServer(t *testing.T) {
	s, err := testParser(RoundRobin).Parse(strings.Fields(
		"known:80 weight=5 max_conns=7 max_fails=0 fail_timeout=30s backup down"))
	if err != nil {
		t.Fatal(err)
	}
	got := fmt.Sprintf("%+v", s)
	want := fmt.Sprintf("%+v", ServerConf{
		Name: "known:80", Weight: 5, MaxConns: 7, FailTimeout: 30, Backup: true, Down: true, Host: "known", Port: 80,
		Addrs: []addr.Addr{
			addr.FromIP(netip.MustParseAddr("10.0.0.1"), 80), addr.FromIP(netip.MustParseAddr("fd00::1"), 80),
		},
	})
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestParseServerErrors(t *testing.T) {
	for line, want := range map[string]string{
		"10.0.0.1:80 weight=0":       `invalid parameter "weight=0"`,
		"10.0.0.1:80 weight=":        `invalid parameter "weight="`,
		"10.0.0.1:80 max_conns=-1":   `invalid parameter "max_conns=-1"`,
		"10.0.0.1:80 max_fails=+1":   `invalid parameter "max_fails=+1"`,
		"10.0.0.1:80 fail_timeout=x": `invalid parameter "fail_timeout=x"`,
		"10.0.0.1:80 slow_start=30s": `invalid parameter "slow_start=30s"`,
		"10.0.0.1:80 sleepy":         `invalid parameter "sleepy"`,
		"10.0.0.1":                   `no port in upstream "10.0.0.1"`,
		"unknown:80":                 `host not found in upstream "unknown:80"`,
		"10.0.0.1:0":                 `invalid port in upstream "10.0.0.1:0"`,
		"10.0.0.1:80/x":              `invalid host in upstream "10.0.0.1:80/x"`,
		":80":                        `no host in upstream ":80"`,
		"known service=http":         `service upstream "known" requires "resolve" parameter`,
		"known:80 resolve service=a": `service upstream "known:80" may not have port`,
		"10.0.0.1 resolve service=a": `service upstream "10.0.0.1" requires domain name`,
		"known resolve service=":     `service is empty`,
		"unix: weight=1":             `no path in the unix domain socket in upstream "unix:"`,
	} {
		if _, err := testParser(RoundRobin).Parse(strings.Fields(line)); fmt.Sprint(err) != want {
			t.Errorf("%s: %v, want %s", line, err, want)
		}
	}
	for _, m := range []Method{Hash, ConsistentHash, Random, RandomTwo} {
		_, err := testParser(m).Parse([]string{"10.0.0.1:80", "backup"})
		if want := `balancing method does not support parameter "backup"`; fmt.Sprint(err) != want {
			t.Errorf("method %d: %v, want %s", m, err, want)
		}
	}
}

func TestParseServerResolve(t *testing.T) {
	s, err := testParser(RoundRobin).Parse([]string{"unknown:80", "resolve"})
	if err != nil || !s.Resolve || s.Host != "unknown" || s.Port != 80 || len(s.Addrs) != 0 {
		t.Errorf("%+v, %v", s, err)
	}
	if s, err = testParser(RoundRobin).Parse([]string{"10.0.0.1:80", "resolve"}); err != nil || s.Resolve {
		t.Errorf("an address stays to be resolved: %+v, %v", s, err)
	}
}
