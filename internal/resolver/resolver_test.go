package resolver

import (
	"fmt"
	"net/netip"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/miekg/dns"
	"github.com/weirproxy/weir/internal/resolver/addr"
)

func sorted(a Answer) string {
	ips := slices.Clone(a.Addrs)
	slices.SortFunc(ips, netip.Addr.Compare)
	return strings.Trim(fmt.Sprint(ips), "[]")
}

func TestLookup(t *testing.T) {
	s := startServer(t, map[string][]string{
		"a.test A":         {"a.test. 60 IN A 10.0.0.1"},
		"two.test A":       {"two.test. 60 IN A 10.0.0.1", "two.test. 60 IN A 10.0.0.2"},
		"six.test AAAA":    {"six.test. 60 IN AAAA fd00::1"},
		"both.test A":      {"both.test. 60 IN A 10.0.0.1"},
		"both.test AAAA":   {"both.test. 60 IN AAAA fd00::1"},
		"alias.test A":     {"alias.test. 60 IN CNAME a.test.", "a.test. 60 IN A 10.0.0.1"},
		"far.test A":       {"far.test. 60 IN CNAME a.test."},
		"far.test AAAA":    {"far.test. 60 IN CNAME a.test."},
		"loop.test A":      {"loop.test. 60 IN CNAME loop.test."},
		"ring.test A":      {"ring.test. 60 IN CNAME ring2.test."},
		"ring2.test A":     {"ring2.test. 60 IN CNAME ring.test."},
		"foreign.test A":   {"other.test. 60 IN A 10.6.6.6"},
		"wrongtype.test A": {"wrongtype.test. 60 IN TXT x"},
	})
	s.fail("nx.test", dns.RcodeNameError)
	s.fail("fail.test", dns.RcodeServerFailure)
	s.fail("refused.test", dns.RcodeRefused)
	s.fail("notimp.test", dns.RcodeNotImplemented)
	s.fail("form.test", dns.RcodeFormatError)
	r := start(t, Config{}, s)
	for name, want := range map[string]string{
		"a.test":                          "10.0.0.1",
		"A.Test.":                         "10.0.0.1",
		"two.test":                        "10.0.0.1 10.0.0.2",
		"six.test":                        "fd00::1",
		"both.test":                       "10.0.0.1 fd00::1",
		"alias.test":                      "10.0.0.1",
		"far.test":                        "10.0.0.1",
		"127.0.0.1":                       "127.0.0.1",
		"[::1]":                           "::1",
		"loop.test":                       "(3: Host not found)",
		"ring.test":                       "(3: Host not found)",
		"foreign.test":                    "(3: Host not found)",
		"wrongtype.test":                  "(3: Host not found)",
		"nx.test":                         "(3: Host not found)",
		"fail.test":                       "(2: Server failure)",
		"refused.test":                    "(5: Operation refused)",
		"notimp.test":                     "(4: Unimplemented)",
		"form.test":                       "(1: Format error)",
		"":                                "(3: Host not found)",
		"a..test":                         "(3: Host not found)",
		strings.Repeat("x", 64) + ".test": "(3: Host not found)",
	} {
		got := lookup(t, r, name)
		text := sorted(got.Answer)
		if got.err != nil {
			text = fmt.Sprintf("(%d: %v)", got.err, got.err)
		}
		if text != want {
			t.Errorf("%q: %s, want %s", name, text, want)
		}
	}
}

func TestFamiliesAreOptional(t *testing.T) {
	s := startServer(t, map[string][]string{
		"both.test A":    {"both.test. 60 IN A 10.0.0.1"},
		"both.test AAAA": {"both.test. 60 IN AAAA fd00::1"},
	})
	for want, c := range map[string]Config{"10.0.0.1": {NoIPv6: true}, "fd00::1": {NoIPv4: true}} {
		s.queries.Store(0)
		got := lookup(t, start(t, c, s), "both.test")
		if got.err != nil || sorted(got.Answer) != want || s.queries.Load() != 1 {
			t.Errorf("%v, want %s by one query, not %d", got, want, s.queries.Load())
		}
	}
}

