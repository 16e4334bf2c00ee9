package ngx

import (
	"strconv"
	"strings"

	"github.com/weirproxy/weir/internal/logs"
	"github.com/weirproxy/weir/internal/luajit"
	"github.com/weirproxy/weir/internal/resolver/addr"
	"github.com/weirproxy/weir/internal/stream"
)

// upstreamFamily is ngx.upstream.
var upstreamFamily = family{
	name: "upstream",
	lua:  "upstream.lua",
	primitives: []primitive{
		{name: "upstream_connect", run: connectUpstream, in: inClient, waits: true,
			opt: luajit.Options{Fields: []string{"key", "timeout"}}},
	},
}

// via is how ngx.upstream.connect comes to a peer of a group, and then the hold of that peer until the socket leaves
// it.
type via struct {
	s       *socket
	peering stream.Peering
	balance balancing
	retry   bool
	until   int64 // Loop.Millis after which no other peer is tried; 0: no limit
}

var unusedVias = newMachineSlot[stream.FreeList[via]]()

// connectUpstream(name [, options], key, timeout) is ngx.upstream.connect; the last two are fields of options.
func connectUpstream(m *machine, c *luajit.Call) luajit.Outcome {
	n := c.Len() - 2
	if n < 1 || n > 2 {
		return c.Raise("expecting 1 or 2 arguments, but got " + strconv.Itoa(n))
	}
	name, out, ok := checkText(c, 1)
	if !ok {
		return out
	}
	if n == 2 && c.Type(2) != luajit.Table && c.Type(2) != luajit.Nil {
		return c.RaiseArg(2, "table expected, got "+typeName(c, 2))
	}
	key, hasKey := textOf(c, n+1)
	timeout, isTime := timeoutOf(c, n+2)
	if !isTime {
		return c.RaiseArg(2, `bad "timeout" option`)
	}
	up := m.req.session.Config().Upstream(name)
	if up == nil {
		return m.connectAddr(c, strings.Clone(name), timeout)
	}
	s := m.newPeerSocket(timeout)
	v := s.find(up, key, hasKey)
	s.connector = m.running(c)
	return s.await(c, v.attempt())
}

// newPeerSocket makes a socket that Lua gets when it is connected.
func (m *machine) newPeerSocket(timeout int64) *socket {
	m.freeCollected() // they may hold what this one is to get
	s := m.newSocket()
	s.returned, s.connectTimeout = true, timeout
	s.own(m.req)
	return s
}

// connectAddr connects to an address that is no group.
func (m *machine) connectAddr(c *luajit.Call, name string, timeout int64) luajit.Outcome {
	parsed, err := addr.Parse(name, addr.Options{NoResolve: true})
	if err != nil {
		return failure(c, err.Error()+` in upstream "`+name+`"`)
	}
	isUnix := len(parsed.Addrs) > 0 && parsed.Addrs[0].IsUnix()
	if parsed.NoPort && !isUnix {
		return failure(c, `no port in upstream "`+name+`"`)
	}
	s := m.newPeerSocket(timeout)
	s.target, s.host, s.port = name, name, parsed.Port
	s.choosePool(name, -1, connectOptions{backlog: -1})
	s.connector = m.running(c)
	return s.await(c, s.begin(false))
}

// await answers the call, or has it wait.
func (s *socket) await(c *luajit.Call, done progress) luajit.Outcome {
	if done == waiting {
		return s.connector.park(unborn{s})
	}
	s.connector = nil
	s.connectResult(&c.Values)
	return luajit.Return
}

// unborn is a socket that Lua has not got yet: it goes with the thread that waits for it.
type unborn struct{ *socket }

// cancel implements waiter.
func (u unborn) cancel(*coroutine) { u.free() }

// giveSocket pushes what ngx.upstream.connect returns.
func (s *socket) giveSocket(v *luajit.Values) {
	s.returned = false
	if s.connectErr == "" {
		s.connectTimeout = 0
		s.push(v)
		return
	}
	fail(v, s.connectErr)
	s.free()
}

