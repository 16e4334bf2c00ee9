package resolver

import (
	"cmp"
	"context"
	"math"
	"net/netip"
	"strings"
	"time"

	"github.com/miekg/dns"
)

// maxAliases is how many CNAMEs are followed from one name (NGX_RESOLVER_MAX_RECURSION).
const maxAliases = 50

// notFoundValid is when a name that does not exist is asked for again by those who watch it, unless `valid` says, as in
// nginx; an answer that it does not exist is not kept for longer either.
const notFoundValid = 10 * time.Second

func validName(name string) bool {
	_, ok := dns.IsDomainName(name)
	return ok && name != "" && !strings.HasPrefix(name, ".") && !strings.Contains(name, "..")
}

func (r *Resolver) resolve(ctx context.Context, k key) result {
	if k.service {
		return r.service(ctx, k.name)
	}
	return r.addresses(ctx, k.name)
}

// records is what one question was answered with.
type records struct {
	found []dns.RR // of the type asked for
	ttl   uint32   // seconds: the lowest on the way; 0: the answer is not to be kept
	err   error
}

// addresses asks for A and AAAA at the same time. One of them may fail as long as the other has an address.
func (r *Resolver) addresses(ctx context.Context, name string) result {
	var v4, v6 records
	switch {
	case r.config.NoIPv6:
		v4 = r.records(ctx, name, dns.TypeA)
		v6 = records{ttl: v4.ttl, err: v4.err}
	case r.config.NoIPv4:
		v6 = r.records(ctx, name, dns.TypeAAAA)
		v4 = records{ttl: v6.ttl, err: v6.err}
	default:
		v4, v6 = r.both(ctx, name)
	}
	addrs := append(ips(v4.found), ips(v6.found)...)
	if len(addrs) == 0 {
		return r.failed(worse(v4.err, v6.err), min(v4.ttl, v6.ttl))
	}
	return r.valid(Answer{Addrs: addrs}, min(v4.validity(), v6.validity()))
}

// validity bounds how long an answer holds that the records are a part of.
func (rs records) validity() uint32 {
	if rs.err != nil {
		return math.MaxUint32
	}
	return rs.ttl
}

// valid is a result that holds for ttl seconds, or as long as `valid` says.
func (r *Resolver) valid(a Answer, ttl uint32) result {
	a.ValidUntil = time.Now().Add(cmp.Or(r.config.Valid, time.Duration(ttl)*time.Second))
	return result{answer: a, until: a.ValidUntil}
}

// failed is a result without addresses, which is kept for ttl seconds.
func (r *Resolver) failed(err error, ttl uint32) result {
	now := time.Now()
	return result{
		answer: Answer{ValidUntil: now.Add(cmp.Or(r.config.Valid, notFoundValid))},
		err:    err, until: now.Add(min(time.Duration(ttl)*time.Second, notFoundValid)),
	}
}

// both runs the two questions side by side. Once one has addresses the other gets one resend time more.
func (r *Resolver) both(ctx context.Context, name string) (v4, v6 records) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	second := make(chan records, 1)
	hurry := func(rs records) {
		if rs.err == nil {
			time.AfterFunc(r.config.Resend, cancel)
		}
	}
	r.wg.Go(func() {
		rs := r.records(ctx, name, dns.TypeAAAA)
		hurry(rs)
		second <- rs
	})
	v4 = r.records(ctx, name, dns.TypeA)
	hurry(v4)
	return v4, <-second
}

// worse tells which of two failures to report: a name is only "not found" when nothing else went wrong.
func worse(a, b error) error {
	if a == NotFound {
		return b
	}
	return a
}

func ips(list []dns.RR) []netip.Addr {
	var out []netip.Addr
	for _, rr := range list {
		switch rr := rr.(type) {
		case *dns.A:
			if ip, ok := netip.AddrFromSlice(rr.A.To4()); ok {
				out = append(out, ip)
			}
		case *dns.AAAA:
			if ip, ok := netip.AddrFromSlice(rr.AAAA.To16()); ok {
				out = append(out, ip)
			}
		}
	}
	return out
}

// records finds the records of one type, along the name's aliases.
func (r *Resolver) records(ctx context.Context, name string, qtype uint16) records {
	rs := records{ttl: math.MaxUint32}
	name = dns.Fqdn(name)
	for range maxAliases {
		msg, err := r.rounds(ctx, dns.Question{Name: name, Qtype: qtype, Qclass: dns.ClassINET})
		if err != nil {
			return records{err: err}
		}
		alias := rs.walk(msg, name, qtype)
		if len(rs.found) > 0 {
			return rs
		}
		if alias == name || msg.Rcode == dns.RcodeNameError {
			return rs.notFound(msg)
		}
		name = alias
	}
	return records{err: NotFound}
}

// walk follows the aliases in msg from name, takes the records at their end, and returns the last name.
func (rs *records) walk(msg *dns.Msg, name string, qtype uint16) string {
	for range maxAliases {
		next := ""
		for _, rr := range msg.Answer {
			h := rr.Header()
			if h.Class != dns.ClassINET || !strings.EqualFold(h.Name, name) {
				continue
			}
			switch cname, ok := rr.(*dns.CNAME); {
			case h.Rrtype == qtype:
				rs.found = append(rs.found, rr)
				rs.ttl = min(rs.ttl, h.Ttl)
			case ok && next == "":
				next = cname.Target
				rs.ttl = min(rs.ttl, h.Ttl)
			}
		}
		if len(rs.found) > 0 || next == "" {
			return name
		}
		name = next
	}
	return name
}

// notFound is a negative answer; its SOA record says how long it holds (RFC 2308 §5). One without is not kept.
func (rs records) notFound(msg *dns.Msg) records {
	for _, rr := range msg.Ns {
		if soa, ok := rr.(*dns.SOA); ok {
			return records{ttl: min(rs.ttl, soa.Hdr.Ttl, soa.Minttl), err: NotFound}
		}
	}
	return records{err: NotFound}
}

// rounds asks server after server until one knows, all say that they cannot answer, or ctx ends.
func (r *Resolver) rounds(ctx context.Context, q dns.Question) (*dns.Msg, error) {
	servers := r.config.Servers
	first := int(r.turn.Add(1) - 1)
	failures, quick := 0, 0
	for i := first; ; i++ {
		began := time.Now()
		msg, err := r.exchange(ctx, servers[i%len(servers)], q)
		if ctx.Err() != nil {
			return nil, TimedOut
		}
		if err == nil {
			if msg.Rcode == dns.RcodeSuccess || msg.Rcode == dns.RcodeNameError {
				return msg, nil
			}
			if failures++; failures >= len(servers) {
				return nil, Code(msg.Rcode)
			}
			continue
		}
		// A server that nobody runs fails at once: it is asked again only with the next round.
		if time.Since(began) >= r.config.Resend {
			continue
		}
		if quick++; quick%len(servers) == 0 && !pause(ctx, r.config.Resend) {
			return nil, TimedOut
		}
	}
}

func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
