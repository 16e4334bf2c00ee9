-- sock:handoff and sock:detach. What the receiver is told besides the addresses is given flat to the primitive.
local p = ...
local request = debug.getregistry().__tcp_raw_req_cosocket_mt
local handoff = p.sock_handoff
local type, error, pairs, tostring, unpack = type, error, pairs, tostring, unpack

function request.handoff(self, path, options)
    if type(path) ~= "string" then
        error("bad argument #1 to 'handoff' (string expected, got " .. type(path) .. ")", 2)
    end
    if options == nil then
        return handoff(self, path, false, 0)
    end
    if type(options) ~= "table" then
        error("bad argument #2 to 'handoff' (table expected, got " .. type(options) .. ")", 2)
    end
    local timeout, meta = options.timeout or 0, options.meta or {}
    if type(timeout) ~= "number" or timeout < 0 then
        error('bad "timeout" option: ' .. tostring(timeout), 2)
    end
    if type(meta) ~= "table" then
        error('bad "meta" option type: ' .. type(meta), 2)
    end
    local flat, n = {}, 0
    for name, value in pairs(meta) do
        flat[n + 1], flat[n + 2] = tostring(name), tostring(value)
        n = n + 2
    end
    return handoff(self, path, options.raw and true or false, timeout, unpack(flat, 1, n))
end

request.detach = p.sock_detach
