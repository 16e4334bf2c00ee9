-- ngx.re and the module "ngx.re": the API is internal/pcre's; here it gets its limits and a log.

local p = ...

local build = assert(loadstring(p.regex_source(), "=re.lua"))()
local patterns, cache_max_entries, match_limit = p.regex_setup()
local functions, module = build {
    cache_max_entries = cache_max_entries,
    match_limit = match_limit,
    patterns = patterns,
    log_error = function(message) p.raw_log(ngx.ERR, message) end,
    log_warning = function(message) p.raw_log(ngx.WARN, message) end,
}

ngx.re = functions
module.version = "0.1.33"
package.preload["ngx.re"] = function() return module end
