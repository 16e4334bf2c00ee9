local p = ...
local ffi = require "ffi"
local gc = ffi.gc
local new_id, free_id, wait, post, count = p.sema_new, p.sema_free, p.sema_wait, p.sema_post, p.sema_count
local type, error, tonumber, setmetatable = type, error, tonumber, setmetatable

local handle = ffi.typeof("struct { double id; }")
local function release(h)
    local id = h.id
    h.id = 0
    free_id(id)
end

local M = { version = "0.1.33" }
local mt = { __index = M }

local function handle_of(self)
    local h = type(self) == "table" and self.sem
    if type(h) ~= "cdata" then error("not a semaphore instance", 3) end
    return h
end

function M.new(n)
    n = tonumber(n) or 0
    if not (n >= 0) then error("no negative number", 2) end
    return setmetatable({ sem = gc(handle(new_id(n)), release) }, mt)
end

function M.wait(self, seconds)
    local h = handle_of(self)
    if p.base.shared.id == 0 then error("no request found") end
    local ms = tonumber(seconds) * 1000
    if not (ms >= 0) then error("no negative number", 2) end
    local ok, err = wait(h.id, ms)
    if ok then return ok end
    return ok, err
end

function M.post(self, n)
    local h = handle_of(self)
    n = n and tonumber(n) or 1
    if not (n >= 1) then error("positive number required", 2) end
    post(h.id, n)
    return true
end

function M.count(self) return count(handle_of(self).id) end

return M
