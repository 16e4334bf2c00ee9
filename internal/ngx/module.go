package ngx

import (
	"github.com/weirproxy/weir/internal/conf"
	"github.com/weirproxy/weir/internal/stream"
)

// Module is the lua module: the *_by_lua* and lua_* directives of ngx_stream_lua_module, and access_by_lua*, which that
// module lacks. Of those for TLS there is lua_ssl_* alone, which is read and not used yet.
var Module = &stream.Module{
	Name:       "lua",
	Config:     slot.Decl(nil, merge),
	Directives: directives,
	Handlers: []stream.PhaseHandler{
		{Phase: stream.Access, Run: runAccess, Last: true,
			Active: func(s *stream.Server) bool { return slot.Of(s).access != nil }},
		{Phase: stream.Preread, Run: runPreread, Last: true,
			Active: func(s *stream.Server) bool { return prereads(s, false) }},
		{Phase: stream.Preread, Run: runPreread,
			Active: func(s *stream.Server) bool { return prereads(s, true) }},
		{Phase: stream.Log, Run: runLog,
			Active: func(s *stream.Server) bool { return slot.Of(s).log != nil }},
	},
	Generation: machines.Decl(stream.Hooks[machine]{Build: build, Start: start, Retire: retire, Free: free}),
	Finish: func(b *stream.Builder) error {
		slot.Stream(b).prefix = b.Prefix
		return nil
	},
}

// prereads tells whether preread_by_lua* runs for a server in its place in the list, or else at the phase's end.
func prereads(s *stream.Server, inPlace bool) bool {
	return slot.Of(s).preread != nil && slot.Main(s.Config()).noPostpone.V == inPlace
}

// config is what stream{} and server{} say. Times are in milliseconds, sizes in bytes.
type config struct {
	access, preread, content, log *script

	codeCache        conf.Value[bool]
	cacheOff         string // what is logged of lua_code_cache off in this block
	logErrors        conf.Value[bool]
	checkAbort       conf.Value[bool]
	connectTimeout   conf.Value[int64]
	sendTimeout      conf.Value[int64]
	readTimeout      conf.Value[int64]
	keepaliveTimeout conf.Value[int64]
	poolSize         conf.Value[int64]
	bufferSize       conf.Value[int64]
	sendLowat        conf.Value[int64]

	// Of stream{} alone:
	init, initWorker      *script
	path, cpath           string
	noPostpone, saRestart conf.Value[bool]
	maxPending            conf.Value[int64]
	maxRunning            conf.Value[int64]
	regexCache            conf.Value[int64]
	regexLimit            conf.Value[int64]
	captureLog            conf.Value[int64]
	capture               *capture // made by the first machine
	ignored               conf.Value[int64]
	sliceWarn             conf.Value[int64]
	memoryLimit           conf.Value[int64]
	dicts                 []dict
	prefix                string
	scripts               int // how many there are
}

// dict is a lua_shared_dict.
type dict struct {
	name string
	size int64
}

var slot = stream.NewSlot[config]()

func merge(_ *stream.Builder, outer, c *config) error {
	inherit(&c.access, outer.access)
	inherit(&c.preread, outer.preread)
	inherit(&c.log, outer.log)
	c.codeCache = c.codeCache.Or(outer.codeCache, true)
	c.logErrors = c.logErrors.Or(outer.logErrors, true)
	c.checkAbort = c.checkAbort.Or(outer.checkAbort, false)
	c.connectTimeout = c.connectTimeout.Or(outer.connectTimeout, 60_000)
	c.sendTimeout = c.sendTimeout.Or(outer.sendTimeout, 60_000)
	c.readTimeout = c.readTimeout.Or(outer.readTimeout, 60_000)
	c.keepaliveTimeout = c.keepaliveTimeout.Or(outer.keepaliveTimeout, 60_000)
	c.poolSize = c.poolSize.Or(outer.poolSize, 30)
	c.bufferSize = c.bufferSize.Or(outer.bufferSize, 4096)
	c.sendLowat = c.sendLowat.Or(outer.sendLowat, 0)
	return nil
}

func inherit(s **script, outer *script) {
	if *s == nil {
		*s = outer
	}
}

// conf is what the server's configuration says, or stream{}'s where there is no server.
func (r *request) conf() *config {
	if s := r.server(); s != nil {
		return slot.Of(s)
	}
	return r.m.defaults()
}

// defaults is stream{}'s configuration with what it does not say filled in.
func (m *machine) defaults() *config {
	if m.filled == nil {
		filled := *m.main
		_ = merge(nil, &config{}, &filled)
		m.filled = &filled
	}
	return m.filled
}