func TestCache(t *testing.T) {
	for _, tc := range []struct {
		what    string
		config  Config
		record  string
		queries int32
	}{
		{"ttl", Config{NoIPv6: true}, "a.test. 60 IN A 10.0.0.1", 1},
		{"ttl 0", Config{NoIPv6: true}, "a.test. 0 IN A 10.0.0.1", 3},
		{"valid", Config{NoIPv6: true, Valid: time.Minute}, "a.test. 0 IN A 10.0.0.1", 1},
	} {
		s := startServer(t, map[string][]string{"a.test A": {tc.record}})
		r := start(t, tc.config, s)
		for range 3 {
			if got := lookup(t, r, "a.test"); got.err != nil {
				t.Fatal(got.err)
			}
		}
		if n := s.queries.Load(); n != tc.queries {
			t.Errorf("%s: %d queries, want %d", tc.what, n, tc.queries)
		}
		if _, ok := r.Cached("A.test."); ok != (tc.queries == 1) {
			t.Errorf("%s: cached: %v", tc.what, ok)
		}
	}
}

func TestCachedLiteral(t *testing.T) {
	r := New(Config{})
	defer r.Close()
	if a, ok := r.Cached("10.0.0.1"); !ok || sorted(a) != "10.0.0.1" {
		t.Errorf("%v %v", a, ok)
	}
	if _, ok := r.Cached("name"); ok {
		t.Error("a name nobody asked for is cached")
	}
}

func TestNegativeAnswersAreKeptByTheirSOA(t *testing.T) {
	soa := "test. 60 IN SOA ns.test. root.test. 1 2 3 4 60"
	for _, tc := range []struct {
		ns      []string
		queries int32
	}{{[]string{soa}, 1}, {nil, 2}} {
		s := startServer(t, map[string][]string{"nx.test NS": tc.ns})
		s.fail("nx.test", dns.RcodeNameError)
		r := start(t, Config{NoIPv6: true}, s)
		for range 2 {
			got := lookup(t, r, "nx.test")
			if got.err != NotFound || got.ValidUntil.Before(time.Now()) {
				t.Errorf("%v", got)
			}
		}
		if n := s.queries.Load(); n != tc.queries {
			t.Errorf("SOA %v: %d queries, want %d", tc.ns, n, tc.queries)
		}
	}
}

// TestNegativeAnswersAreNotKeptLong: whatever an SOA record says, a name that begins to exist is found soon.
func TestNegativeAnswersAreNotKeptLong(t *testing.T) {
	s := startServer(t, map[string][]string{"nx.test NS": {"test. 600 IN SOA ns.test. root.test. 1 2 3 4 600"}})
	s.fail("nx.test", dns.RcodeNameError)
	r := start(t, Config{}, s)
	got := lookup(t, r, "nx.test")
	r.mu.Lock()
	kept := r.cache.entries[key{name: "nx.test"}]
	r.mu.Unlock()
	limit := time.Now().Add(notFoundValid)
	if got.ValidUntil.After(limit) || kept == nil || kept.until.After(limit) {
		t.Errorf("valid until %v, kept %+v", got.ValidUntil, kept)
	}
}

// TestOneFamilyIsMissing: that a name has no address of one family does not shorten the life of those that it has.
func TestOneFamilyIsMissing(t *testing.T) {
	s := startServer(t, map[string][]string{
		"a.test A":  {"a.test. 60 IN A 10.0.0.1"},
		"a.test NS": {"test. 0 IN SOA ns.test. root.test. 1 2 3 4 0"},
	})
	r := start(t, Config{}, s)
	for range 3 {
		if got := lookup(t, r, "a.test"); got.err != nil || time.Until(got.ValidUntil) < 50*time.Second {
			t.Errorf("%v, valid until %v", got.err, got.ValidUntil)
		}
	}
	if n := s.queries.Load(); n != 2 {
		t.Errorf("%d queries", n)
	}
}

