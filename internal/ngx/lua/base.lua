-- Module "resty.core.base", as far as libraries use it, and what the other files of this folder share:
-- p.base.get_string_buf and p.base.text.

local p = ...
local ffi = require "ffi"
local ffi_new, typeof = ffi.new, ffi.typeof
local type, tostring, select, error, ceil = type, tostring, select, error, math.ceil
local new_tab, clear_tab = require "table.new", require "table.clear"
local core = p.base

require "thread.exdata" -- makes the global exdata, as OpenResty has it

for name, declaration in pairs {
    ngx_str_t = "typedef struct { size_t len; const unsigned char *data; } ngx_str_t;",
    ngx_stream_lua_request_t = "typedef struct ngx_stream_lua_request_s ngx_stream_lua_request_t;",
    ngx_stream_lua_ffi_str_t = "typedef struct { int len; const unsigned char *data; } ngx_stream_lua_ffi_str_t;",
} do
    if not pcall(typeof, name) then
        ffi.cdef(declaration)
    end
end

local chars = typeof("char[?]")
local buffer_size = 4096
local buffer
local size_ptr, errmsg_ptr

local M = {
    version = "0.1.33",
    new_tab = new_tab,
    clear_tab = clear_tab,
    FFI_OK = 0,
    FFI_ERROR = -1,
    FFI_AGAIN = -2,
    FFI_BUSY = -3,
    FFI_DONE = -4,
    FFI_DECLINED = -5,
    FFI_ABORT = -6,
    FFI_NO_REQ_CTX = -100,
    FFI_BAD_CONTEXT = -101,
}

function M.get_string_buf_size()
    return buffer_size
end

function M.set_string_buf_size(size)
    if size > 0 then
        buffer, buffer_size = nil, ceil(size)
    end
end

-- Room for size bytes, which the next caller gets too unless must_alloc is set.
function M.get_string_buf(size, must_alloc)
    if size > buffer_size or must_alloc then
        return ffi_new(chars, size)
    end
    if not buffer then
        buffer = ffi_new(chars, buffer_size)
    end
    return buffer
end

function M.get_size_ptr()
    size_ptr = size_ptr or ffi_new("size_t[1]")
    return size_ptr
end

function M.get_errmsg_ptr()
    errmsg_ptr = errmsg_ptr or ffi_new("char *[1]")
    return errmsg_ptr
end

-- Keeps value in list under a number, which is returned. Freed numbers are chained from list[0] on.
function M.ref_in_table(list, value)
    if value == nil then
        return -1
    end
    local ref = list[0]
    if ref and ref ~= 0 then
        list[0] = list[ref]
    else
        ref = #list + 1
    end
    list[ref] = value
    return ref
end

function M.allows_subsystem(...)
    for i = 1, select("#", ...) do
        if select(i, ...) == "stream" then
            return
        end
    end
    error("unsupported subsystem: stream", 2)
end

-- A value that stands for the running request; nil where there is none.
M.get_request = core.get_request

core.get_string_buf = M.get_string_buf

-- What a function of ngx works on that takes anything for a text.
function core.text(s)
    if type(s) == "string" then
        return s
    end
    return s and tostring(s) or ""
end

package.loaded["resty.core.base"] = M
