local p = ...
local error, tostring = error, tostring

ngx.worker.slow_slices = p.slow_slices
ngx.worker.memory_limit = p.memory_limit

-- The process is all workers': nobody's code ends it. In init_by_lua* the error ends the start.
function os.exit(code)
    error("os.exit(" .. (code == nil and "" or tostring(code)) .. "): Lua code cannot end the process", 2)
end
