-- ngx.re and the module "ngx.re": the API is internal/pcre's; here it gets its limits and a log. It is large, so it is
-- compiled at the first call of one of its functions.

local p = ...
local loadstring, assert, pairs, ipairs = loadstring, assert, pairs, ipairs
local ERR, WARN = ngx.ERR, ngx.WARN

local re, stubs = {}, {}
local functions, module

local function load()
    if functions then return end
    local cache_max_entries, match_limit = p.regex_limits()
    functions, module = assert(loadstring(p.regex_source(), "=re.lua"))() {
        cache_max_entries = cache_max_entries,
        match_limit = match_limit,
        log_error = function(message) p.raw_log(ERR, message) end,
        log_warning = function(message) p.raw_log(WARN, message) end,
    }
    module.version = "0.1.33"
    for name, stub in pairs(stubs) do
        if re[name] == stub then re[name] = functions[name] end
    end
end

for _, name in ipairs { "match", "find", "gmatch", "sub", "gsub" } do
    local f
    stubs[name] = function(...)
        if not f then
            load()
            f = functions[name]
        end
        return f(...)
    end
    re[name] = stubs[name]
end

ngx.re = re
package.preload["ngx.re"] = function()
    load()
    return module
end
