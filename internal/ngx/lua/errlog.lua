-- Module "ngx.errlog". Checks and words: lua-resty-core's errlog.lua.

local p = ...
local type, error = type, error
local take_log, raw_log, set_filter_level = p.take_log, p.raw_log, p.set_filter_level

local M = { version = "0.1.33", get_sys_filter_level = p.sys_filter_level }

function M.set_filter_level(level)
    if not level then
        return nil, 'missing "level" argument'
    end
    return set_filter_level(level)
end

-- Moves up to max captured lines into list, three items each: level, time, text.
function M.get_logs(max, list)
    list = list or {}
    local n = 0
    for _ = 1, max or 10 do
        local level, when, text = take_log()
        if not level then
            if when then
                return nil, when
            end
            break
        end
        list[n + 1], list[n + 2], list[n + 3] = level, when, text
        n = n + 3
    end
    list[n + 1] = nil
    return list
end

function M.raw_log(level, message)
    if type(level) ~= "number" then
        error("bad argument #1 to 'raw_log' (must be a number)", 2)
    end
    if type(message) ~= "string" then
        error("bad argument #2 to 'raw_log' (must be a string)", 2)
    end
    local ok, err = raw_log(level, message)
    if not ok then
        error(err, 2)
    end
end

return M
