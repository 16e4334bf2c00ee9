-- Module "ngx.pipe": processes. Checks and words: lua-resty-core's pipe.lua. Streams and timeouts: pipe.go, pipeend.go.

local p = ...
local ffi = require "ffi"
local type, tostring, tonumber, error, ipairs = type, tostring, tonumber, error, ipairs
local concat, find = table.concat, string.find
local read = p.pipe_read

local MAX_TIMEOUT = 0xffffffff
local DEFAULT_TIMEOUT = 10000
local ALL, BYTES, LINE, ANY = 0, 1, 2, 3
local directions = { stdin = 0, stdout = 1, stderr = 2 }

-- The number of a process. Levels of errors count from the method.
local function number_of(proc)
    if type(proc) ~= "cdata" then
        error("not a process instance", 3)
    end
    return proc.number
end

local function check_timeouts(write, stdout_read, stderr_read, wait)
    for name, value in pairs { write = write, stdout_read = stdout_read, stderr_read = stderr_read, wait = wait } do
        if value < 0 or value > MAX_TIMEOUT then
            error("bad " .. name .. "_timeout option", 3)
        end
    end
end

local methods = {}

function methods.pid(proc)
    return proc.process
end

function methods.set_timeouts(proc, write, stdout_read, stderr_read, wait)
    check_timeouts(write, stdout_read, stderr_read, wait)
    p.pipe_timeouts(number_of(proc), write, stdout_read, stderr_read, wait)
end

for name, from_stderr in pairs { stdout = false, stderr = true } do
    methods[name .. "_read_all"] = function(proc)
        return read(number_of(proc), from_stderr, ALL, 0)
    end

    methods[name .. "_read_line"] = function(proc)
        return read(number_of(proc), from_stderr, LINE, 0)
    end

    methods[name .. "_read_bytes"] = function(proc, len)
        if len < 0 then
            error("bad len argument", 2)
        end
        if len == 0 then
            return ""
        end
        return read(number_of(proc), from_stderr, BYTES, len)
    end

    methods[name .. "_read_any"] = function(proc, max)
        max = tonumber(max)
        if not max or max <= 0 then
            error("bad max argument", 2)
        end
        return read(number_of(proc), from_stderr, ANY, max)
    end
end

function methods.write(proc, data)
    local number, kind = number_of(proc), type(data)
    if kind == "table" then
        data = concat(data)
    elseif kind == "number" then
        data = tostring(data)
    elseif kind ~= "string" then
        error("bad data arg: string, number, or table expected, got " .. kind, 2)
    end
    return p.pipe_write(number, data)
end

function methods.shutdown(proc, direction)
    local number, stream = number_of(proc), directions[direction]
    if not stream then
        error("bad shutdown arg: " .. direction, 2)
    end
    return p.pipe_shutdown(number, stream)
end

function methods.wait(proc)
    return p.pipe_wait(number_of(proc))
end

function methods.kill(proc, signal)
    local number = number_of(proc)
    if type(signal) ~= "number" then
        error("bad signal arg: number expected, got " .. tostring(signal), 2)
    end
    return p.pipe_kill(number, signal)
end

local Proc = ffi.metatype("struct { double number, process; }", {
    __index = methods,
    __gc = function(proc) p.pipe_drop(proc.number) end,
})

-- The arguments in one string, with zero bytes between them.
local function joined(args)
    if type(args) == "string" then
        return concat({ "/bin/sh", "-c", args }, "\0")
    end
    if type(args) ~= "table" then
        error("bad args arg: table expected, got " .. type(args), 3)
    end
    local list = {}
    for i, arg in ipairs(args) do
        list[i] = tostring(arg)
    end
    if #list == 0 then
        error("bad args arg: non-empty table expected", 3)
    end
    return concat(list, "\0")
end

local function joined_environ(environ)
    if type(environ) ~= "table" then
        error("bad environ option: table expected, got " .. type(environ), 3)
    end
    local n = 0
    for i, entry in ipairs(environ) do
        if type(entry) ~= "string" then
            error("bad value at index " .. i .. " of environ option: string expected, got " .. type(entry), 3)
        end
        if not find(entry, "=", 2, true) then
            error("bad value at index " .. i .. " of environ option: 'name=[value]' format expected, got '" .. entry
                .. "'", 3)
        end
        n = i
    end
    return n > 0 and concat(environ, "\0", 1, n) or nil
end

local function buffer_size_of(option)
    if not option then
        return 4096
    end
    local size = tonumber(option)
    if not size or size < 1 then
        error("bad buffer_size option", 3)
    end
    return size
end

local M = { version = "0.1.33" }

function M.spawn(args, opts)
    if ngx.get_phase() == "init" then
        error("API disabled in the current context", 2)
    end
    opts = opts or {}
    local command = joined(args)
    local buffer_size = buffer_size_of(opts.buffer_size)
    local environ = opts.environ and joined_environ(opts.environ) or nil
    local write, wait = opts.write_timeout or DEFAULT_TIMEOUT, opts.wait_timeout or DEFAULT_TIMEOUT
    local stdout_read = opts.stdout_read_timeout or DEFAULT_TIMEOUT
    local stderr_read = opts.stderr_read_timeout or DEFAULT_TIMEOUT
    check_timeouts(write, stdout_read, stderr_read, wait)
    local number, pid = p.pipe_spawn(command, environ, opts.merge_stderr and true or false, buffer_size, write,
                                     stdout_read, stderr_read, wait)
    if not number then
        return nil, pid
    end
    return Proc(number, pid)
end

return M
