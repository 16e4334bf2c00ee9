-- ngx.now, time, update_time, today, localtime, utctime, cookie_time, http_time, parse_http_time, and the module
-- "resty.core.time". The clock is the worker's: it is read once in each round of the loop (clock.go), and here without
-- any call. Checks and words: lua-resty-core's time.lua; parse_http_time: ngx_parse_http_time.

local p = ...
local ffi = require "ffi"
local C, ffi_string = ffi.C, ffi.string
local type, error, tonumber, match, lower, floor = type, error, tonumber, string.match, string.lower, math.floor

ffi.cdef [[
size_t weir_time_text(int kind, int64_t seconds, char *dst);
typedef struct { double now, time, wall, mono, offset; } weir_clock_t;
]]

local DATE, FULL, HTTP, COOKIE = 0, 1, 2, 3

local clock = ffi.cast("const weir_clock_t *", p.clock())
p.base.clock = clock

function ngx.now()
    return clock.now
end

function ngx.time()
    return clock.time
end

ngx.update_time = p.update_time

local buffer = ffi.new("char[32]")

local function format(kind, seconds)
    return ffi_string(buffer, C.weir_time_text(kind, seconds, buffer))
end

-- Makes a function that formats the clock's time, once a second.
local function formatted(kind, is_local)
    local second, text = -1, nil
    return function()
        if clock.time ~= second then
            second = clock.time
            text = format(kind, is_local and second + clock.offset or second)
        end
        return text
    end
end

ngx.today = formatted(DATE, true)
ngx.localtime = formatted(FULL, true)
ngx.utctime = formatted(FULL, false)

function ngx.http_time(seconds)
    if type(seconds) ~= "number" then
        error("number argument only", 2)
    end
    return format(HTTP, seconds)
end

function ngx.cookie_time(seconds)
    if type(seconds) ~= "number" then
        error("number argument only", 2)
    end
    return format(COOKIE, seconds)
end

local months = { jan = 1, feb = 2, mar = 3, apr = 4, may = 5, jun = 6, jul = 7, aug = 8, sep = 9, oct = 10, nov = 11,
    dec = 12 }
local month_days = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 }

local function is_leap(year)
    return year % 4 == 0 and (year % 100 ~= 0 or year % 400 == 0)
end

-- Days since 1970-01-01 in the Gregorian calendar. The year begins in March, so that its odd day is the last.
local function days(year, month, day)
    if month <= 2 then
        year, month = year - 1, month + 12
    end
    return 365 * year + floor(year / 4) - floor(year / 100) + floor(year / 400)
        + floor(306 * (month + 1) / 10) + day - 719591
end

-- The three forms of RFC 7231 §7.1.1.1: year, month's name, day, hour, minute, second.
local function fields(s)
    local day, month, year, h, m, sec = match(s, "^[^, ]*, *(%d%d) (%a%a%a) (%d%d%d%d) (%d%d):(%d%d):(%d%d)")
    if day then
        return year, month, day, h, m, sec
    end
    day, month, year, h, m, sec = match(s, "^[^, ]*, *(%d%d)%-(%a%a%a)%-(%d%d) (%d%d):(%d%d):(%d%d)")
    if day then
        return tonumber(year) + (tonumber(year) < 70 and 2000 or 1900), month, day, h, m, sec
    end
    month, day, h, m, sec, year = match(s, "^[^, ]* +(%a%a%a) +(%d%d?) (%d%d):(%d%d):(%d%d) (%d%d%d%d)")
    return year, month, day, h, m, sec
end

function ngx.parse_http_time(s)
    if type(s) ~= "string" then
        error("string argument only", 2)
    end
    local year, month, day, h, m, sec = fields(s)
    month = month and months[lower(month)]
    if not month then
        return nil
    end
    year, day, h, m, sec = tonumber(year), tonumber(day), tonumber(h), tonumber(m), tonumber(sec)
    local last = month_days[month] + (month == 2 and is_leap(year) and 1 or 0)
    if h > 23 or m > 59 or sec > 59 or day > last then
        return nil
    end
    return days(year, month, day) * 86400 + h * 3600 + m * 60 + sec
end

package.loaded["resty.core.time"] = {
    version = "0.1.33",
    monotonic_msec = function() return clock.mono end,
    monotonic_time = function() return clock.mono / 1000 end,
}
