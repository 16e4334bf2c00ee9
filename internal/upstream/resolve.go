package upstream

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/weirproxy/weir/internal/resolver"
)

// Resolve keeps the names of the group's servers with "resolve" resolved: it asks r for each, replaces the server's
// peers by the answer, and asks again when the answer expires, until stop is called; stop waits for the goroutines.
// A name that does not exist leaves its server without peers; after any other failure the peers stay and the name is
// asked for again after timeout, a second at least (ngx_stream_upstream_zone_resolve_handler). logf, called on any
// goroutine, is given the failures in nginx's words, for the level error; it may be nil.
func (g *Group) Resolve(r *resolver.Resolver, timeout time.Duration, logf func(message string)) (stop func()) {
	if g.shared == nil {
		return func() {}
	}
	if logf == nil {
		logf = func(string) {}
	}
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	for _, h := range g.shared.hosts {
		w := watch{in: g.shared, host: h, server: h.server, r: r, timeout: timeout, logf: logf}
		wg.Go(func() { w.run(ctx) })
	}
	return func() {
		cancel()
		wg.Wait()
	}
}

// watch keeps one server's name resolved.
type watch struct {
	in      *Instance
	host    *host
	server  *ServerConf
	r       *resolver.Resolver
	timeout time.Duration
	logf    func(string)
}

func (w *watch) run(ctx context.Context) {
	wait := time.Until(w.in.validUntil(w.host))
	for {
		select {
		case <-ctx.Done():
			return
		case <-time.After(wait):
		}
		answer, err := w.lookup(ctx)
		if ctx.Err() != nil {
			return
		}
		wait = w.apply(answer, err)
	}
}

type outcome struct {
	answer resolver.Answer
	err    error
}

func (w *watch) lookup(ctx context.Context) (resolver.Answer, error) {
	done := make(chan outcome, 1)
	finish := func(a resolver.Answer, err error) { done <- outcome{a, err} }
	var q *resolver.Query
	if w.server.Service != "" {
		q = w.r.LookupService(w.server.Service, w.server.Host, w.timeout, finish)
	} else {
		q = w.r.Lookup(w.server.Host, w.timeout, finish)
	}
	select {
	case o := <-done:
		return o.answer, o.err
	case <-ctx.Done():
		q.Cancel()
		return resolver.Answer{}, ctx.Err()
	}
}

// apply puts an answer into effect and says how long to wait for the next.
func (w *watch) apply(answer resolver.Answer, err error) time.Duration {
	for _, f := range answer.Failed {
		w.logf(fmt.Sprintf("%s while resolving service %s of %s", resolver.NotResolved(f.Target, f.Err), w.server.Service,
			w.server.Host))
	}
	if err != nil {
		w.logf(resolver.NotResolved(w.subject(), err))
	}
	if err != nil && err != resolver.NotFound {
		return max(w.timeout, time.Second)
	}
	w.in.replace(w.host, resolvedOf(answer), answer.ValidUntil)
	// nginx asks in the second after the answer's last.
	return max(time.Until(answer.ValidUntil), 0) + time.Second
}

func (w *watch) subject() string {
	if w.server.Service != "" {
		return "service " + w.server.Service + " of " + w.server.Host
	}
	return w.server.Host
}

func resolvedOf(a resolver.Answer) []Resolved {
	var list []Resolved
	for _, ip := range a.Addrs {
		list = append(list, Resolved{IP: ip})
	}
	for _, s := range a.Services {
		list = append(list, Resolved{
			IP: s.Addr.Addr(), Port: s.Addr.Port(), Target: s.Target, Weight: s.Weight, Priority: s.Priority,
		})
	}
	return list
}

func (in *Instance) validUntil(h *host) time.Time {
	in.lock()
	defer in.unlock()
	return h.validUntil
}