// TestManyNamesAtOnce: questions wait for one another when there are very many, and all are asked in the end.
func TestManyNamesAtOnce(t *testing.T) {
	s := startServer(t, map[string][]string{})
	release := make(chan struct{})
	let := sync.OnceFunc(func() { close(release) })
	t.Cleanup(let)
	s.onReply(func(dns.ResponseWriter, *dns.Msg) bool { <-release; return false })
	r := start(t, Config{NoIPv6: true, Resend: time.Minute}, s)
	const most, names = 20, 50
	r.exchanges = make(chan struct{}, most)
	var wg sync.WaitGroup
	for i := range names {
		wg.Add(1)
		r.Lookup(fmt.Sprintf("name%d.test", i), time.Minute, func(_ Answer, err error) {
			if err != NotFound {
				t.Error(err)
			}
			wg.Done()
		})
	}
	for end := time.Now().Add(10 * time.Second); s.queries.Load() != most; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%d questions under way", s.queries.Load())
		}
	}
	let()
	wg.Wait()
	if n := s.queries.Load(); n != names {
		t.Errorf("%d questions were asked", n)
	}
}

func TestAnswersTakeTurns(t *testing.T) {
	s := startServer(t, map[string][]string{
		"two.test A": {"two.test. 60 IN A 10.0.0.1", "two.test. 60 IN A 10.0.0.2"},
	})
	r := start(t, Config{NoIPv6: true}, s)
	lookup(t, r, "two.test")
	first := map[netip.Addr]int{}
	for range 100 {
		a, _ := r.Cached("two.test")
		first[a.Addrs[0]]++
	}
	if len(first) != 2 {
		t.Errorf("100 answers begin with %v", first)
	}
}

func TestConcurrentLookupsAreJoined(t *testing.T) {
	s := startServer(t, map[string][]string{"a.test A": {"a.test. 60 IN A 10.0.0.1"}})
	asked, release := make(chan struct{}), make(chan struct{})
	s.onReply(func(dns.ResponseWriter, *dns.Msg) bool { close(asked); <-release; return false })
	r := start(t, Config{NoIPv6: true}, s)
	var wg sync.WaitGroup
	ask := func() {
		wg.Add(1)
		r.Lookup("a.test", 10*time.Second, func(_ Answer, err error) {
			if err != nil {
				t.Error(err)
			}
			wg.Done()
		})
	}
	ask()
	<-asked
	for range 50 {
		ask()
	}
	close(release)
	wg.Wait()
	if n := s.queries.Load(); n != 1 {
		t.Errorf("%d queries, want 1", n)
	}
}

func TestTruncatedAnswerIsAskedForOverTCP(t *testing.T) {
	s := startServer(t, map[string][]string{})
	var big []string
	for i := range 100 {
		big = append(big, fmt.Sprintf("big.test. 60 IN A 10.0.0.%d", i))
	}
	s.set("big.test A", big...)
	s.onReply(func(w dns.ResponseWriter, m *dns.Msg) bool {
		if w.LocalAddr().Network() != "udp" {
			return false
		}
		m.Truncate(dns.MinMsgSize)
		return false
	})
	got := lookup(t, start(t, Config{NoIPv6: true}, s), "big.test")
	if got.err != nil || len(got.Addrs) != 100 {
		t.Errorf("%d addresses, %v", len(got.Addrs), got.err)
	}
}

func TestForgedAnswersAreIgnored(t *testing.T) {
	s := startServer(t, map[string][]string{"a.test A": {"a.test. 60 IN A 10.0.0.1"}})
	s.onReply(func(w dns.ResponseWriter, m *dns.Msg) bool {
		for _, forge := range []func(m *dns.Msg){
			func(m *dns.Msg) { m.Id++ },
			func(m *dns.Msg) { m.Response = false },
			func(m *dns.Msg) { m.Opcode = dns.OpcodeUpdate },
			func(m *dns.Msg) { m.Question[0].Name = "b.test." },
			func(m *dns.Msg) { m.Question[0].Qtype = dns.TypeAAAA },
			func(m *dns.Msg) { m.Question = nil },
		} {
			bad := m.Copy()
			bad.Answer = []dns.RR{record("a.test. 60 IN A 10.6.6.6")}
			forge(bad)
			w.WriteMsg(bad)
		}
		w.Write([]byte("short"))
		w.Write(append([]byte{byte(m.Id >> 8), byte(m.Id)}, "\x81\x80 not a message at all"...))
		return false
	})
	got := lookup(t, start(t, Config{NoIPv6: true}, s), "a.test")
	if got.err != nil || sorted(got.Answer) != "10.0.0.1" {
		t.Errorf("%v %v", sorted(got.Answer), got.err)
	}
}

