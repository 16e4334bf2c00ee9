package ngx

import (
	"strconv"
	"strings"

	"github.com/weirproxy/weir/internal/conf"
	"github.com/weirproxy/weir/internal/stream"
)

// tlsDirectives are those of the cosockets' TLS; what they say is read, and not used yet.
var tlsDirectives = []conf.Directive{
	{Name: "lua_ssl_protocols", In: stream.InStreamServer, Args: conf.OneMore, Set: accept},
	{Name: "lua_ssl_ciphers", In: stream.InStreamServer, Args: conf.Take1, Set: accept},
	{Name: "lua_ssl_verify_depth", In: stream.InStreamServer, Args: conf.Take1, Set: accept},
	{Name: "lua_ssl_certificate", In: stream.InStreamServer, Args: conf.Take1, Set: accept},
	{Name: "lua_ssl_certificate_key", In: stream.InStreamServer, Args: conf.Take1, Set: accept},
	{Name: "lua_ssl_trusted_certificate", In: stream.InStreamServer, Args: conf.Take1, Set: accept},
	{Name: "lua_ssl_crl", In: stream.InStreamServer, Args: conf.Take1, Set: accept},
	{Name: "lua_ssl_key_log", In: stream.InStreamServer, Args: conf.Take1, Set: accept},
	{Name: "lua_ssl_conf_command", In: stream.InStreamServer, Args: conf.Take2, Set: accept},
}

func accept(*conf.Scope, *conf.Node) error { return nil }

var directives = join(
	tlsDirectives,
	byLua("init_by_lua", conf.InStream, fixedChunk("init_by_lua", func(c *config) **script { return &c.init })),
	byLua("init_worker_by_lua", conf.InStream,
		fixedChunk("init_worker_by_lua", func(c *config) **script { return &c.initWorker })),
	byLua("access_by_lua", stream.InStreamServer,
		phaseScript("access_by_lua", func(c *config) **script { return &c.access })),
	byLua("preread_by_lua", stream.InStreamServer,
		phaseScript("preread_by_lua", func(c *config) **script { return &c.preread })),
	byLua("content_by_lua", conf.InServer, slot.Set(setContent)),
	byLua("log_by_lua", stream.InStreamServer, phaseScript("log_by_lua", func(c *config) **script { return &c.log })),
	byLua("balancer_by_lua", conf.InUpstream, setBalancer),
	[]conf.Directive{
		{Name: "lua_package_path", In: conf.InStream, Args: conf.Take1,
			Set: slot.Set(func(c *config, _ *stream.Block, n *conf.Node) error { return setOnce(&c.path, n) })},
		{Name: "lua_package_cpath", In: conf.InStream, Args: conf.Take1,
			Set: slot.Set(func(c *config, _ *stream.Block, n *conf.Node) error { return setOnce(&c.cpath, n) })},
		{Name: "lua_code_cache", In: stream.InStreamServer, Args: conf.Flag, Set: slot.Set(setCodeCache)},
		{Name: "lua_shared_dict", In: conf.InStream, Args: conf.Take2, Set: slot.Set(setDict)},
		{Name: "lua_add_variable", In: conf.InStream, Args: conf.Take1, Set: slot.Set(addVariable)},
		{Name: "lua_load_resty_core", In: conf.InStream, Args: conf.Flag, Set: slot.Set(warnRestyCore)},
		{Name: "lua_capture_error_log", In: conf.InStream, Args: conf.Take1, Set: slot.Set(setCapture)},
		{Name: "lua_malloc_trim", In: conf.InStream, Args: conf.Take1, Set: slot.Set(setMallocTrim)},
	},
	flags(conf.InStream, map[string]func(*config) *conf.Value[bool]{
		"preread_by_lua_no_postpone": func(c *config) *conf.Value[bool] { return &c.noPostpone },
		"lua_sa_restart":             func(c *config) *conf.Value[bool] { return &c.saRestart },
	}),
	flags(stream.InStreamServer, map[string]func(*config) *conf.Value[bool]{
		"lua_check_client_abort": func(c *config) *conf.Value[bool] { return &c.checkAbort },
		"lua_socket_log_errors":  func(c *config) *conf.Value[bool] { return &c.logErrors },
	}),
	values(conf.InStream, (*conf.Node).Int, map[string]func(*config) *conf.Value[int64]{
		"lua_max_pending_timers":       func(c *config) *conf.Value[int64] { return &c.maxPending },
		"lua_max_running_timers":       func(c *config) *conf.Value[int64] { return &c.maxRunning },
		"lua_regex_cache_max_entries":  func(c *config) *conf.Value[int64] { return &c.regexCache },
		"lua_regex_match_limit":        func(c *config) *conf.Value[int64] { return &c.regexLimit },
		"lua_thread_cache_max_entries": func(c *config) *conf.Value[int64] { return &c.ignored },
	}),
	values(conf.InStream, (*conf.Node).Msec, map[string]func(*config) *conf.Value[int64]{
		"lua_slice_warn": func(c *config) *conf.Value[int64] { return &c.sliceWarn },
	}),
	values(conf.InStream, (*conf.Node).Size, map[string]func(*config) *conf.Value[int64]{
		"lua_memory_limit": func(c *config) *conf.Value[int64] { return &c.memoryLimit },
	}),
	values(stream.InStreamServer, (*conf.Node).Msec, map[string]func(*config) *conf.Value[int64]{
		"lua_socket_connect_timeout":   func(c *config) *conf.Value[int64] { return &c.connectTimeout },
		"lua_socket_send_timeout":      func(c *config) *conf.Value[int64] { return &c.sendTimeout },
		"lua_socket_read_timeout":      func(c *config) *conf.Value[int64] { return &c.readTimeout },
		"lua_socket_keepalive_timeout": func(c *config) *conf.Value[int64] { return &c.keepaliveTimeout },
	}),
	values(stream.InStreamServer, (*conf.Node).Size, map[string]func(*config) *conf.Value[int64]{
		"lua_socket_buffer_size": func(c *config) *conf.Value[int64] { return &c.bufferSize },
		"lua_socket_send_lowat":  func(c *config) *conf.Value[int64] { return &c.sendLowat },
	}),
	values(stream.InStreamServer, (*conf.Node).Int, map[string]func(*config) *conf.Value[int64]{
		"lua_socket_pool_size": func(c *config) *conf.Value[int64] { return &c.poolSize },
	}),
)

