// Package protocol is the preread_protocol directive: it tells what a client speaks by the first bytes that it sends
// (package detect), so that one listener can serve many protocols:
//
//	map $preread_protocol $peer {
//		tls      127.0.0.1:8443;
//		ssh      127.0.0.1:22;
//		default  127.0.0.1:3306;
//	}
//	server { listen 443; preread_protocol on; proxy_pass $peer; }
//
// Nothing is consumed: the bytes stay in the kernel until the content phase reads them. Of a TLS client the whole
// ClientHello is read, which gives the variables of ssl_preread; of an HTTP client the whole head, which gives its host and
// tells a WebSocket. They are awaited as ssl_preread awaits them, within preread_timeout; any other client has
// preread_protocol_timeout to say what it is, and is unknown then.
package protocol

import (
	"github.com/weirproxy/weir/internal/conf"
	"github.com/weirproxy/weir/internal/stream"
)

// Module is the preread_protocol module. It stands before ssl_preread, which waits for whatever may become TLS.
var Module = &stream.Module{
	Name:   "preread_protocol",
	Config: slot.Decl(nil, merge),
	Directives: []conf.Directive{
		{Name: "preread_protocol", In: stream.InStreamServer, Args: conf.Flag,
			Set: stream.Field(slot, func(c *config) *conf.Value[bool] { return &c.on }, (*conf.Node).Flag)},
		{Name: "preread_protocol_timeout", In: stream.InStreamServer, Args: conf.Take1,
			Set: stream.Field(slot, func(c *config) *conf.Value[int64] { return &c.timeout }, (*conf.Node).Msec)},
	},
	Handlers: []stream.PhaseHandler{{Phase: stream.Preread, Run: preread, Active: func(s *stream.Server) bool { return slot.Of(s).on.V }}},
	Variables: []stream.Variable{
		{Name: "preread_protocol", Get: name},
		{Name: "preread_http_host", Get: host},
	},
	Finish: func(b *stream.Builder) error {
		b.Config.Detector = detector{}
		return nil
	},
}

var slot = stream.NewSlot[config]()

type config struct {
	on      conf.Value[bool]
	timeout conf.Value[int64] // milliseconds
}

// defaultTimeout is long enough for a client's first segment to be lost once and sent again.
const defaultTimeout = 1000

func merge(_ *stream.Builder, outer, c *config) error {
	c.on = c.on.Or(outer.on, false)
	c.timeout = c.timeout.Or(outer.timeout, defaultTimeout)
	return nil
}