func TestNextServerIsAsked(t *testing.T) {
	zone := map[string][]string{"a.test A": {"a.test. 0 IN A 10.0.0.1"}}
	good := startServer(t, zone)
	silent := startServer(t, zone)
	silent.onReply(func(dns.ResponseWriter, *dns.Msg) bool { return true })
	failing := startServer(t, map[string][]string{})
	failing.fail("a.test", dns.RcodeServerFailure)
	gone := &nameServer{addr: closedPort(t)}
	for what, bad := range map[string]*nameServer{"silent": silent, "failing": failing, "gone": gone} {
		r := start(t, Config{NoIPv6: true, Resend: 50 * time.Millisecond}, bad, good)
		for range 2 {
			if got := lookup(t, r, "a.test"); got.err != nil {
				t.Errorf("%s: %v", what, got.err)
			}
		}
	}
}

func closedPort(t *testing.T) addr.Addr {
	tcp, udp := bothPorts(t)
	defer tcp.Close()
	defer udp.Close()
	return addr.Addr{AddrPort: netip.MustParseAddrPort(udp.LocalAddr().String())}
}

func TestOneFamilyIsEnough(t *testing.T) {
	s := startServer(t, map[string][]string{"a.test A": {"a.test. 60 IN A 10.0.0.1"}})
	s.onReply(func(_ dns.ResponseWriter, m *dns.Msg) bool { return m.Question[0].Qtype == dns.TypeAAAA })
	got := lookup(t, start(t, Config{Resend: 50 * time.Millisecond}, s), "a.test")
	if got.err != nil || sorted(got.Answer) != "10.0.0.1" {
		t.Errorf("%v %v", sorted(got.Answer), got.err)
	}
}

func TestTimeout(t *testing.T) {
	s := startServer(t, map[string][]string{})
	s.onReply(func(dns.ResponseWriter, *dns.Msg) bool { return true })
	for what, server := range map[string]*nameServer{"silent": s, "gone": {addr: closedPort(t)}} {
		r := start(t, Config{}, server)
		got := await(t, func(done func(Answer, error)) { r.Lookup("a.test", 100*time.Millisecond, done) })
		if got.err != TimedOut || fmt.Sprintf("(%d: %v)", got.err, got.err) != "(110: Operation timed out)" {
			t.Errorf("%s: %v", what, got.err)
		}
	}
}

func TestCancel(t *testing.T) {
	s := startServer(t, map[string][]string{"a.test A": {"a.test. 60 IN A 10.0.0.1"}})
	asked, release := make(chan struct{}), make(chan struct{})
	var once sync.Once
	s.onReply(func(dns.ResponseWriter, *dns.Msg) bool { once.Do(func() { close(asked) }); <-release; return false })
	r := start(t, Config{NoIPv6: true}, s)
	q := r.Lookup("a.test", 10*time.Second, func(Answer, error) { t.Error("a cancelled lookup was answered") })
	<-asked
	q.Cancel()
	q.Cancel()
	close(release)
	if got := lookup(t, r, "a.test"); got.err != nil {
		t.Error(got.err)
	}
}

func TestCloseEndsEverything(t *testing.T) {
	s := startServer(t, map[string][]string{})
	s.onReply(func(dns.ResponseWriter, *dns.Msg) bool { return true })
	before := runtime.NumGoroutine()
	r := New(Config{Servers: []addr.Addr{s.addr}})
	var wg sync.WaitGroup
	for i := range 20 {
		wg.Add(1)
		r.Lookup(fmt.Sprint("n", i, ".test"), time.Minute, func(_ Answer, err error) {
			if err != Closed {
				t.Error(err)
			}
			wg.Done()
		})
	}
	r.Close()
	wg.Wait()
	got := await(t, func(done func(Answer, error)) { r.Lookup("a.test", time.Minute, done) })
	if got.err != Closed {
		t.Errorf("after Close: %v", got.err)
	}
	for deadline := time.Now().Add(5 * time.Second); runtime.NumGoroutine() > before; runtime.Gosched() {
		if time.Now().After(deadline) {
			t.Fatalf("%d goroutines, %d before", runtime.NumGoroutine(), before)
		}
	}
}