// find begins a way through a group's peers.
func (s *socket) find(up *stream.Upstream, key string, hasKey bool) *via {
	v := unusedVias.of(s.m).Take()
	v.s, s.via = s, v
	session := s.req.session
	next := &session.Server.NextUpstream
	v.retry = next.On
	if next.Timeout > 0 {
		v.until = s.m.worker.Loop.Millis() + next.Timeout
	}
	if !hasKey && up.HashKey != nil {
		key = up.HashKey.Text(session)
	}
	v.peering.Begin(session.Worker, up, []byte(key), next.Tries)
	return v
}

// attempt tries peers until one is connected or has to be waited for.
func (v *via) attempt() progress {
	for v.choose() {
		done := v.s.begin(false)
		if done == connected {
			v.peering.Connected()
		}
		if done != failed {
			return done
		}
		v.s.pool = nil // begin has told it
		if !v.giveUp() {
			return failed
		}
	}
	return failed
}

// choose takes the next peer; false: there is none.
func (v *via) choose() bool {
	s, p := v.s, &v.peering
	if err := v.pick(); err != nil {
		s.connectErr = err.Error()
		if err == stream.ErrNoPeer {
			s.req.log(logs.Error, s.connectErr+` in upstream "`+p.Upstream.Name+`"`)
		}
		return false
	}
	s.connectErr, s.target, s.host, s.port = "", p.Name, p.Name, 0
	if p.Bind {
		s.bound, s.hasBound = p.Local, true
	}
	if p.ConnectTimeout > 0 {
		s.connectTimeout = p.ConnectTimeout
	}
	if p.Timeout > 0 {
		s.sendTimeout, s.readTimeout = p.Timeout, p.Timeout
	}
	s.choosePool(p.Name, -1, connectOptions{backlog: -1})
	return true
}

func (v *via) pick() error {
	p := &v.peering
	if b, ok := p.Upstream.Balance.(*balancer); ok {
		return b.within(v)
	}
	return p.Next(v.s.m.worker.Loop.Now().Unix())
}

// within runs the script while another phase of the request goes on.
func (b *balancer) within(v *via) error {
	r := v.s.req
	phase, balance, exited, code := r.phase, r.balance, r.exited, r.exitCode
	r.phase, r.balance, r.exited = inBalancer, v.balance, false
	err := b.run(r, &v.peering)
	v.balance = r.balance
	r.phase, r.balance, r.exited, r.exitCode = phase, balance, exited, code
	if r.m.req == r {
		r.m.become(r)
	}
	return err
}

// giveUp ends the hold of a peer that could not be reached; true: another may be tried.
func (v *via) giveUp() bool {
	v.peering.Failures++
	left := v.release(true)
	return v.retry && left > 0 && (v.until == 0 || v.s.m.worker.Loop.Millis() < v.until)
}

// release gives the peer back and tells how many attempts are left.
func (v *via) release(failed bool) (left int) {
	left, disabled := v.peering.GiveBack(v.s.m.worker.Loop.Now().Unix(), failed)
	if disabled {
		v.s.req.log(logs.Warn, "upstream server temporarily disabled")
	}
	return left
}

// endAttempt ends an attempt that has been waited for: after a failure it goes on with another peer.
func (v *via) endAttempt(p progress) progress {
	if p == connected {
		v.peering.Connected()
		return p
	}
	s := v.s
	if l := s.link; l != nil {
		s.link, s.conn = nil, nil
		l.close()
		if s.pool != nil {
			s.pool.closed()
		}
	}
	s.pool = nil
	if !v.giveUp() {
		return failed
	}
	return v.attempt()
}

// leavePeer is called when the connection is closed, or idle in its pool.
func (s *socket) leavePeer() {
	v := s.via
	if v == nil {
		return
	}
	v.release(false)
	v.peering.End()
	s.via = nil
	*v = via{peering: v.peering}
	unusedVias.of(s.m).Put(v)
}
