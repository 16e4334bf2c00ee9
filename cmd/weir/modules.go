package main

import (
	"github.com/weirproxy/weir/internal/ngx"
	"github.com/weirproxy/weir/internal/stream"
	"github.com/weirproxy/weir/internal/stream/access"
	"github.com/weirproxy/weir/internal/stream/accesslog"
	"github.com/weirproxy/weir/internal/stream/geo"
	"github.com/weirproxy/weir/internal/stream/handover"
	"github.com/weirproxy/weir/internal/stream/limitconn"
	"github.com/weirproxy/weir/internal/stream/mapping"
	"github.com/weirproxy/weir/internal/stream/pass"
	"github.com/weirproxy/weir/internal/stream/protocol"
	"github.com/weirproxy/weir/internal/stream/proxy"
	"github.com/weirproxy/weir/internal/stream/realip"
	"github.com/weirproxy/weir/internal/stream/returns"
	"github.com/weirproxy/weir/internal/stream/setvar"
	"github.com/weirproxy/weir/internal/stream/splitclients"
	"github.com/weirproxy/weir/internal/stream/sslpreread"
)

// modules are all parts of the stream subsystem. Within a phase, handlers run in this order: whoever reads the list
// knows what runs when. -V derives from it what it says is there, by the names that nginx gives its modules.
var modules = []*stream.Module{
	// post-accept: realip
	realip.Module,
	// preaccess: set, limit_conn
	setvar.Module,
	limitconn.Module,
	// access: access
	access.Module,
	// preread: preread_protocol, ssl_preread, Lua
	protocol.Module,
	sslpreread.Module,
	// content: proxy_pass, return, pass, handoff, Lua, which has handlers in access, preread and log as well
	proxy.Module,
	returns.Module,
	pass.Module,
	handover.Module,
	ngx.Module,
	// variables: map, split_clients, geo
	mapping.Module,
	splitclients.Module,
	geo.Module,
	// log: access_log, behind proxy_pass and Lua
	accesslog.Module,
}
