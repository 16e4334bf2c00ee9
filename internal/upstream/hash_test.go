package upstream

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"github.com/weirproxy/weir/internal/resolver/addr"
)

// nginxGroup is 127.0.0.1:34561 to 34565 with weights 1 2 1 3 1, the last one down: the upstream that the expected
// strings below were recorded with, from nginx 1.22, for the client addresses of clientKey.
func nginxGroup(t *testing.T, m Method) *Instance {
	var list []ServerConf
	for i, w := range []int{1, 2, 1, 3, 1} {
		a := addr.FromIP(netip.MustParseAddr("127.0.0.1"), uint16(34561+i))
		list = append(list, ServerConf{
			Name: a.String(), Addrs: []addr.Addr{a}, Weight: w, MaxFails: 1, FailTimeout: 10, Down: i == 4,
		})
	}
	return newGroup(t, GroupConf{Servers: list, Method: m}).Instance(0)
}

func clientKey(i int) string { return fmt.Sprintf("127.0.%d.%d", i/8, i*5+1) }

func TestHashesMapAsNginx(t *testing.T) {
	for m, want := range map[Method]string{
		Hash:           "dcdbcdaddbdbcdaddbdbbdbdacdadbdbcaadadca",
		ConsistentHash: "dabdcbbdbdbdabacdbbbdcaadddbbddccbddcbbd",
	} {
		in := nginxGroup(t, m)
		var got strings.Builder
		for i := range len(want) {
			var s Selection
			s.Init(in, []byte(clientKey(i)))
			p, err := s.Next(t0)
			if err != nil {
				t.Fatal(err)
			}
			got.WriteByte(byte('a' + p.Addr.AddrPort.Port() - 34561))
			s.Free(t0, false)
		}
		if got.String() != want {
			t.Errorf("method %d:\n%s, nginx has\n%s", m, got.String(), want)
		}
	}
}

func TestHashIsSteady(t *testing.T) {
	for _, m := range []Method{Hash, ConsistentHash} {
		in := newGroup(t, GroupConf{Servers: servers(1, 1, 1), Method: m}).Instance(0)
		got := draw(in, "some key", 6)
		if strings.Count(got, got[:1]) != len(got) {
			t.Errorf("method %d: one key went to %s", m, got)
		}
		if got := draw(in, "", 6); got != "abcabc" {
			t.Errorf("method %d: no key: %s, want round robin", m, got)
		}
	}
}

func TestConsistentHashMovesLittle(t *testing.T) {
	before := newGroup(t, GroupConf{Servers: servers(1, 1, 1, 1), Method: ConsistentHash}).Instance(0)
	after := newGroup(t, GroupConf{Servers: servers(1, 1, 1, 1, 1), Method: ConsistentHash}).Instance(0)
	moved := 0
	for i := range 1000 {
		key := fmt.Sprint("key", i)
		a, b := draw(before, key, 1), draw(after, key, 1)
		if a != b && b != "e" {
			t.Errorf("%s went from %s to %s, though only e is new", key, a, b)
		}
		if a != b {
			moved++
		}
	}
	if moved < 100 || moved > 300 {
		t.Errorf("%d of 1000 keys moved to the fifth server, want about 200", moved)
	}
}

func TestSplitServer(t *testing.T) {
	for server, want := range map[string][2]string{
		"host:80":         {"host", "80"},
		"host":            {"host", ""},
		"[::1]:80":        {"[::1]", "80"},
		"[::1]":           {"[::1]", ""},
		"unix:/run/a:80":  {"/run/a:80", ""},
		"UNIX:/run/a":     {"/run/a", ""},
		"host:":           {"host", ""},
		"10.0.0.1:8080":   {"10.0.0.1", "8080"},
		"name.of:service": {"name.of:service", ""},
	} {
		if host, port := splitServer(server); host != want[0] || port != want[1] {
			t.Errorf("%s: %q %q, want %q", server, host, port, want)
		}
	}
}

func TestRandomFollowsWeights(t *testing.T) {
	in := newGroup(t, GroupConf{Servers: servers(1, 2, 1), Method: Random}).Instance(0)
	next := 0
	in.random = func(n int) int { next++; return (next - 1) % n }
	if got := draw(in, "", 8); got != "abbcabbc" {
		t.Errorf("%s, want abbcabbc", got)
	}
}

func TestRandomTwoTakesTheLessBusy(t *testing.T) {
	in := newGroup(t, GroupConf{Servers: servers(1, 1, 1), Method: RandomTwo}).Instance(0)
	next := 0
	in.random = func(n int) int { next++; return []int{0, 0, 1}[(next-1)%3] }
	var s [4]Selection
	var got strings.Builder
	for i := range s {
		s[i].Init(in, nil)
		p, _ := s[i].Next(t0)
		got.WriteString(letter(p))
	}
	// Of equals the second drawn is taken.
	if got.String() != "baba" {
		t.Errorf("%s, want baba", got.String())
	}
}
