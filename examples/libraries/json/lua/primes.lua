-- {"factor": 84} is answered by {"factors": [2, 2, 3, 7], "cached": false}.

local cjson = require "cjson.safe"
local lrucache = require "resty.lrucache"

local M = {}

local cache = assert(lrucache.new(200))

local function factors(n)
    local found = {}
    local divisor = 2
    while divisor * divisor <= n do
        while n % divisor == 0 do
            found[#found + 1] = divisor
            n = n / divisor
        end
        divisor = divisor + 1
    end
    if n > 1 then
        found[#found + 1] = n
    end
    return found
end

local function answer(line)
    local request, err = cjson.decode(line)
    if not request then
        return { error = err }
    end
    local n = type(request) == "table" and request.factor
    if type(n) ~= "number" or n < 2 or n % 1 ~= 0 then
        return { error = "factor: an integer of at least 2 is wanted" }
    end
    local found = cache:get(n)
    local cached = found ~= nil
    if not cached then
        found = factors(n)
        cache:set(n, found, 60)
    end
    return { factors = found, cached = cached }
end

function M.serve()
    local sock = assert(ngx.req.socket(true))
    while true do
        local line = sock:receive()
        if not line then
            return
        end
        sock:send(cjson.encode(answer(line)) .. "\n")
    end
end

return M
