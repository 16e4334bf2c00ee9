-- ngx.shared: the API is internal/shdict's; here it gets the clock and the dictionaries.

local p = ...
local clock = p.base.clock

local build = assert(loadstring(p.shared_source(), "=shdict.lua"))()
local new = build { now = function() return clock.wall end }

ngx.shared = {}
for name, handle in pairs(p.shared_dicts()) do
    ngx.shared[name] = new(handle)
end
