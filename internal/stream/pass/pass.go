// Package pass is the pass directive: a session goes on at another listener of this process
// (ngx_stream_pass_module). No connection is made: it is the same session, at another server.
package pass

import (
	"github.com/weirproxy/weir/internal/conf"
	"github.com/weirproxy/weir/internal/logs"
	"github.com/weirproxy/weir/internal/netio"
	"github.com/weirproxy/weir/internal/resolver/addr"
	"github.com/weirproxy/weir/internal/stream"
)

// Module is the pass module.
var Module = &stream.Module{
	Name:       "pass",
	Directives: []conf.Directive{{Name: "pass", In: conf.InServer, Args: conf.Take1, Set: setPass}},
}

func setPass(s *conf.Scope, n *conf.Node) error {
	b := stream.In(s)
	text, err := b.Template(n.Args[0])
	if err != nil {
		return err
	}
	if !text.IsConstant() {
		return b.SetContent(n, func(s *stream.Session) { passVariable(s, text) })
	}
	parsed, err := addr.Parse(n.Args[0], addr.Options{NoResolve: true})
	switch {
	case err != nil:
		return n.Errorf(`%s in "%s" of the "pass" directive`, err, n.Args[0])
	case len(parsed.Addrs) == 0:
		return n.Directivef("has no addresses")
	case noPort(parsed):
		return n.Directivef("has no port")
	}
	return b.SetContent(n, func(s *stream.Session) { passTo(s, parsed.Addrs[0]) })
}

func noPort(parsed addr.Parsed) bool { return parsed.NoPort && !parsed.Addrs[0].IsUnix() }

func passVariable(s *stream.Session, t *stream.Template) {
	text := t.Text(s)
	parsed, err := addr.Parse(text, addr.Options{NoResolve: true})
	switch {
	case err != nil:
		fail(s, err.Error()+` in pass "`+text+`"`)
	case len(parsed.Addrs) == 0:
		fail(s, `no addresses in pass "`+text+`"`)
	case noPort(parsed):
		fail(s, `no port in pass "`+text+`"`)
	default:
		passTo(s, parsed.Addrs[0])
	}
}

func fail(s *stream.Session, reason string) {
	s.Action = "passing connection to port"
	s.Log(logs.Error, reason)
	s.Finalize(stream.StatusInternal)
}

func passTo(s *stream.Session, to netio.Addr) {
	switch err := s.Pass(to); err {
	case nil:
	case stream.ErrNoListener:
		s.Action = "passing connection to port"
		s.Log(logs.Error, `port not found for "`+to.String()+`"`)
		s.Finalize(stream.StatusOK)
	default:
		fail(s, err.Error())
	}
}
