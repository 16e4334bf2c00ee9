package resolver

import (
	"context"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/weirproxy/weir/internal/resolver/addr"
)

// Answer is what a name resolved to. Its slices are shared by all who asked: they must not be changed.
type Answer struct {
	// Addrs are a name's addresses, IPv4 first; at least one when there was no error. Empty for a service.
	Addrs []netip.Addr
	// Services are a service's targets by priority, one for each address.
	Services []Service
	// Failed are a service's targets that did not resolve.
	Failed []FailedTarget
	// ValidUntil is when the answer should be asked for again; it is also set with NotFound.
	ValidUntil time.Time
}

// Service is an address of a target of an SRV record.
type Service struct {
	Target   string
	Addr     netip.AddrPort
	Priority uint16
	Weight   int
}

// FailedTarget is a target of an SRV record that did not resolve.
type FailedTarget struct {
	Target string
	Err    error
}

// Resolver is one resolver directive at work. It may be used from any goroutine.
type Resolver struct {
	config Config
	turn   atomic.Uint32 // whose turn it is among the servers
	ctx    context.Context
	cancel context.CancelFunc
	wg     sync.WaitGroup
	// exchanges has room for as many as may be under way.
	exchanges chan struct{}

	mu      sync.Mutex
	closed  bool
	flights map[key]*flight
	cache   cache
}

// key is a question: a name, or (with a dotted SRV name) a service.
type key struct {
	name    string
	service bool
}

// flight is one question being asked, and everybody who waits for its answer.
type flight struct {
	waiting map[*Query]struct{}
	cancel  context.CancelFunc
}

// Query is one caller's wait for an answer.
type Query struct {
	r      *Resolver
	key    key
	done   func(Answer, error)
	timer  *time.Timer
	flight *flight // nil when the query is over
}

// New starts a resolver; it opens nothing until it is asked.
func New(config Config) *Resolver {
	if config.Resend == 0 {
		config.Resend = 5 * time.Second
	}
	r := &Resolver{config: config, flights: make(map[key]*flight), cache: newCache(),
		exchanges: make(chan struct{}, mostExchanges)}
	r.ctx, r.cancel = context.WithCancel(context.Background())
	return r
}

// Enabled tells whether there is a server to ask; false also for nil.
func (r *Resolver) Enabled() bool { return r != nil && len(r.config.Servers) > 0 }

// Cached answers at once when it can: name is an address, or its answer is still fresh. Addresses of a name with
// several begin at a random one, as in nginx.
func (r *Resolver) Cached(name string) (Answer, bool) {
	if ip, ok := literal(name); ok {
		return Answer{Addrs: []netip.Addr{ip}}, true
	}
	r.mu.Lock()
	a, err, ok := r.cache.get(key{name: canonical(name)}, time.Now())
	r.mu.Unlock()
	if !ok || err != nil {
		return Answer{}, false
	}
	return a.rotated(), true
}

// Lookup finds the addresses of name and calls done once, on a goroutine of the resolver, with the answer or a Code:
// TimedOut when there is none within timeout. done must not block.
func (r *Resolver) Lookup(name string, timeout time.Duration, done func(Answer, error)) *Query {
	return r.ask(key{name: canonical(name)}, timeout, done)
}

// LookupService is Lookup for the SRV records of service at name: of _service._tcp.name, or of service.name when
// service has a dot. The answer's Services are set.
func (r *Resolver) LookupService(service, name string, timeout time.Duration, done func(Answer, error)) *Query {
	if !strings.Contains(service, ".") {
		service = "_" + service + "._tcp"
	}
	return r.ask(key{name: canonical(service + "." + name), service: true}, timeout, done)
}

// Close ends all lookups with Closed and waits for the resolver's goroutines. A callback must not call it.
func (r *Resolver) Close() {
	r.mu.Lock()
	r.closed = true
	var waiting []*Query
	for _, f := range r.flights {
		for q := range f.waiting {
			waiting = append(waiting, q)
		}
	}
	r.mu.Unlock()
	for _, q := range waiting {
		q.finish(Answer{}, Closed)
	}
	r.cancel()
	r.wg.Wait()
}

// Cancel gives the query up. Its callback is not called any more, unless it is already on its way.
func (q *Query) Cancel() { q.leave() }

// leave takes the query out of its flight; false when it was over already. A flight nobody waits for is ended.
func (q *Query) leave() bool {
	q.r.mu.Lock()
	defer q.r.mu.Unlock()
	f := q.flight
	if f == nil {
		return false
	}
	q.flight = nil
	q.timer.Stop()
	delete(f.waiting, q)
	if len(f.waiting) == 0 {
		f.cancel()
		if q.r.flights[q.key] == f {
			delete(q.r.flights, q.key)
		}
	}
	return true
}

func (q *Query) finish(a Answer, err error) {
	if q.leave() {
		q.done(a, err)
	}
}

func (r *Resolver) ask(k key, timeout time.Duration, done func(Answer, error)) *Query {
	q := &Query{r: r, key: k, done: done}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		go done(Answer{}, Closed)
		return q
	}
	if a, err, ok := r.known(k); ok {
		r.wg.Go(func() { done(a, err) })
		return q
	}
	f := r.flights[k]
	if f == nil {
		f = r.launch(k)
	}
	q.flight = f
	f.waiting[q] = struct{}{}
	q.timer = time.AfterFunc(timeout, func() { q.finish(Answer{}, TimedOut) })
	return q
}

// known answers what needs no server; the caller holds the lock.
func (r *Resolver) known(k key) (Answer, error, bool) {
	if ip, ok := literal(k.name); ok && !k.service {
		return Answer{Addrs: []netip.Addr{ip}}, nil, true
	}
	if !validName(k.name) || !r.Enabled() {
		return Answer{}, NotFound, true
	}
	a, err, ok := r.cache.get(k, time.Now())
	return a.rotated(), err, ok
}

// launch begins to ask; the caller holds the lock.
func (r *Resolver) launch(k key) *flight {
	ctx, cancel := context.WithCancel(r.ctx)
	f := &flight{waiting: make(map[*Query]struct{}), cancel: cancel}
	r.flights[k] = f
	r.wg.Go(func() {
		defer cancel()
		r.land(k, f, r.resolve(ctx, k))
	})
	return f
}

// land keeps the result and hands it to all who wait.
func (r *Resolver) land(k key, f *flight, res result) {
	r.mu.Lock()
	if r.flights[k] == f {
		delete(r.flights, k)
		r.cache.put(k, res, time.Now())
	}
	var waiting []*Query
	for q := range f.waiting {
		waiting = append(waiting, q)
	}
	r.mu.Unlock()
	for _, q := range waiting {
		q.finish(res.answer, res.err)
	}
}

func literal(name string) (netip.Addr, bool) {
	if n := len(name); n > 2 && name[0] == '[' && name[n-1] == ']' {
		name = name[1 : n-1]
	}
	return addr.ParseIP(name)
}

func canonical(name string) string {
	return strings.ToLower(strings.TrimSuffix(name, "."))
}
