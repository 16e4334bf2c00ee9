package ngx

import (
	"errors"

	"github.com/weirproxy/weir/internal/conf"
	"github.com/weirproxy/weir/internal/logs"
	"github.com/weirproxy/weir/internal/luajit"
	"github.com/weirproxy/weir/internal/resolver/addr"
	"github.com/weirproxy/weir/internal/stream"
)

// balancer is balancer_by_lua*: a script that chooses the peer (ngx_stream_lua_balancer.c).
type balancer struct{ code *script }

func setBalancer(s *conf.Scope, n *conf.Node) error {
	b := stream.In(s)
	if b.Upstream.Balance != nil {
		return n.Directivef("is duplicate")
	}
	code, err := newScript(b, n, "balancer_by_lua", "=balancer_by_lua")
	if err != nil {
		return err
	}
	b.Upstream.Balance = &balancer{code}
	return nil
}

// balancing is what the script says while it runs.
type balancing struct {
	peering *stream.Peering
	total   int // attempts so far
	more    int
	set     bool
}

// specialResponse is the least status that a script can end a session with (NGX_STREAM_SPECIAL_RESPONSE).
const specialResponse = 300

var errBalancer = errors.New("balancer_by_lua* failed")

// Choose implements stream.Balancer.
func (b *balancer) Choose(s *stream.Session, p *stream.Peering) error {
	r, err := requestOf(s)
	if err != nil {
		failSession(s, err)
		return err
	}
	r.reset(inBalancer)
	return b.run(r, p)
}

// run calls the script. Where it names no peer, the group's own method does.
func (b *balancer) run(r *request, p *stream.Peering) error {
	chunk := r.code(b.code)
	if chunk == nil {
		return errBalancer
	}
	if p.Failures == 0 {
		r.balance = balancing{}
	}
	r.balance = balancing{peering: p, total: r.balance.total + 1}
	err := r.m.call(r, chunk.Ref(), nil, nil)
	r.balance.peering = nil
	if err != nil {
		r.log(logs.Error, "failed to run balancer_by_lua*: "+err.Error())
		return errBalancer
	}
	if r.exited && r.exitCode != okCode {
		r.exited = false
		switch {
		case r.exitCode == busyCode:
			return stream.ErrNoPeer
		case r.exitCode >= specialResponse:
			return stream.StatusError(r.exitCode)
		}
		return errBalancer
	}
	r.exited = false
	if r.balance.set {
		p.AddTries(r.balance.more)
		return nil
	}
	return p.Next(r.m.worker.Loop.Now().Unix())
}

// balancerFamily is the module ngx.balancer.
var balancerFamily = family{
	name:    "balancer",
	modules: map[string]string{"ngx.balancer": "balancer.lua"},
	primitives: []primitive{
		{name: "balancer_set_peer", run: whileBalancing((*balancing).setPeer)},
		{name: "balancer_more_tries", run: whileBalancing((*balancing).moreTries)},
		{name: "balancer_failure", run: lastFailure},
		{name: "balancer_timeouts", run: whileBalancing((*balancing).setTimeouts)},
		{name: "balancer_bind", run: whileBalancing((*balancing).bind)},
	},
}

// notBalancing is why ngx.balancer cannot be used now; "" when it can.
func (m *machine) notBalancing() string {
	switch {
	case m.req == nil:
		return "no request found"
	case m.req.phase != inBalancer && (m.req.session == nil || len(m.req.session.Upstreams) == 0):
		return "no upstream found"
	case m.req.phase != inBalancer:
		return "API disabled in the current context"
	}
	return ""
}

func whileBalancing(run func(b *balancing, c *luajit.Call) luajit.Outcome) func(*machine, *luajit.Call) luajit.Outcome {
	return func(m *machine, c *luajit.Call) luajit.Outcome {
		if refusal := m.notBalancing(); refusal != "" {
			return failure(c, refusal)
		}
		return run(&m.req.balance, c)
	}
}

// setPeer(address, port) names the peer.
func (b *balancing) setPeer(c *luajit.Call) luajit.Outcome {
	parsed, err := addr.Parse(c.String(1), addr.Options{NoResolve: true, DefaultPort: uint16(c.Int(2))})
	if err != nil {
		return failure(c, err.Error())
	}
	if len(parsed.Addrs) == 0 {
		return failure(c, "no host allowed")
	}
	b.peering.Addr = parsed.Addrs[0]
	b.peering.Name = parsed.Addrs[0].String()
	b.set = true
	return succeeded(c)
}

// moreTries(n) allows more attempts, as far as proxy_next_upstream_tries does.
func (b *balancing) moreTries(c *luajit.Call) luajit.Outcome {
	p := b.peering
	count := c.Int(1)
	total := b.total + p.Tries() - 1
	c.PushBool(true)
	if p.MaxTries > 0 && total+count > p.MaxTries {
		count = p.MaxTries - total
		c.PushString("reduced tries due to limit")
	}
	b.more = count
	return luajit.Return
}

// lastFailure() tells of the attempt before.
func lastFailure(m *machine, c *luajit.Call) luajit.Outcome {
	if refusal := m.notBalancing(); refusal != "" {
		c.PushNil()
		return failure(c, refusal)
	}
	if m.req.balance.peering.Failures == 0 {
		c.PushNil()
		return luajit.Return
	}
	c.PushString("failed")
	c.PushNumber(0)
	return luajit.Return
}

// setTimeouts(connect, send, read) sets those that are not 0, in milliseconds. There is one timeout for both
// directions, as proxy_timeout is: the longer one of the two.
func (b *balancing) setTimeouts(c *luajit.Call) luajit.Outcome {
	p := b.peering
	if ms := int64(c.Number(1)); ms > 0 {
		p.ConnectTimeout = ms
	}
	if ms := int64(max(c.Number(2), c.Number(3))); ms > 0 {
		p.Timeout = ms
	}
	return succeeded(c)
}

// bind(address) names the local address to connect from.
func (b *balancing) bind(c *luajit.Call) luajit.Outcome {
	local, ok := addr.ParseAddrPort(c.String(1))
	if !ok {
		return failure(c, "parse addr port failed")
	}
	b.peering.Local, b.peering.Bind = local, true
	return succeeded(c)
}
