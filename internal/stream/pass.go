package stream

import (
	"errors"

	"github.com/weirproxy/weir/internal/netio"
)

// maxPasses is how often a session may go on at another listener (NGX_STREAM_PASS_MAX_PASSES).
const maxPasses = 10

// ErrPassCycle says that a session was passed on more than ten times, ErrNoListener that nobody listens on the address.
var (
	ErrPassCycle  = errors.New("stream pass cycle")
	ErrNoListener = errors.New("port not found")
)

// listenerFor is where a session goes that is passed to addr: the listener of that address, or else the wildcard's of
// its family with that port; nil when there is none (ngx_stream_pass_match).
func (c *Config) listenerFor(addr netio.Addr) *Listener {
	for _, l := range c.Listeners {
		if l.Addr == addr {
			return l
		}
	}
	for _, l := range c.Listeners {
		own := l.Addr.AddrPort
		if addr.IsUnix() || l.Addr.IsUnix() || !own.Addr().IsUnspecified() ||
			own.Port() != addr.AddrPort.Port() || own.Addr().Is4() != addr.AddrPort.Addr().Is4() {
			continue
		}
		if exact := l.exact[addr.AddrPort]; exact != nil {
			return exact
		}
		return l
	}
	return nil
}

// Pass has the session go on at another listener of its generation, from the first phase on, as if the client had
// connected to addr. What modules know of the session stays, and what variables were Set to. It is for content handlers,
// which must not touch the session afterwards. After an error nothing has changed.
func (s *Session) Pass(addr netio.Addr) error {
	l := s.Config().listenerFor(addr)
	switch {
	case l == nil:
		return ErrNoListener
	case s.passes == maxPasses:
		return ErrPassCycle
	}
	s.passes++
	s.Disarm()
	s.forgetEvaluated()
	s.OnClient, s.OnTimer, s.LogSuffix = ignore, ignore, nil
	s.Server, s.listener, s.local, s.at = l.server, l, addr.AddrPort, 0
	s.enter()
	return nil
}
