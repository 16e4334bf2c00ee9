// Package proxy is the stream module that connects a session to a peer and carries bytes both ways
// (ngx_stream_proxy_module).
//
// The parts, in a session's order: module.go reads the directives; proxy.go begins and ends; target.go finds the group that
// proxy_pass names; connect.go chooses peers and connects until one answers, soon.go together with others; flow.go carries
// the bytes, bulk.go by splice when there are many, rate.go no faster than allowed; end.go ends it when a side has, and
// account.go tells how it went.
//
// Nothing is read from the client before a peer is connected: up to then the bytes stay in the kernel, and another
// peer can be tried.
package proxy

import (
	"fmt"

	"github.com/weirproxy/weir/internal/conf"
	"github.com/weirproxy/weir/internal/netio"
	"github.com/weirproxy/weir/internal/resolver/addr"
	"github.com/weirproxy/weir/internal/stream"
)

// config is what proxy_* directives say. Times are in milliseconds, sizes in bytes.
type config struct {
	upstream *stream.Upstream // proxy_pass without variables
	target   *stream.Template // proxy_pass with variables

	local           *local
	localGiven      bool
	connectTimeout  conf.Value[int64]
	timeout         conf.Value[int64]
	bufferSize      conf.Value[int64]
	uploadRate      *rate
	downloadRate    *rate
	nextUpstream    conf.Value[bool]
	nextTries       conf.Value[int64]
	nextTimeout     conf.Value[int64]
	halfClose       conf.Value[bool]
	proxyProtocol   conf.Value[int] // the version of the header that is sent; 0: none
	socketKeepalive conf.Value[bool]
	sendBuffer      conf.Value[int64]
	recvBuffer      conf.Value[int64]
}

// local is proxy_bind: an address, or a template of one.
type local struct {
	addr        netio.Addr
	template    *stream.Template
	transparent bool
}

var slot = stream.NewSlot[config]()

// Module is the proxy module.
var Module = &stream.Module{
	Name:     "proxy",
	Config:   slot.Decl(nil, merge),
	Finish:   finish,
	Handlers: []stream.PhaseHandler{{Phase: stream.Log, Run: account, Active: passes}},
	Directives: []conf.Directive{
		{Name: "proxy_pass", In: conf.InServer, Args: conf.Take1, Set: slot.Set(setPass)},
		{Name: "proxy_bind", In: stream.InStreamServer, Args: conf.Take12, Set: slot.Set(setBind)},
		msec("proxy_connect_timeout", func(c *config) *conf.Value[int64] { return &c.connectTimeout }),
		msec("proxy_timeout", func(c *config) *conf.Value[int64] { return &c.timeout }),
		msec("proxy_next_upstream_timeout", func(c *config) *conf.Value[int64] { return &c.nextTimeout }),
		flag("proxy_next_upstream", func(c *config) *conf.Value[bool] { return &c.nextUpstream }),
		flag("proxy_half_close", func(c *config) *conf.Value[bool] { return &c.halfClose }),
		{Name: "proxy_protocol", In: stream.InStreamServer, Args: conf.Flag,
			Set: stream.Field(slot, func(c *config) *conf.Value[int] { return &c.proxyProtocol }, headers.Read)},
		flag("proxy_socket_keepalive", func(c *config) *conf.Value[bool] { return &c.socketKeepalive }),
		size("proxy_buffer_size", func(c *config) *conf.Value[int64] { return &c.bufferSize }),
		oldBufferSize("proxy_downstream_buffer"),
		oldBufferSize("proxy_upstream_buffer"),
		size("proxy_socket_rcvbuf", func(c *config) *conf.Value[int64] { return &c.recvBuffer }),
		size("proxy_socket_sndbuf", func(c *config) *conf.Value[int64] { return &c.sendBuffer }),
		{Name: "proxy_next_upstream_tries", In: stream.InStreamServer, Args: conf.Take1,
			Set: stream.Field(slot, func(c *config) *conf.Value[int64] { return &c.nextTries }, (*conf.Node).Int)},
		{Name: "proxy_upload_rate", In: stream.InStreamServer, Args: conf.Take1, Set: slot.Set(setUploadRate)},
		{Name: "proxy_download_rate", In: stream.InStreamServer, Args: conf.Take1, Set: slot.Set(setDownloadRate)},
	},
}