func join(lists ...[]conf.Directive) []conf.Directive {
	var all []conf.Directive
	for _, list := range lists {
		all = append(all, list...)
	}
	return all
}

// byLua are the three forms of a directive that holds code. In OpenResty some have none with a string; here all have.
func byLua(name string, in conf.Context, set conf.Setter) []conf.Directive {
	return []conf.Directive{
		{Name: name + "_block", In: in, Args: conf.Code | conf.NoArgs, Set: set},
		{Name: name, In: in, Args: conf.Take1, Set: set},
		{Name: name + "_file", In: in, Args: conf.Take1, Set: set},
	}
}

func flags(in conf.Context, fields map[string]func(*config) *conf.Value[bool]) []conf.Directive {
	var list []conf.Directive
	for name, field := range fields {
		list = append(list, conf.Directive{Name: name, In: in, Args: conf.Flag,
			Set: stream.Field(slot, field, (*conf.Node).Flag)})
	}
	return list
}

func values(in conf.Context, read func(*conf.Node) (int64, error),
	fields map[string]func(*config) *conf.Value[int64]) []conf.Directive {
	var list []conf.Directive
	for name, field := range fields {
		list = append(list, conf.Directive{Name: name, In: in, Args: conf.Take1, Set: stream.Field(slot, field, read)})
	}
	return list
}

// phaseScript sets the script of a phase.
func phaseScript(name string, field func(*config) **script) conf.Setter {
	return slot.Set(func(c *config, b *stream.Block, n *conf.Node) error { return setScript(field(c), b, n, name, "") })
}

// fixedChunk sets a script whose chunk name is the directive's alone.
func fixedChunk(name string, field func(*config) **script) conf.Setter {
	return slot.Set(func(c *config, b *stream.Block, n *conf.Node) error {
		return setScript(field(c), b, n, name, "="+name)
	})
}

func setScript(field **script, b *stream.Block, n *conf.Node, name, chunk string) error {
	if *field != nil {
		return n.Directivef("is duplicate")
	}
	made, err := newScript(b, n, name, chunk)
	if err != nil {
		return err
	}
	*field = made
	return nil
}

func setContent(c *config, b *stream.Block, n *conf.Node) error {
	if err := setScript(&c.content, b, n, "content_by_lua", ""); err != nil {
		return err
	}
	return b.SetContent(n, runContent)
}

func setOnce(field *string, n *conf.Node) error {
	if *field != "" {
		return n.Duplicate()
	}
	*field = n.Args[0]
	return nil
}

func setCodeCache(c *config, _ *stream.Block, n *conf.Node) error {
	if c.codeCache.Given {
		return n.Duplicate()
	}
	on, err := n.Flag()
	if err != nil {
		return err
	}
	c.codeCache = conf.Value[bool]{V: on, Given: true}
	if !on {
		c.cacheOff = n.Errorf("stream lua_code_cache is off; this will hurt performance").Error()
	}
	return nil
}

func setDict(c *config, b *stream.Block, n *conf.Node) error {
	name := n.Args[0]
	if name == "" {
		return n.Errorf(`invalid lua shared dict name "%s"`, name)
	}
	size, ok := conf.ParseSize(n.Args[1])
	if !ok || size <= 8191 {
		return n.Errorf(`invalid lua shared dict size "%s"`, n.Args[1])
	}
	if err := b.Zone(n, "lua_shared_dict", name, size); err != nil {
		return err
	}
	for _, d := range c.dicts {
		if d.name == name {
			return n.Errorf(`lua_shared_dict "%s" is already defined as "%s"`, name, name)
		}
	}
	c.dicts = append(c.dicts, dict{name, size})
	return nil
}

func addVariable(_ *config, b *stream.Block, n *conf.Node) error {
	name, ok := strings.CutPrefix(n.Args[0], "$")
	if !ok {
		return n.Errorf(`invalid variable name "%s"`, n.Args[0])
	}
	_, err := b.Define(stream.Variable{Name: name, Changeable: true, Get: undefined})
	return err
}

func undefined(_ *stream.Session, _ *stream.Var, dst []byte) ([]byte, bool) { return dst, false }

func warnRestyCore(_ *config, b *stream.Block, n *conf.Node) error {
	b.Warn(n, "lua_load_resty_core is deprecated (the lua-resty-core library is required since ngx_stream_lua v0.0.8)")
	return nil
}

func setCapture(c *config, _ *stream.Block, n *conf.Node) error {
	if c.captureLog.Given {
		return n.Duplicate()
	}
	size, ok := conf.ParseSize(n.Args[0])
	if !ok || size < 4096 {
		return n.Errorf(`invalid capture error log size "%s", minimum size is %s`, n.Args[0], strconv.Itoa(4096))
	}
	c.captureLog = conf.Value[int64]{V: size, Given: true}
	return nil
}

func setMallocTrim(_ *config, _ *stream.Block, n *conf.Node) error {
	if _, ok := conf.ParseInt(n.Args[0]); !ok {
		return n.Directivef("invalid number in the 1st argument")
	}
	return nil
}
