package stream

import (
	"slices"

	"github.com/weirproxy/weir/internal/conf"
	"github.com/weirproxy/weir/internal/logs"
)

// core is what the core's directives say in stream{} and server{} (ngx_stream_core_module).
type core struct {
	prereadTimeout, prereadBuffer   conf.Value[int64]
	proxyProtocolTimeout            conf.Value[int64]
	resolverTimeout                 conf.Value[int64]
	noDelay                         conf.Value[bool]
	linger                          conf.Value[Lingering]
	lingeringTime, lingeringTimeout conf.Value[int64]
	errorLog                        []logs.Target
	resolver                        *resolverConf
	allowed                         []credentials
}

var coreSlot = NewSlot[core]()

var coreDecl = coreSlot.Decl(nil, mergeCore)

var coreDirectives = []conf.Directive{
	{Name: "server", In: conf.InStream, Args: conf.Block | conf.NoArgs, Set: setServer},
	{Name: "listen", In: conf.InServer, Args: conf.OneMore, Set: setListen},
	{Name: "server_name", In: conf.InServer, Args: conf.OneMore, Set: setServerName},
	{Name: "error_log", In: InStreamServer, Args: conf.OneMore, Set: coreSlot.Set(setErrorLog)},
	{Name: "resolver", In: InStreamServer | conf.InUpstream, Args: conf.OneMore, Set: coreSlot.Set(setResolver)},
	{Name: "resolver_timeout", In: InStreamServer | conf.InUpstream, Args: conf.Take1,
		Set: Field(coreSlot, func(c *core) *conf.Value[int64] { return &c.resolverTimeout }, (*conf.Node).Msec)},
	{Name: "tcp_nodelay", In: InStreamServer, Args: conf.Flag,
		Set: Field(coreSlot, func(c *core) *conf.Value[bool] { return &c.noDelay }, (*conf.Node).Flag)},
	{Name: "preread_timeout", In: InStreamServer, Args: conf.Take1,
		Set: Field(coreSlot, func(c *core) *conf.Value[int64] { return &c.prereadTimeout }, (*conf.Node).Msec)},
	{Name: "preread_buffer_size", In: InStreamServer, Args: conf.Take1,
		Set: Field(coreSlot, func(c *core) *conf.Value[int64] { return &c.prereadBuffer }, (*conf.Node).Size)},
	{Name: "proxy_protocol_timeout", In: InStreamServer, Args: conf.Take1,
		Set: Field(coreSlot, func(c *core) *conf.Value[int64] { return &c.proxyProtocolTimeout }, (*conf.Node).Msec)},
	{Name: "lingering_close", In: InStreamServer, Args: conf.Take1,
		Set: Field(coreSlot, func(c *core) *conf.Value[Lingering] { return &c.linger }, lingering)},
	{Name: "lingering_time", In: InStreamServer, Args: conf.Take1,
		Set: Field(coreSlot, func(c *core) *conf.Value[int64] { return &c.lingeringTime }, (*conf.Node).Msec)},
	{Name: "lingering_timeout", In: InStreamServer, Args: conf.Take1,
		Set: Field(coreSlot, func(c *core) *conf.Value[int64] { return &c.lingeringTimeout }, (*conf.Node).Msec)},
	{Name: "handoff_allow", In: InStreamServer, Args: conf.OneMore, Set: coreSlot.Set(setHandoffAllow)},
	// Sizes of hash tables that weir does not have.
	{Name: "variables_hash_max_size", In: conf.InStream, Args: conf.Take1, Set: IgnoredNumber},
	{Name: "variables_hash_bucket_size", In: conf.InStream, Args: conf.Take1, Set: IgnoredNumber},
	{Name: "server_names_hash_max_size", In: conf.InStream, Args: conf.Take1, Set: IgnoredNumber},
	{Name: "server_names_hash_bucket_size", In: conf.InStream, Args: conf.Take1, Set: IgnoredNumber},
}

// IgnoredNumber is the setter of a directive that nginx needs and weir does not: a number, once.
func IgnoredNumber(s *conf.Scope, n *conf.Node) error {
	b := In(s)
	if slices.Contains(b.ignored, n.Name) {
		return n.Duplicate()
	}
	b.ignored = append(b.ignored, n.Name)
	_, err := n.Int()
	return err
}

func lingering(n *conf.Node) (Lingering, error) {
	switch n.Args[0] {
	case "off":
		return LingerOff, nil
	case "on":
		return LingerOn, nil
	case "always":
		return LingerAlways, nil
	}
	return 0, n.InvalidValue(n.Args[0])
}

func setErrorLog(c *core, b *Block, n *conf.Node) error {
	target, err := b.Logs.ErrorLog(n.Args, b.FullPath)
	if err != nil {
		return err
	}
	c.errorLog = append(c.errorLog, target)
	return nil
}

func mergeCore(_ *Builder, outer, c *core) error {
	c.resolverTimeout = c.resolverTimeout.Or(outer.resolverTimeout, 30_000)
	c.prereadTimeout = c.prereadTimeout.Or(outer.prereadTimeout, 30_000)
	c.prereadBuffer = c.prereadBuffer.Or(outer.prereadBuffer, 16<<10)
	c.proxyProtocolTimeout = c.proxyProtocolTimeout.Or(outer.proxyProtocolTimeout, 30_000)
	c.noDelay = c.noDelay.Or(outer.noDelay, true)
	c.linger = c.linger.Or(outer.linger, LingerOn)
	c.lingeringTime = c.lingeringTime.Or(outer.lingeringTime, 30_000)
	c.lingeringTimeout = c.lingeringTimeout.Or(outer.lingeringTimeout, 5_000)
	if c.errorLog == nil {
		c.errorLog = outer.errorLog
	}
	if c.resolver == nil {
		c.resolver = outer.resolver
	}
	if c.allowed == nil {
		c.allowed = outer.allowed
	}
	return nil
}

// fill copies the merged values to where sessions read them.
func (c *core) fill(b *Builder, s *Server) {
	s.PrereadTimeout = c.prereadTimeout.V
	s.PrereadBufferSize = int(c.prereadBuffer.V)
	s.ProxyProtocolTimeout = c.proxyProtocolTimeout.V
	s.ResolverTimeout = c.resolverTimeout.V
	s.TCPNoDelay = c.noDelay.V
	s.LingeringClose = c.linger.V
	s.LingeringTime = c.lingeringTime.V
	s.LingeringTimeout = c.lingeringTimeout.V
	s.allowed = c.allowed
	if c.errorLog != nil {
		s.ErrorLog = b.Files.NewLog(c.errorLog...)
	}
	s.Resolver = c.resolver.open(b)
}

// SetLog makes log, the main context's, the error log of the servers that have none of their own.
func (c *Config) SetLog(log *logs.Log) {
	c.Log = log
	for _, s := range c.Servers {
		if s.ErrorLog == nil {
			s.ErrorLog = log
		}
	}
}
