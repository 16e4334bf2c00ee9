package stream

import (
	"fmt"
	"slices"
	"strings"

	"github.com/weirproxy/weir/internal/conf"
	"github.com/weirproxy/weir/internal/resolver/addr"
	"github.com/weirproxy/weir/internal/upstream"
)

// group is an upstream{} block, or an address named where one could stand, while the configuration is read.
type group struct {
	up   *Upstream
	conf upstream.GroupConf
	node *conf.Node
	core *core // resolver directives of the block
	// implicit is set for an address; port is what it named.
	implicit bool
	port     uint16
	noPort   bool
	methodBy string
}

var upstreamDirectives = []conf.Directive{
	{Name: "upstream", In: conf.InStream, Args: conf.Block | conf.Take1, Set: setUpstream},
	{Name: "server", In: conf.InUpstream, Args: conf.OneMore, Set: setPeer},
	{Name: "zone", In: conf.InUpstream, Args: conf.Take12, Set: setZone},
	{Name: "least_conn", In: conf.InUpstream, Args: conf.NoArgs, Set: setLeastConn},
	{Name: "hash", In: conf.InUpstream, Args: conf.Take12, Set: setHash},
	{Name: "random", In: conf.InUpstream, Args: conf.NoArgs | conf.Take12, Set: setRandom},
}

// setUpstream reads an upstream{} block.
func setUpstream(s *conf.Scope, n *conf.Node) error {
	b := In(s).Builder
	name := n.Args[0]
	for _, g := range b.groups {
		if !g.implicit && strings.EqualFold(g.up.Name, name) {
			return n.Errorf(`duplicate upstream "%s"`, name)
		}
	}
	g := &group{up: b.upstreamNamed(name), node: n, conf: upstream.GroupConf{Name: name}, noPort: true}
	b.groups = append(b.groups, g)
	block := &Block{Builder: b, node: n, Upstream: g.up, group: g, conf: b.newConf()}
	g.core = block.conf[coreSlot.index].(*core)
	if err := s.Enter(conf.InUpstream, block).Walk(n.Block); err != nil {
		return err
	}
	if len(g.conf.Servers) == 0 {
		return n.EndErrorf("no servers are inside upstream")
	}
	return nil
}

// upstreamNamed is the Upstream for a block, which UpstreamFor may have given to a directive above it.
func (b *Builder) upstreamNamed(name string) *Upstream {
	for i, g := range b.groups {
		if g.implicit && g.noPort && strings.EqualFold(g.conf.Name, name) {
			b.groups = slices.Delete(b.groups, i, i+1)
			g.up.Name = name
			return g.up
		}
	}
	return &Upstream{Name: name}
}

func setPeer(s *conf.Scope, n *conf.Node) error {
	b := In(s)
	parser := upstream.ServerParser{Method: b.group.conf.Method, Lookup: b.Lookup}
	server, err := parser.Parse(n.Args)
	if err != nil {
		return err
	}
	b.group.conf.Servers = append(b.group.conf.Servers, server)
	return nil
}

func setZone(s *conf.Scope, n *conf.Node) error {
	if n.Args[0] == "" {
		return n.Errorf(`invalid zone name "%s"`, n.Args[0])
	}
	var size int64
	if len(n.Args) == 2 {
		var ok bool
		if size, ok = conf.ParseSize(n.Args[1]); !ok {
			return n.Errorf(`invalid zone size "%s"`, n.Args[1])
		}
		if size < 8*4096 {
			return n.Errorf(`zone "%s" is too small`, n.Args[0])
		}
	}
	b := In(s)
	b.group.conf.Zone = n.Args[0]
	return b.Zone(n, "upstream", n.Args[0], size)
}

// method notes the balancing method; a second one takes the first's place, as nginx warns.
func (b *Block) method(n *conf.Node, m upstream.Method) {
	if b.group.methodBy != "" {
		b.Warn(n, "load balancing method redefined")
	}
	b.group.methodBy, b.group.conf.Method = n.Name, m
}

func setLeastConn(s *conf.Scope, n *conf.Node) error {
	In(s).method(n, upstream.LeastConn)
	return nil
}

func setHash(s *conf.Scope, n *conf.Node) error {
	b := In(s)
	m := upstream.Hash
	if len(n.Args) == 2 {
		if n.Args[1] != "consistent" {
			return n.InvalidParam(n.Args[1])
		}
		m = upstream.ConsistentHash
	}
	key, err := b.Template(n.Args[0])
	if err != nil {
		return err
	}
	b.Upstream.HashKey = key
	b.method(n, m)
	return nil
}

