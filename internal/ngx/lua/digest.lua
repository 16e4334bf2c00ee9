-- ngx.md5, md5_bin, sha1_bin, hmac_sha1, crc32_short and crc32_long.
-- Checks and words: lua-resty-core's hash.lua, ngx_stream_lua_string.c.

local p = ...
local ffi = require "ffi"
local C, ffi_string, text = ffi.C, ffi.string, p.base.text
local type, tostring, error, select = type, tostring, error, select

ffi.cdef [[
void weir_md5(const char *src, size_t len, char *dst);
void weir_md5_hex(const char *src, size_t len, char *dst);
void weir_sha1(const char *src, size_t len, char *dst);
void weir_hmac_sha1(const char *key, size_t key_len, const char *src, size_t len, char *dst);
uint32_t weir_crc32(const char *src, size_t len);
]]

local sum = ffi.new("char[32]")

function ngx.md5(s)
    s = text(s)
    C.weir_md5_hex(s, #s, sum)
    return ffi_string(sum, 32)
end

function ngx.md5_bin(s)
    s = text(s)
    C.weir_md5(s, #s, sum)
    return ffi_string(sum, 16)
end

function ngx.sha1_bin(s)
    s = text(s)
    C.weir_sha1(s, #s, sum)
    return ffi_string(sum, 20)
end

local function check(n, s)
    if type(s) == "string" then
        return s
    end
    if type(s) == "number" then
        return tostring(s)
    end
    local name = debug.getinfo(2, "n").name or "?"
    error("bad argument #" .. n .. " to '" .. name .. "' (string expected, got " .. type(s) .. ")", 3)
end

function ngx.hmac_sha1(...)
    local count, key, s = select("#", ...), ...
    if count ~= 2 then
        error("expecting 2 arguments, but got " .. count, 2)
    end
    key = check(1, key)
    s = check(2, s)
    C.weir_hmac_sha1(key, #key, s, #s, sum)
    return ffi_string(sum, 20)
end

-- In nginx the two differ in the size of their table only.
local function crc32(s)
    s = text(s)
    return C.weir_crc32(s, #s)
end

ngx.crc32_short, ngx.crc32_long = crc32, crc32
