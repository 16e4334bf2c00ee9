local p = ...
local shared = p.base.shared
local rawset, tostring, log, WARN = rawset, tostring, p.log, ngx.WARN
local traceback = debug.traceback
local init, init_worker = p.base.phases.init, p.base.phases.init_worker

setmetatable(_G, {
    __newindex = function(t, key, value)
        rawset(t, key, value)
        local phase = shared.phase
        if phase == init or phase == init_worker then return end
        log(WARN, "writing a global Lua variable ('", tostring(key), "') which may lead to race conditions between ",
            "concurrent requests, so prefer the use of 'local' variables", traceback("", 2))
    end,
})

-- Functions that OpenResty has in its http subsystem only.
for _, name in ipairs { "cookie_time", "http_time", "parse_http_time" } do
    p.base.more[name] = rawget(ngx, name)
    ngx[name] = nil
end
