-- ngx.escape_uri, unescape_uri, quote_sql_str, encode_args and decode_args.
-- Checks and words: lua-resty-core's uri.lua, ngx_stream_lua_string.c, ngx_stream_lua_args.c.

local p = ...
local ffi = require "ffi"
local C, ffi_string = ffi.C, ffi.string
local get_string_buf, text = p.base.get_string_buf, p.base.text
local type, tostring, tonumber, error, select, pairs = type, tostring, tonumber, error, select, pairs
local find, sub, concat = string.find, string.sub, table.concat

ffi.cdef [[
size_t weir_escaped_length(const char *src, size_t len, int type);
void weir_escape(const char *src, size_t len, char *dst, int type);
size_t weir_unescape(const char *src, size_t len, char *dst);
size_t weir_sql_quoted_length(const char *src, size_t len);
void weir_sql_quote(const char *src, size_t len, char *dst);
]]

local COMPONENT = 2

local function escape(s, kind)
    local len = #s
    local size = tonumber(C.weir_escaped_length(s, len, kind))
    if size == len then
        return s
    end
    local dst = get_string_buf(size)
    C.weir_escape(s, len, dst, kind)
    return ffi_string(dst, size)
end

local function unescape(s)
    local len = #s
    local dst = get_string_buf(len)
    return ffi_string(dst, C.weir_unescape(s, len, dst))
end

function ngx.escape_uri(s, kind)
    if kind == nil then
        return escape(text(s), COMPONENT)
    end
    if type(kind) ~= "number" then
        error('"type" is not a number', 3)
    end
    if not (kind >= 0 and kind <= 6) then
        error('"type" ' .. kind .. " out of range", 3)
    end
    return escape(text(s), kind)
end

function ngx.unescape_uri(s)
    return unescape(text(s))
end

-- Raises what luaL_argerror does, in the name of the function that called.
local function bad_argument(n, want, value)
    local name = debug.getinfo(2, "n").name or "?"
    error("bad argument #" .. n .. " to '" .. name .. "' (" .. want .. " expected, got " .. type(value) .. ")", 3)
end

local function is_text(v)
    return type(v) == "string" or type(v) == "number"
end

function ngx.quote_sql_str(...)
    if select("#", ...) ~= 1 then
        error("expecting one argument", 2)
    end
    local s = ...
    if not is_text(s) then
        bad_argument(1, "string", s)
    end
    s = tostring(s)
    local size = tonumber(C.weir_sql_quoted_length(s, #s))
    if size == #s then
        return "'" .. s .. "'"
    end
    local dst = get_string_buf(size)
    C.weir_sql_quote(s, #s, dst)
    return "'" .. ffi_string(dst, size) .. "'"
end

-- Appends one pair to parts; returns their number. false adds nothing, true the key alone.
local function add_pair(parts, n, key, value)
    if value == false then
        return n
    end
    if value == true then
        parts[n + 1] = key
    elseif is_text(value) then
        parts[n + 1] = key .. "=" .. escape(tostring(value), COMPONENT)
    else
        -- a dictionary's handle is userdata in OpenResty and cdata here
        local kind = type(value) == "cdata" and "userdata" or type(value)
        error("attempt to use " .. kind .. " as query arg value", 3)
    end
    return n + 1
end

function ngx.encode_args(...)
    local count, args = select("#", ...), (...)
    if count ~= 1 then
        error("expecting 1 argument but seen " .. count, 2)
    end
    if type(args) ~= "table" then
        bad_argument(1, "table", args)
    end
    local parts, n = {}, 0
    for key, value in pairs(args) do
        if type(key) ~= "string" then
            error('attempt to use a non-string key in the "args" option table', 2)
        end
        key = escape(key, COMPONENT)
        if type(value) == "table" then
            for _, one in pairs(value) do
                n = add_pair(parts, n, key, one)
            end
        else
            n = add_pair(parts, n, key, value)
        end
    end
    return concat(parts, "&")
end

-- A key that comes again makes its value an array.
local function add_arg(args, key, value)
    local old = args[key]
    if old == nil then
        args[key] = value
    elseif type(old) == "table" then
        old[#old + 1] = value
    else
        args[key] = { old, value }
    end
end

local function decode_args(s, max)
    local args, at, count, len = {}, 1, 0, #s
    while at <= len do
        local stop = find(s, "&", at, true)
        local last = (stop or len + 1) - 1
        local equals = find(s, "=", at, true)
        local key, value
        if equals and equals <= last then
            key, value = sub(s, at, equals - 1), unescape(sub(s, equals + 1, last))
        else
            key, value = sub(s, at, last), true
        end
        key = unescape(key)
        if key ~= "" then
            add_arg(args, key, value)
        end
        at = last + 2
        count = count + 1
        if stop and max > 0 and count == max then
            return args, "truncated"
        end
    end
    return args
end

function ngx.decode_args(...)
    local count, s, max = select("#", ...), ...
    if count ~= 1 and count ~= 2 then
        error("expecting 1 or 2 arguments but seen " .. count, 2)
    end
    if not is_text(s) then
        bad_argument(1, "string", s)
    end
    if count == 1 then
        return decode_args(tostring(s), 100)
    end
    local limit = tonumber(max)
    if not limit then
        bad_argument(2, "number", max)
    end
    return decode_args(tostring(s), limit)
end
