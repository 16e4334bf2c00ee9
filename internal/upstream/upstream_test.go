package upstream

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"github.com/weirproxy/weir/internal/resolver/addr"
)

const t0 = 1_000_000

// server is a server with one address, 10.0.0.<last byte>:80, named after it.
func server(n byte, weight int) ServerConf {
	a := addr.FromIP(netip.AddrFrom4([4]byte{10, 0, 0, n}), 80)
	return ServerConf{Name: a.String(), Addrs: []addr.Addr{a}, Weight: weight, MaxFails: 1, FailTimeout: 10}
}

func servers(weights ...int) []ServerConf {
	var list []ServerConf
	for i, w := range weights {
		list = append(list, server(byte(i+1), w))
	}
	return list
}

func newGroup(t *testing.T, conf GroupConf) *Group {
	t.Helper()
	if conf.Name == "" {
		conf.Name = "u"
	}
	g, err := NewGroup(conf)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// letter is a for 10.0.0.1, b for 10.0.0.2 and so on; "-" for none.
func letter(p *Peer) string {
	if p == nil {
		return "-"
	}
	return string('a' + rune(p.Addr.AddrPort.Addr().As4()[3]) - 1)
}

// draw makes one selection after another, each freed at once.
func draw(in *Instance, key string, n int) string {
	var out strings.Builder
	for range n {
		var s Selection
		s.Init(in, []byte(key))
		p, _ := s.Next(t0)
		out.WriteString(letter(p))
		s.Free(t0, false)
	}
	return out.String()
}

// exhaust fails peer after peer within one session until none is left.
func exhaust(in *Instance, key string, now int64) string {
	var s Selection
	var out strings.Builder
	s.Init(in, []byte(key))
	for {
		p, err := s.Next(now)
		if err != nil {
			return out.String() + "!"
		}
		out.WriteString(letter(p))
		s.Free(now, true)
	}
}

func TestRoundRobinSequences(t *testing.T) {
	for _, tc := range []struct {
		weights []int
		want    string
	}{
		{[]int{1}, "aaaa"},
		{[]int{1, 1, 1}, "abcabc"},
		{[]int{5, 1, 1}, "aabacaaaabacaa"},
		{[]int{4, 2, 1}, "abacaba"},
		{[]int{1, 3}, "babb"},
	} {
		g := newGroup(t, GroupConf{Servers: servers(tc.weights...)})
		if got := draw(g.Instance(0), "", len(tc.want)); got != tc.want {
			t.Errorf("weights %v: %s, want %s", tc.weights, got, tc.want)
		}
	}
}

func TestEachWorkerHasItsOwnState(t *testing.T) {
	g := newGroup(t, GroupConf{Servers: servers(1, 1)})
	if got := draw(g.Instance(0), "", 1) + draw(g.Instance(1), "", 1); got != "aa" {
		t.Errorf("without zone: %s, want aa", got)
	}
	g = newGroup(t, GroupConf{Servers: servers(1, 1), Zone: "z"})
	if got := draw(g.Instance(0), "", 1) + draw(g.Instance(1), "", 1); got != "ab" {
		t.Errorf("with zone: %s, want ab", got)
	}
}

func TestLeastConn(t *testing.T) {
	g := newGroup(t, GroupConf{Servers: servers(1, 2, 1), Method: LeastConn})
	in := g.Instance(0)
	var held [8]Selection
	var got strings.Builder
	for i := range held {
		held[i].Init(in, nil)
		p, err := held[i].Next(t0)
		if err != nil {
			t.Fatal(err)
		}
		got.WriteString(letter(p))
	}
	for i, want := range []int{2, 4, 2} {
		if n := allPeers(in)[i].conns; n != want {
			t.Errorf("peer %d holds %d, want %d (%s)", i, n, want, got.String())
		}
	}
}

func TestBackupAfterAllPrimaries(t *testing.T) {
	list := servers(1, 1, 1)
	list[2].Backup = true
	for _, m := range []Method{RoundRobin, LeastConn, Hash, ConsistentHash, Random, RandomTwo} {
		g := newGroup(t, GroupConf{Servers: list, Method: m})
		in := g.Instance(0)
		var s Selection
		s.Init(in, []byte("key"))
		if s.Tries() != 3 {
			t.Errorf("method %d: %d tries, want 3", m, s.Tries())
		}
		got := exhaust(in, "key", t0)
		if got != "abc!" && got != "bac!" {
			t.Errorf("method %d: %s, want both primaries, then c", m, got)
		}
		if got := exhaust(in, "key", t0+1); got != "!" {
			t.Errorf("method %d: all failed, yet %s", m, got)
		}
	}
}

func TestFailedPeerComesBack(t *testing.T) {
	list := servers(1, 1)
	list[0].MaxFails = 2
	g := newGroup(t, GroupConf{Servers: list})
	in := g.Instance(0)
	for i, want := range []bool{false, true} {
		failA(t, in, want, i)
	}
	for _, step := range []struct {
		now  int64
		want string
	}{{t0, "bbbb"}, {t0 + 10, "bbbb"}} {
		if got := drawAt(in, step.now, 4); got != step.want {
			t.Errorf("at +%d: %s, want %s", step.now-t0, got, step.want)
		}
	}
	if got := drawAt(in, t0+11, 6); !strings.Contains(got, "a") {
		t.Errorf("after fail_timeout: %s has no a", got)
	}
	if n := allPeers(in)[0].fails; n != 0 {
		t.Errorf("a success after fail_timeout leaves %d fails", n)
	}
}

// failA fails peer a once and checks what Free says.
func failA(t *testing.T, in *Instance, disabled bool, round int) {
	t.Helper()
	for {
		var s Selection
		s.Init(in, nil)
		p, err := s.Next(t0)
		if err != nil {
			t.Fatal(err)
		}
		if letter(p) != "a" {
			s.Free(t0, false)
			continue
		}
		if got := s.Free(t0, true); got != disabled {
			t.Errorf("failure %d: disabled %v, want %v", round, got, disabled)
		}
		return
	}
}

func drawAt(in *Instance, now int64, n int) string {
	var out strings.Builder
	for range n {
		var s Selection
		s.Init(in, nil)
		p, _ := s.Next(now)
		out.WriteString(letter(p))
		s.Free(now, false)
	}
	return out.String()
}

func TestSinglePeerIsNeverUnavailable(t *testing.T) {
	g := newGroup(t, GroupConf{Servers: servers(1)})
	in := g.Instance(0)
	for range 3 {
		if got := exhaustOnce(in); got != "a" {
			t.Fatalf("got %s, want a", got)
		}
	}
}

func exhaustOnce(in *Instance) string {
	var s Selection
	s.Init(in, nil)
	p, _ := s.Next(t0)
	s.Free(t0, true)
	if s.Tries() != 0 {
		return "a second try of the only peer"
	}
	return letter(p)
}

func TestConnectedClearsFailures(t *testing.T) {
	g := newGroup(t, GroupConf{Servers: servers(1, 1)})
	in := g.Instance(0)
	failA(t, in, true, 0)
	var s [3]Selection
	for i := range s {
		s[i].Init(in, nil)
		s[i].Next(t0 + 11)
		s[i].Connected()
	}
	if n := allPeers(in)[0].fails; n != 0 {
		t.Errorf("%d fails after a connection, want 0", n)
	}
}

func TestMaxConnsAndDown(t *testing.T) {
	list := servers(1, 1, 1)
	list[0].MaxConns = 1
	list[1].Down = true
	list[2].MaxConns = 2
	for _, m := range []Method{RoundRobin, LeastConn, Hash, ConsistentHash, Random, RandomTwo} {
		in := newGroup(t, GroupConf{Servers: list, Method: m}).Instance(0)
		var s [4]Selection
		count := map[string]int{}
		for i := range s {
			s[i].Init(in, []byte("k"))
			p, err := s[i].Next(t0)
			count[letter(p)]++
			if (err == ErrNoLive) != (i == 3) {
				t.Errorf("method %d: selection %d: %v", m, i, err)
			}
		}
		if count["a"] != 1 || count["c"] != 2 {
			t.Errorf("method %d: %v, want a once and c twice", m, count)
		}
		s[0].Free(t0, false)
		if _, err := s[3].Next(t0); err != nil {
			t.Errorf("method %d: after a release: %v", m, err)
		}
	}
}

func TestSingleFullOrDown(t *testing.T) {
	for _, change := range []func(*ServerConf){
		func(s *ServerConf) { s.Down = true },
		func(s *ServerConf) { s.MaxConns = 1 },
	} {
		list := servers(1)
		change(&list[0])
		in := newGroup(t, GroupConf{Servers: list}).Instance(0)
		var a, b Selection
		a.Init(in, nil)
		a.Next(t0)
		b.Init(in, nil)
		if _, err := b.Next(t0); err != ErrNoLive {
			t.Errorf("%v, want %v", err, ErrNoLive)
		}
	}
}

func TestManyPeers(t *testing.T) {
	var weights []int
	for range 200 {
		weights = append(weights, 1)
	}
	in := newGroup(t, GroupConf{Servers: servers(weights...)}).Instance(0)
	var s Selection
	for range 2 {
		s.Init(in, nil)
		seen := map[string]bool{}
		for s.Tries() > 0 {
			p, err := s.Next(t0)
			if err != nil || seen[p.Name] {
				t.Fatalf("peer %d: %v, %v", len(seen), p, err)
			}
			seen[p.Name] = true
			s.Free(t0, false)
		}
		if len(seen) != 200 {
			t.Errorf("%d peers tried, want 200", len(seen))
		}
	}
}

func TestLimitTries(t *testing.T) {
	in := newGroup(t, GroupConf{Servers: servers(1, 1, 1)}).Instance(0)
	for limit, want := range map[int]int{0: 3, 2: 2, 9: 3} {
		var s Selection
		s.Init(in, nil)
		if s.LimitTries(limit); s.Tries() != want {
			t.Errorf("limit %d: %d tries, want %d", limit, s.Tries(), want)
		}
	}
}

func TestNewGroupErrors(t *testing.T) {
	backup := servers(1)
	backup[0].Backup = true
	resolve := []ServerConf{{Name: "x:1", Host: "x", Resolve: true}}
	for _, tc := range []struct {
		servers []ServerConf
		want    string
	}{
		{nil, `no servers in upstream "u"`},
		{backup, `no servers in upstream "u"`},
		{resolve, `resolving names at run time requires upstream "u" to be in shared memory`},
	} {
		_, err := NewGroup(GroupConf{Name: "u", Servers: tc.servers})
		if fmt.Sprint(err) != tc.want {
			t.Errorf("%v, want %s", err, tc.want)
		}
	}
}

func TestNoAllocations(t *testing.T) {
	for _, m := range []Method{RoundRobin, LeastConn, Hash, ConsistentHash, Random, RandomTwo} {
		in := newGroup(t, GroupConf{Servers: servers(1, 2, 3), Method: m}).Instance(0)
		var s Selection
		key := []byte("192.0.2.1")
		s.Init(in, key)
		n := testing.AllocsPerRun(100, func() {
			s.Init(in, key)
			s.Next(t0)
			s.Free(t0, false)
		})
		if n != 0 {
			t.Errorf("method %d: %v allocations a selection", m, n)
		}
	}
}
