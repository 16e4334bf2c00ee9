package stream

import (
	"github.com/weirproxy/weir/internal/conf"
	"github.com/weirproxy/weir/internal/resolver"
)

// resolverConf is a resolver directive; the servers that inherit it share one resolver.
type resolverConf struct {
	config resolver.Config
	made   *resolver.Resolver
}

func setResolver(c *core, b *Block, n *conf.Node) error {
	if c.resolver != nil {
		return n.Duplicate()
	}
	config, err := resolver.Parser{Lookup: b.Lookup, Seconds: conf.ParseSec}.Parse(n.Args)
	if err != nil {
		return err
	}
	c.resolver = &resolverConf{config: config}
	return nil
}

// open makes the resolver when it is first asked for; nil without a directive.
func (r *resolverConf) open(b *Builder) *resolver.Resolver {
	if r == nil {
		return nil
	}
	if r.made == nil {
		r.made = resolver.New(r.config)
		b.Config.OnClose(r.made.Close)
	}
	return r.made
}
