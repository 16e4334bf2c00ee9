package upstream

import (
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/miekg/dns"
	"github.com/weirproxy/weir/internal/resolver"
	"github.com/weirproxy/weir/internal/resolver/addr"
)

// nameServer answers every A question with ips, or with a response code.
type nameServer struct {
	mu    sync.Mutex
	ips   []string
	rcode int
}

func (s *nameServer) set(rcode int, ips ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rcode, s.ips = rcode, ips
}

func (s *nameServer) ServeDNS(w dns.ResponseWriter, q *dns.Msg) {
	s.mu.Lock()
	defer s.mu.Unlock()
	m := new(dns.Msg)
	m.SetRcode(q, s.rcode)
	for _, ip := range s.ips {
		m.Answer = append(m.Answer, &dns.A{
			Hdr: dns.RR_Header{Name: q.Question[0].Name, Rrtype: dns.TypeA, Class: dns.ClassINET},
			A:   net.ParseIP(ip),
		})
	}
	w.WriteMsg(m)
}

func startNameServer(t *testing.T) (*nameServer, *resolver.Resolver) {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &nameServer{}
	server := &dns.Server{PacketConn: conn, Handler: s}
	go server.ActivateAndServe()
	t.Cleanup(func() { server.Shutdown() })
	at := addr.Addr{AddrPort: netip.MustParseAddrPort(conn.LocalAddr().String())}
	r := resolver.New(resolver.Config{Servers: []addr.Addr{at}, NoIPv6: true})
	t.Cleanup(r.Close)
	return s, r
}

// eventually waits until cond holds.
func eventually(t *testing.T, what string, cond func() bool) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(10 * time.Second); !cond(); <-tick.C {
		if time.Now().After(deadline) {
			t.Fatalf("still not: %s", what)
		}
	}
}

func TestNamesAreResolvedAgain(t *testing.T) {
	s, r := startNameServer(t)
	g := newGroup(t, resolving())
	in := g.Instance(0)
	messages := make(chan string, 100)
	s.set(dns.RcodeSuccess, "10.0.0.1", "10.0.0.2")
	stop := g.Resolve(r, time.Second, func(m string) { messages <- m })
	defer stop()
	for _, step := range []struct {
		rcode int
		ips   []string
		want  string
	}{
		{dns.RcodeSuccess, []string{"10.0.0.1", "10.0.0.2"}, "10.0.0.9:80 10.0.0.1:80 10.0.0.2:80"},
		{dns.RcodeSuccess, []string{"10.0.0.3"}, "10.0.0.9:80 10.0.0.3:80"},
		{dns.RcodeNameError, nil, "10.0.0.9:80"},
	} {
		s.set(step.rcode, step.ips...)
		eventually(t, step.want, func() bool { return names(in) == step.want })
	}
	if m := <-messages; m != "name could not be resolved (3: Host not found)" {
		t.Error(m)
	}
}

func TestPeersStayWhenTheServerFails(t *testing.T) {
	s, r := startNameServer(t)
	g := newGroup(t, resolving())
	g.replace(1, answer("10.0.0.1"))
	s.set(dns.RcodeServerFailure)
	messages := make(chan string, 100)
	stop := g.Resolve(r, time.Second, func(m string) { messages <- m })
	defer stop()
	if m := <-messages; !strings.HasSuffix(m, "(2: Server failure)") {
		t.Error(m)
	}
	if got, want := names(g.Instance(0)), "10.0.0.9:80 10.0.0.1:80"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}