func TestService(t *testing.T) {
	s := startServer(t, map[string][]string{
		"_http._tcp.x.test SRV": {
			"_http._tcp.x.test. 60 IN SRV 2 3 8081 b.test.",
			"_http._tcp.x.test. 60 IN SRV 1 5 8080 a.test.",
			"_http._tcp.x.test. 60 IN SRV 1 5 8080 gone.test.",
		},
		"my.own.x.test SRV":  {"my.own.x.test. 60 IN SRV 1 5 8080 a.test."},
		"bad.one.x.test SRV": {"bad.one.x.test. 60 IN SRV 1 5 8080 gone.test."},
		"a.test A":           {"a.test. 60 IN A 10.0.0.1"},
		"b.test A":           {"b.test. 60 IN A 10.0.0.2", "b.test. 60 IN A 10.0.0.3"},
	})
	s.fail("gone.test", dns.RcodeNameError)
	r := start(t, Config{NoIPv6: true}, s)
	for service, want := range map[string]string{
		"http":    "a.test 10.0.0.1:8080 1/5, b.test 10.0.0.2:8081 2/3, b.test 10.0.0.3:8081 2/3; failed gone.test",
		"my.own":  "a.test 10.0.0.1:8080 1/5",
		"bad.one": "Host not found; failed gone.test",
		"none":    "Host not found",
	} {
		got := await(t, func(done func(Answer, error)) { r.LookupService(service, "x.test", 10*time.Second, done) })
		if text := describe(got); text != want {
			t.Errorf("%s: %s, want %s", service, text, want)
		}
	}
}

func describe(r reply) string {
	var list []string
	for _, s := range r.Services {
		list = append(list, fmt.Sprintf("%s %s %d/%d", s.Target, s.Addr, s.Priority, s.Weight))
	}
	text := strings.Join(list, ", ")
	if r.err != nil {
		text = r.err.Error()
	}
	for _, f := range r.Failed {
		text += "; failed " + f.Target
	}
	return text
}

// FuzzMatch checks that no response makes the reader panic, and that what it takes answers the question.
func FuzzMatch(f *testing.F) {
	q := new(dns.Msg)
	q.SetQuestion("a.test.", dns.TypeA)
	q.Id = 0x1234
	query, _ := q.Pack()
	reply := new(dns.Msg)
	reply.SetReply(q)
	reply.Answer = []dns.RR{record("a.test. 60 IN CNAME b.test."), record("b.test. 60 IN A 10.0.0.1")}
	wire, _ := reply.Pack()
	f.Add(wire)
	f.Add(query)
	f.Fuzz(func(t *testing.T, response []byte) {
		msg, err := match(response, query)
		if err != nil || msg == nil {
			return
		}
		if msg.Id != q.Id || !strings.EqualFold(msg.Question[0].Name, "a.test.") {
			t.Fatalf("taken: %v", msg)
		}
		rs := records{}
		rs.walk(msg, "a.test.", dns.TypeA)
		ips(rs.found)
	})
}

func TestCancelledLookupLeavesNoGoroutine(t *testing.T) {
	s := startServer(t, map[string][]string{})
	s.onReply(func(dns.ResponseWriter, *dns.Msg) bool { return true })
	r := start(t, Config{}, s)
	before := runtime.NumGoroutine()
	for i := range 10 {
		r.Lookup(fmt.Sprint("n", i, ".test"), time.Minute, func(Answer, error) {}).Cancel()
	}
	for deadline := time.Now().Add(3 * time.Second); runtime.NumGoroutine() > before; runtime.Gosched() {
		if time.Now().After(deadline) {
			t.Fatalf("%d goroutines, %d before", runtime.NumGoroutine(), before)
		}
	}
}