func setRandom(s *conf.Scope, n *conf.Node) error {
	m := upstream.Random
	if len(n.Args) > 0 {
		if n.Args[0] != "two" {
			return n.InvalidParam(n.Args[0])
		}
		m = upstream.RandomTwo
	}
	if len(n.Args) == 2 && n.Args[1] != "least_conn" {
		return n.InvalidParam(n.Args[1])
	}
	In(s).method(n, m)
	return nil
}

// UpstreamFor is the group that an address in a directive names: an upstream{} block of that name, which may stand
// further down, or else a group of the address alone.
func (b *Builder) UpstreamFor(n *conf.Node, text string) (*Upstream, error) {
	parsed, err := addr.Parse(text, addr.Options{NoResolve: true})
	if err != nil {
		return nil, fmt.Errorf(`%w in upstream "%s"`, err, text)
	}
	for _, g := range b.groups {
		if g.matches(parsed) {
			return g.up, nil
		}
		if !g.implicit && strings.EqualFold(g.up.Name, parsed.Host) {
			return nil, portOfGroup(g, parsed.Port)
		}
	}
	g := &group{up: &Upstream{Name: text}, node: n, implicit: true, port: parsed.Port, noPort: hostAlone(parsed)}
	g.conf = upstream.GroupConf{Name: parsed.Host}
	b.groups = append(b.groups, g)
	return g.up, nil
}

// hostAlone tells that an address is a host without a port.
func hostAlone(p addr.Parsed) bool { return p.NoPort && !(len(p.Addrs) > 0 && p.Addrs[0].IsUnix()) }

func portOfGroup(g *group, port uint16) error {
	return fmt.Errorf(`upstream "%s" may not have port %d`, g.up.Name, port)
}

// matches tells whether an address means this group (ngx_stream_upstream_add).
func (g *group) matches(p addr.Parsed) bool {
	if !g.implicit {
		return hostAlone(p) && strings.EqualFold(g.up.Name, p.Host)
	}
	return strings.EqualFold(g.conf.Name, p.Host) && g.port == p.Port && g.noPort == hostAlone(p)
}

func (b *Builder) finishUpstreams() error {
	for _, g := range b.groups {
		if g.implicit {
			if err := b.finishImplicit(g); err != nil {
				return err
			}
		}
		if err := b.makeGroup(g); err != nil {
			return err
		}
	}
	return nil
}

func (b *Builder) makeGroup(g *group) error {
	made, err := upstream.NewGroup(g.conf)
	if err != nil {
		return g.node.Errorf("%s", err)
	}
	if made.NeedsResolver() {
		if err := b.findResolver(g); err != nil {
			return err
		}
	}
	g.up.Group = made
	b.Config.Upstreams = append(b.Config.Upstreams, g.up)
	if old := b.Previous.Upstream(g.up.Name); old != nil && made.Zone() != "" {
		made.AdoptFrom(old.Group)
	}
	return nil
}

// findResolver is for a group with names to resolve at run time: its own resolver, or stream{}'s.
func (b *Builder) findResolver(g *group) error {
	outer := coreSlot.Main(b.Config)
	if err := mergeCore(b, outer, g.core); err != nil {
		return err
	}
	if g.core.resolver == nil {
		return g.node.Errorf(`no resolver defined to resolve names at run time in upstream "%s"`, g.up.Name)
	}
	g.core.resolver.open(b)
	g.up.resolver, g.up.resolverTimeout = g.core.resolver, g.core.resolverTimeout.V
	return nil
}

// finishImplicit resolves an address, which must not be a block's with a port.
func (b *Builder) finishImplicit(g *group) error {
	for _, other := range b.groups {
		if !other.implicit && strings.EqualFold(other.up.Name, g.conf.Name) {
			return g.node.Errorf("%s", portOfGroup(other, g.port))
		}
	}
	if g.noPort {
		return g.node.Errorf(`no port in upstream "%s"`, g.up.Name)
	}
	parsed, err := addr.Parse(g.up.Name, addr.Options{Lookup: b.Lookup})
	if err != nil {
		return g.node.Errorf(`%s in upstream "%s"`, err, g.conf.Name)
	}
	g.conf = upstream.Implicit(g.up.Name, parsed.Addrs)
	return nil
}

// Upstream is the generation's upstream{} of that name; nil when there is none, or no generation.
func (c *Config) Upstream(name string) *Upstream {
	if c == nil {
		return nil
	}
	for _, u := range c.Upstreams {
		if strings.EqualFold(u.Name, name) {
			return u
		}
	}
	return nil
}
