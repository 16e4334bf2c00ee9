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
		{name: "regex_limits", run: pushRegexLimits},
	},
}

// pushRegexLimits() returns lua_regex_cache_max_entries and lua_regex_match_limit.
func pushRegexLimits(m *machine, c *luajit.Call) luajit.Outcome {
	c.PushNumber(float64(m.main.regexCache.Or(m.main.regexCache, defaultRegexCache).V))
	c.PushNumber(float64(m.main.regexLimit.V))
	return luajit.Return
}
