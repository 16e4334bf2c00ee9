package resolver

import (
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/miekg/dns"
	"github.com/weirproxy/weir/internal/resolver/addr"
)

// nameServer is a DNS server on 127.0.0.1, UDP and TCP on one port, with a zone of literal records.
type nameServer struct {
	addr    addr.Addr
	queries atomic.Int32

	mu    sync.Mutex
	zone  map[string][]string // "name TYPE" → records
	rcode map[string]int      // name → response code
	hook  func(w dns.ResponseWriter, m *dns.Msg) bool
}

func startServer(t *testing.T, zone map[string][]string) *nameServer {
	t.Helper()
	s := &nameServer{zone: zone, rcode: map[string]int{}}
	tcp, udp := bothPorts(t)
	s.addr = addr.Addr{AddrPort: netip.MustParseAddrPort(udp.LocalAddr().String())}
	for _, d := range []*dns.Server{{PacketConn: udp, Handler: s}, {Listener: tcp, Handler: s}} {
		go d.ActivateAndServe()
		t.Cleanup(func() { d.Shutdown() })
	}
	return s
}

// bothPorts finds a port that is free for UDP and for TCP.
func bothPorts(t *testing.T) (net.Listener, net.PacketConn) {
	for range 20 {
		tcp, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		udp, err := net.ListenPacket("udp", tcp.Addr().String())
		if err == nil {
			return tcp, udp
		}
		tcp.Close()
	}
	t.Fatal("no port is free for both protocols")
	return nil, nil
}

func (s *nameServer) ServeDNS(w dns.ResponseWriter, q *dns.Msg) {
	s.queries.Add(1)
	s.mu.Lock()
	defer s.mu.Unlock()
	m := new(dns.Msg)
	m.SetReply(q)
	name := canonical(q.Question[0].Name)
	m.Rcode = s.rcode[name]
	question := name + " " + dns.TypeToString[q.Question[0].Qtype]
	for _, text := range s.zone[question] {
		m.Answer = append(m.Answer, record(text))
	}
	for _, text := range s.zone[name+" NS"] {
		m.Ns = append(m.Ns, record(text))
	}
	if s.hook != nil && s.hook(w, m) {
		return
	}
	w.WriteMsg(m)
}

func record(text string) dns.RR {
	rr, err := dns.NewRR(text)
	if err != nil {
		panic(err)
	}
	return rr
}

func (s *nameServer) set(question string, records ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.zone[question] = records
}

// start makes a resolver that asks the servers and is closed with the test.
func start(t *testing.T, c Config, servers ...*nameServer) *Resolver {
	t.Helper()
	for _, s := range servers {
		c.Servers = append(c.Servers, s.addr)
	}
	r := New(c)
	t.Cleanup(r.Close)
	return r
}

type reply struct {
	Answer
	err error
}

// lookup waits for the answer.
func lookup(t *testing.T, r *Resolver, name string) reply {
	t.Helper()
	return await(t, func(done func(Answer, error)) { r.Lookup(name, 10*time.Second, done) })
}

func await(t *testing.T, ask func(done func(Answer, error))) reply {
	t.Helper()
	got := make(chan reply, 1)
	ask(func(a Answer, err error) { got <- reply{a, err} })
	select {
	case r := <-got:
		return r
	case <-time.After(20 * time.Second):
		t.Fatal("no answer")
		return reply{}
	}
}

// fail makes the response code of all questions for name.
func (s *nameServer) fail(name string, rcode int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rcode[name] = rcode
}

// onReply sees each reply before it is sent; true keeps it from being sent.
func (s *nameServer) onReply(hook func(w dns.ResponseWriter, m *dns.Msg) bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.hook = hook
}
