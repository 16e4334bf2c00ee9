// Package sslpreread is the ssl_preread directive: what a TLS client offers in its ClientHello, without terminating TLS
// (ngx_stream_ssl_preread_module).
//
// Nothing is consumed: the bytes stay in the kernel. The hello is awaited within preread_timeout and
// preread_buffer_size; a client that does not speak TLS passes, without any of the variables. Two things are better than
// in nginx: that a client does not speak TLS is mostly known by its first byte and not by its fifth, and the handlers that
// follow in the preread phase are not skipped.
package sslpreread

import (
	"github.com/weirproxy/weir/internal/conf"
	"github.com/weirproxy/weir/internal/stream"
)

// Module is the ssl_preread module.
var Module = &stream.Module{
	Name:   "ssl_preread",
	Config: slot.Decl(nil, merge),
	Directives: []conf.Directive{
		{Name: "ssl_preread", In: stream.InStreamServer, Args: conf.Flag, Set: stream.Field(slot, on, (*conf.Node).Flag)},
	},
	Handlers: []stream.PhaseHandler{{Phase: stream.Preread, Run: preread, Active: func(s *stream.Server) bool { return slot.Of(s).on.V }}},
	Variables: []stream.Variable{
		{Name: "ssl_preread_protocol", Get: version},
		{Name: "ssl_preread_server_name", Get: serverName},
		{Name: "ssl_preread_alpn_protocols", Get: protocols},
		{Name: "ssl_preread_ja4", Get: ja4, Cached: true},
	},
}

var slot = stream.NewSlot[config]()

type config struct{ on conf.Value[bool] }

func on(c *config) *conf.Value[bool] { return &c.on }

func merge(_ *stream.Builder, outer, c *config) error {
	c.on = c.on.Or(outer.on, false)
	return nil
}
