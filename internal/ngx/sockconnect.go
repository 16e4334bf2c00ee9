package ngx

import (
	"cmp"
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"github.com/weirproxy/weir/internal/logs"
	"github.com/weirproxy/weir/internal/luajit"
	"github.com/weirproxy/weir/internal/netio"
	"github.com/weirproxy/weir/internal/resolver/addr"
	"github.com/weirproxy/weir/internal/stream"
)

// connectOptions are the options of a connect call.
type connectOptions struct {
	pool      string
	named     bool
	size      int
	backlog   int // -1: none
	arguments int // those that were given, the option table apart
}

// connect(self, host [, port] [, options], pool_size, backlog, pool) is sock:connect. The last three are fields of
// options.
func connect(m *machine, c *luajit.Call) luajit.Outcome {
	if n := c.Len() - 3; n < 2 || n > 4 {
		return c.Raise("ngx.socket connect: expecting 2, 3, or 4 arguments (including the object), but seen " +
			strconv.Itoa(n))
	}
	m.freeCollected() // they may hold what this one is to get
	s, out, ok := m.self(c)
	if !ok {
		return out
	}
	host, out, ok := checkText(c, 2)
	if !ok {
		return out
	}
	opts, out, ok := m.connectOptions(c)
	if !ok {
		return out
	}
	port := -1
	if opts.arguments >= 3 {
		f, wrong, ok := number(c, 3)
		if !ok {
			return wrong
		}
		if port = int(f); port < 0 || port > 65535 {
			return failure(c, "bad port number: "+strconv.Itoa(port))
		}
	}
	if s == nil {
		return failure(c, "closed")
	}
	if out, ok := s.prepare(c); !ok {
		return out
	}
	s.choosePool(host, port, opts)
	if s.pool != nil {
		s.target = s.pool.target
	} else {
		s.target = strings.Clone(host)
	}
	s.host, s.port = s.target, uint16(max(port, 0))
	return s.startConnect(c)
}

// connectOptions reads the option table, whose fields are the last three arguments.
func (m *machine) connectOptions(c *luajit.Call) (o connectOptions, wrong luajit.Outcome, ok bool) {
	n := c.Len() - 3
	o = connectOptions{backlog: -1, arguments: n}
	if c.Type(n) != luajit.Table {
		return o, 0, true
	}
	o.arguments--
	size, backlog, pool := n+1, n+2, n+3
	if f, isNumber := numeric(c, size); isNumber {
		if o.size = int(f); o.size <= 0 {
			return o, c.RaiseArg(n, fmt.Sprintf(`bad "pool_size" option value: %d`, o.size)), false
		}
	} else if t := c.Type(size); t != luajit.Nil {
		return o, c.RaiseArg(n, `bad "pool_size" option type: `+t.String()), false
	}
	if f, isNumber := numeric(c, backlog); isNumber {
		if o.backlog = int(f); o.backlog < 0 {
			return o, c.RaiseArg(n, fmt.Sprintf(`bad "backlog" option value: %d`, o.backlog)), false
		}
		if o.size == 0 {
			o.size = int(m.req.conf().poolSize.V)
		}
	}
	o.pool, o.named = textOf(c, pool)
	if t := c.Type(pool); !o.named && t != luajit.Nil {
		return o, c.RaiseArg(n, `bad "pool" option type: `+t.String()), false
	}
	return o, 0, true
}

// prepare makes the socket ready to be connected by the request that runs.
func (s *socket) prepare(c *luajit.Call) (out luajit.Outcome, ok bool) {
	if s.conn != nil || s.connector != nil {
		if why := s.hindrance(true, true); why != "" {
			return hindered(c, why), false
		}
		if s.downstream {
			return c.Raise("attempt to re-connect a request socket"), false
		}
		s.finalize()
	}
	s.readClosed, s.writeClosed, s.eof, s.consumed = false, false, false, false
	s.pool, s.connectErr = nil, ""
	s.own(s.m.req)
	return 0, true
}

// progress is how far a connect has come.
type progress int

const (
	connected progress = iota
	failed             // connectErr says why
	waiting
)

func (s *socket) startConnect(c *luajit.Call) luajit.Outcome {
	if !c.CanYield() {
		return c.RaiseNoYield()
	}
	s.connector = s.m.running(c)
	if s.begin(false) != waiting {
		s.connector = nil
		s.connectResult(&c.Values)
		s.lendAtOnce()
		return luajit.Return
	}
	return s.connector.park(s)
}

// begin takes an idle connection, or makes one, or queues for one. resuming: it has queued before.
func (s *socket) begin(resuming bool) progress {
	if p := s.pool; p != nil {
		switch p.ask(s, resuming) {
		case gotConnection:
			return connected
		case refused:
			s.connectErr = "too many waiting connect operations"
			return failed
		case inQueue:
			s.connectBy = s.wait(s.connectTime())
			return waiting
		}
	}
	done := s.locate()
	if done == failed && s.pool != nil && s.link == nil {
		s.pool.closed()
	}
	return done
}

func (s *socket) connectTime() int64 { return cmp.Or(s.connectTimeout, s.req.conf().connectTimeout.V) }

// endConnect ends a connect that has waited, unless it goes on waiting. A failed one frees its place in the pool.
func (s *socket) endConnect(p progress) {
	if p != waiting && s.via != nil {
		p = s.via.endAttempt(p)
	}
	if p == waiting {
		return
	}
	co, pool, held := s.connector, s.pool, s.link != nil
	s.connector = nil
	if p == failed {
		s.finalize()
		if pool != nil && !held {
			pool.closed()
		}
	}
	co.resume(s.pushConnect)
}

// finishConnect is called when the connection may have been made.
func (s *socket) finishConnect() {
	err := s.link.FinishConnect()
	if err == netio.ErrAgain {
		return
	}
	if err == nil {
		s.endConnect(connected)
		return
	}
	s.connectErr = reasonOf(err)
	switch {
	case !s.req.conf().logErrors.V:
	case s.via != nil:
		s.log(logs.Error, stream.Describe(err))
	default:
		s.req.log(logs.Error, stream.Describe(err))
	}
	s.endConnect(failed)
}

func (s *socket) connectTimedOut() {
	s.connectErr = "timeout"
	if s.queued {
		s.complain("stream lua tcp socket queued connect timed out, when trying to connect to " + s.target + ":" +
			strconv.Itoa(int(s.port)))
		co := s.connector
		s.finalize()
		co.resume(s.pushConnect)
		return
	}
	s.complain("stream lua tcp socket connect timed out")
	s.endConnect(failed)
}

// connectResult pushes what connect returns.
func (s *socket) connectResult(v *luajit.Values) {
	if s.returned {
		s.giveSocket(v)
		return
	}
	if s.connectErr == "" {
		pushOne(v)
		return
	}
	fail(v, s.connectErr)
}

// bind(self, address) is sock:bind: the local address of connections to come.
func bind(m *machine, c *luajit.Call) luajit.Outcome {
	if n := c.Len(); n != 2 {
		return c.Raise("expecting 2 arguments, but got " + strconv.Itoa(n))
	}
	s, out, ok := m.self(c)
	if !ok {
		return out
	}
	text, out, ok := checkText(c, 2)
	if !ok {
		return out
	}
	ip, valid := addr.ParseIP(text)
	if !valid {
		return failure(c, "bad address")
	}
	if s != nil {
		s.bound, s.hasBound = netio.Addr{AddrPort: netip.AddrPortFrom(ip, 0)}, true
	}
	return succeeded(c)
}
