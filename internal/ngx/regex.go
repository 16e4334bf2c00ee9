package ngx

import (
	"github.com/weirproxy/weir/internal/luajit"
	"github.com/weirproxy/weir/internal/pcre"
)

// defaultRegexCache is lua_regex_cache_max_entries' default.
const defaultRegexCache = 1024

var regexFamily = family{
	name: "regex",
	lua:  "regex.lua",
	primitives: []primitive{
		{name: "regex_source", run: func(_ *machine, c *luajit.Call) luajit.Outcome {
			c.PushString(pcre.LuaSource)
			return luajit.Return
		}},
		{name: "regex_setup", run: setUpRegex},
	},
}

// setUpRegex() returns the address of the VM's patterns, lua_regex_cache_max_entries and lua_regex_match_limit.
func setUpRegex(m *machine, c *luajit.Call) luajit.Outcome {
	if m.patterns = pcre.NewPatterns(); m.patterns == nil {
		return c.Raise("not enough memory")
	}
	m.closers = append(m.closers, m.patterns.Free)
	c.PushLight(m.patterns.Handle())
	c.PushNumber(float64(m.main.regexCache.Or(m.main.regexCache, defaultRegexCache).V))
	c.PushNumber(float64(m.main.regexLimit.V))
	return luajit.Return
}
