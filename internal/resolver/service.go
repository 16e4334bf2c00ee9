package resolver

import (
	"cmp"
	"context"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/miekg/dns"
)

// service finds the targets of an SRV name and all their addresses.
func (r *Resolver) service(ctx context.Context, name string) result {
	rs := r.records(ctx, name, dns.TypeSRV)
	if rs.err != nil {
		return r.failed(rs.err, rs.ttl)
	}
	res := r.valid(Answer{}, rs.ttl)
	for i, t := range r.targets(ctx, rs.found) {
		res.add(rs.found[i].(*dns.SRV), t)
	}
	slices.SortStableFunc(res.answer.Services, func(a, b Service) int { return cmp.Compare(a.Priority, b.Priority) })
	if len(res.answer.Services) == 0 {
		res.err, res.until = res.answer.Failed[0].Err, time.Time{}
	}
	return res
}

// targets resolves the records' targets at the same time.
func (r *Resolver) targets(ctx context.Context, list []dns.RR) []result {
	out := make([]result, len(list))
	var wg sync.WaitGroup
	for i, rr := range list {
		wg.Go(func() { out[i] = r.addresses(ctx, canonical(rr.(*dns.SRV).Target)) })
	}
	wg.Wait()
	return out
}

// add joins one target's addresses to a service's answer, which is valid as long as all its parts are.
func (res *result) add(srv *dns.SRV, t result) {
	target := canonical(srv.Target)
	if t.err != nil {
		res.answer.Failed = append(res.answer.Failed, FailedTarget{target, t.err})
		return
	}
	for _, ip := range t.answer.Addrs {
		res.answer.Services = append(res.answer.Services, Service{
			Target: target, Addr: netip.AddrPortFrom(ip, srv.Port),
			Priority: srv.Priority, Weight: int(srv.Weight),
		})
	}
	if t.until.Before(res.until) {
		res.until, res.answer.ValidUntil = t.until, t.until
	}
}
