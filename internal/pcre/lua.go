package pcre

import _ "embed"

// LuaSource is a Lua chunk. It returns a function of a table (cache_max_entries, match_limit, log_error; each may
// be missing), which returns two tables: ngx.re (match, find, gmatch, sub, gsub) and the module "ngx.re" (split, opt).
//
//go:embed re.lua
var LuaSource string
