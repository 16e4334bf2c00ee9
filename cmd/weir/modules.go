package main

import (
	"github.com/weirproxy/weir/internal/stream"
	"github.com/weirproxy/weir/internal/stream/proxy"
)

// modules are all parts of the stream subsystem. Within a phase, handlers run in this order: whoever reads the list
// knows what runs when. -V derives from it what it says is there, by the names that nginx gives its modules.
var modules = []*stream.Module{
	// post-accept: realip
	// preaccess: limit_conn
	// access: access
	// preread: ssl_preread, Lua
	// content: proxy, return, Lua
	proxy.Module,
	// variables: map, set, split_clients
	// log: Lua, log
}