func passes(s *stream.Server) bool {
	c := slot.Of(s)
	return c.upstream != nil || c.target != nil
}

func msec(name string, field func(*config) *conf.Value[int64]) conf.Directive {
	return conf.Directive{Name: name, In: stream.InStreamServer, Args: conf.Take1,
		Set: stream.Field(slot, field, (*conf.Node).Msec)}
}

func size(name string, field func(*config) *conf.Value[int64]) conf.Directive {
	return conf.Directive{Name: name, In: stream.InStreamServer, Args: conf.Take1,
		Set: stream.Field(slot, field, (*conf.Node).Size)}
}

// headers are the versions of the PROXY protocol by the argument of proxy_protocol.
var headers = conf.Enum[int]{{"off", 0}, {"on", 1}, {"v2", 2}}

// oldBufferSize is proxy_buffer_size by an old name.
func oldBufferSize(name string) conf.Directive {
	d := size(name, func(c *config) *conf.Value[int64] { return &c.bufferSize })
	set := d.Set
	d.Set = func(s *conf.Scope, n *conf.Node) error {
		stream.In(s).Warn(n, `the "`+name+`" directive is deprecated, use the "proxy_buffer_size" directive instead`)
		return set(s, n)
	}
	return d
}

func flag(name string, field func(*config) *conf.Value[bool]) conf.Directive {
	return conf.Directive{Name: name, In: stream.InStreamServer, Args: conf.Flag,
		Set: stream.Field(slot, field, (*conf.Node).Flag)}
}

func setPass(c *config, b *stream.Block, n *conf.Node) error {
	if c.upstream != nil || c.target != nil {
		return n.Duplicate()
	}
	target, err := b.Template(n.Args[0])
	if err != nil {
		return err
	}
	if target.IsConstant() {
		if c.upstream, err = b.UpstreamFor(n, n.Args[0]); err != nil {
			return err
		}
	} else {
		c.target = target
	}
	return b.SetContent(n, begin)
}

func setBind(c *config, b *stream.Block, n *conf.Node) error {
	if c.localGiven {
		return n.Duplicate()
	}
	c.localGiven = true
	if n.Args[0] == "off" && len(n.Args) == 1 {
		return nil
	}
	c.local = &local{}
	if len(n.Args) == 2 {
		if n.Args[1] != "transparent" {
			return n.InvalidParam(n.Args[1])
		}
		c.local.transparent, b.Config.Transparent = true, true
	}
	template, err := b.Template(n.Args[0])
	if err != nil {
		return err
	}
	if !template.IsConstant() {
		c.local.template = template
		return nil
	}
	var ok bool
	if c.local.addr, ok = addr.ParseAddrPort(n.Args[0]); !ok {
		return fmt.Errorf(`invalid address "%s"`, n.Args[0])
	}
	return nil
}

func merge(_ *stream.Builder, outer, c *config) error {
	if !c.localGiven {
		c.local = outer.local
	}
	if c.uploadRate == nil {
		c.uploadRate = outer.uploadRate
	}
	if c.downloadRate == nil {
		c.downloadRate = outer.downloadRate
	}
	c.connectTimeout = c.connectTimeout.Or(outer.connectTimeout, 60_000)
	c.timeout = c.timeout.Or(outer.timeout, 10*60_000)
	c.bufferSize = c.bufferSize.Or(outer.bufferSize, 0)
	c.nextUpstream = c.nextUpstream.Or(outer.nextUpstream, true)
	c.nextTries = c.nextTries.Or(outer.nextTries, 0)
	c.nextTimeout = c.nextTimeout.Or(outer.nextTimeout, 0)
	c.halfClose = c.halfClose.Or(outer.halfClose, false)
	c.proxyProtocol = c.proxyProtocol.Or(outer.proxyProtocol, 0)
	c.socketKeepalive = c.socketKeepalive.Or(outer.socketKeepalive, false)
	c.sendBuffer = c.sendBuffer.Or(outer.sendBuffer, 0)
	c.recvBuffer = c.recvBuffer.Or(outer.recvBuffer, 0)
	return nil
}

func finish(b *stream.Builder) error {
	for _, s := range b.Config.Servers {
		c := slot.Of(s)
		s.NextUpstream = stream.NextUpstream{On: c.nextUpstream.V, Tries: int(c.nextTries.V), Timeout: c.nextTimeout.V}
	}
	return nil
}
