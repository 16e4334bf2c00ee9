-- ngx.encode_base64, decode_base64, decode_base64mime, and the module "ngx.base64".
-- Checks and words: lua-resty-core's base64.lua.

local p = ...
local ffi = require "ffi"
local C, ffi_string = ffi.C, ffi.string
local get_string_buf, text = p.base.get_string_buf, p.base.text
local type, error, floor = type, error, math.floor

ffi.cdef [[
size_t weir_base64_encode(const char *src, size_t len, char *dst, int flags);
int64_t weir_base64_decode(const char *src, size_t len, char *dst, int flags);
]]

local URL, NO_PADDING, MIME = 1, 2, 4

local function encode(s, flags)
    local dst = get_string_buf(floor((#s + 2) / 3) * 4)
    return ffi_string(dst, C.weir_base64_encode(s, #s, dst, flags))
end

-- nil when s is not base64.
local function decode(s, flags)
    local dst = get_string_buf(floor((#s + 3) / 4) * 3)
    local len = C.weir_base64_decode(s, #s, dst, flags)
    if len < 0 then
        return nil
    end
    return ffi_string(dst, len)
end

function ngx.encode_base64(s, no_padding)
    s = text(s)
    if not no_padding then
        return encode(s, 0)
    end
    if no_padding ~= true then
        error("bad no_padding: boolean expected, got " .. type(no_padding), 2)
    end
    return encode(s, NO_PADDING)
end

function ngx.decode_base64(s)
    if type(s) ~= "string" then
        error("string argument only", 2)
    end
    return decode(s, 0)
end

function ngx.decode_base64mime(s)
    if type(s) ~= "string" then
        error("string argument only", 2)
    end
    return decode(s, MIME)
end

local M = { version = "0.1.33" }

function M.encode_base64url(s)
    if type(s) ~= "string" then
        return nil, "must provide a string"
    end
    return encode(s, URL + NO_PADDING)
end

function M.decode_base64url(s)
    if type(s) ~= "string" then
        return nil, "must provide a string"
    end
    local text = decode(s, URL)
    if not text then
        return nil, "invalid input"
    end
    return text
end

package.preload["ngx.base64"] = function() return M end
