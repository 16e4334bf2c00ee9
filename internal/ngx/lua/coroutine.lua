local p = ...
local base = p.base
local shared, passed = base.shared, base.passed
local create, resume, running = coroutine.create, coroutine.resume, coroutine.running
local type, error = type, error

local function check(c, ok, ...)
    if ok then return ... end
    local err = ...
    if shared.id == 0 and type(err) == "string" then error(err, 2) end
    local me, step = running(), passed.steps
    if me then
        if passed.to[step] ~= c or passed.err[step] ~= err then step = 0 end -- another error
        step = step + 1
        passed.from[step], passed.to[step], passed.err[step], passed.steps = c, me, err, step
    end
    error(err, 0)
end

local function wrap(f)
    local c = create(f)
    return function(...) return check(c, resume(c, ...)) end
end

local lib = { running = running }
for name, f in pairs { create = create, resume = resume, yield = coroutine.yield, status = coroutine.status,
                       wrap = wrap } do
    lib[name], lib["_" .. name], lib["__" .. name] = f, f, f
end
coroutine = lib
package.loaded.coroutine = lib
