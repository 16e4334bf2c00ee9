// Package handover is the handoff directive: a session's connection is given to another process, and forgotten.
//
//	handoff unix:/run/app.sock [raw] [timeout=2s] [backup=unix:/run/other.sock …] [fallback=address];
//
// What is spoken to receivers is package handoff's. The parts: module.go reads the directives; content.go is the content
// handler, giver.go does the same for Lua; transfer.go hands one session over, to the first of several receivers that
// takes it, who is told what metadata.go gathers; receiver.go keeps a worker's connections to one receiver, each a channel
// (channel.go); raw.go is for receivers that do not answer.
//
// Nothing waits: an answer is an event like any other. Until it has come the session is weir's, and whole.
package handover

import (
	"strings"

	"github.com/weirproxy/weir/internal/conf"
	"github.com/weirproxy/weir/internal/netio"
	"github.com/weirproxy/weir/internal/resolver/addr"
	"github.com/weirproxy/weir/internal/stream"
)

// config is what the directives say.
type config struct {
	receivers []*stream.Template
	raw       bool
	timeout   int64 // milliseconds, for each receiver
	fallback  netio.Addr
	meta      []meta
	known     known // of stream{} only
}

// meta is a handoff_meta.
type meta struct {
	name  string
	value *stream.Template
}

// known are other modules' variables that tell receivers something; nil: there is no such module.
type known struct{ sni, alpn, protocol *stream.Var }

// defaultTimeout is how long a receiver may take to answer, in milliseconds.
const defaultTimeout = 2000

var slot = stream.NewSlot[config]()

// Module is the handoff module.
var Module = &stream.Module{
	Name:   "handoff",
	Config: slot.Decl(nil, merge),
	Directives: []conf.Directive{
		{Name: "handoff", In: conf.InServer, Args: conf.OneMore, Set: slot.Set(setHandoff)},
		{Name: "handoff_meta", In: stream.InStreamServer, Args: conf.Take2, Set: slot.Set(setMeta)},
	},
	Variables: variables,
	Finish:    finish,
	Generation: stream.NewGenerationSlot[struct{}]().Decl(stream.Hooks[struct{}]{
		Retire: func(w *stream.Worker, _ *struct{}) { workers.Of(w).closeIdle() },
	}),
}

func setHandoff(c *config, b *stream.Block, n *conf.Node) error {
	if c.receivers != nil {
		return n.Duplicate()
	}
	c.timeout = defaultTimeout
	if err := c.addReceiver(b, n, n.Args[0]); err != nil {
		return err
	}
	for _, arg := range n.Args[1:] {
		if err := c.parameter(b, n, arg); err != nil {
			return err
		}
	}
	return b.SetContent(n, begin)
}

func (c *config) parameter(b *stream.Block, n *conf.Node, arg string) error {
	name, value, assigned := strings.Cut(arg, "=")
	switch {
	case arg == "raw":
		c.raw = true
		return nil
	case !assigned:
	case name == "timeout":
		if ms, ok := conf.ParseMsec(value); ok && ms > 0 {
			c.timeout = ms
			return nil
		}
	case name == "backup":
		return c.addReceiver(b, n, value)
	case name == "fallback":
		if parsed, err := addr.Parse(value, addr.Options{NoResolve: true}); err == nil && len(parsed.Addrs) > 0 &&
			(!parsed.NoPort || parsed.Addrs[0].IsUnix()) {
			c.fallback = parsed.Addrs[0]
			return nil
		}
	}
	return n.InvalidParam(arg)
}

func (c *config) addReceiver(b *stream.Block, n *conf.Node, text string) error {
	t, err := b.Template(text)
	if err != nil {
		return err
	}
	if t.IsConstant() {
		if _, err := receiverPath(text); err != nil {
			return n.Errorf(`%s in "%s" of the "handoff" directive`, err, text)
		}
	}
	c.receivers = append(c.receivers, t)
	return nil
}

func setMeta(c *config, b *stream.Block, n *conf.Node) error {
	if n.Args[0] == "" || strings.Contains(n.Args[0], "=") {
		return n.InvalidParam(n.Args[0])
	}
	t, err := b.Template(n.Args[1])
	if err != nil {
		return err
	}
	c.meta = append(c.meta, meta{n.Args[0], t})
	return nil
}

// merge has a server without any handoff_meta take stream{}'s.
func merge(_ *stream.Builder, outer, c *config) error {
	if c.meta == nil {
		c.meta = outer.meta
	}
	return nil
}

func finish(b *stream.Builder) error {
	b.Config.Giver = giver{}
	slot.Stream(b).known = known{sni: b.Config.Var("ssl_preread_server_name"),
		alpn: b.Config.Var("ssl_preread_alpn_protocols"), protocol: b.Config.Var("preread_protocol")}
	return nil
}
