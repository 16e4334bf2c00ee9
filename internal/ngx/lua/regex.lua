-- ngx.re and the module "ngx.re": the API is internal/pcre's; here it gets its limits and a log. It is large, so it is
-- compiled when somebody looks for one of its functions; until then pairs finds none.

local p = ...
local loadstring, assert, pairs, rawget, setmetatable = loadstring, assert, pairs, rawget, setmetatable
local ERR, WARN = ngx.ERR, ngx.WARN

local re = {}
local module

local function load()
    if module then return end
    local functions
    local cache_max_entries, match_limit = p.regex_limits()
    functions, module = assert(loadstring(p.regex_source(), "=re.lua"))() {
        cache_max_entries = cache_max_entries,
        match_limit = match_limit,
        log_error = function(message) p.raw_log(ERR, message) end,
        log_warning = function(message) p.raw_log(WARN, message) end,
    }
    module.version = "0.1.33"
    for name, f in pairs(functions) do
        if rawget(re, name) == nil then re[name] = f end
    end
    setmetatable(re, nil)
end

ngx.re = setmetatable(re, {
    __index = function(_, name)
        load()
        return rawget(re, name)
    end,
})

package.preload["ngx.re"] = function()
    load()
    return module
end
