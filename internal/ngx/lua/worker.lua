local p = ...
local pid = p.worker_pid
ngx.worker = {
    exiting = p.worker_exiting, pid = pid, id = p.worker_id, count = p.worker_count,
    pids = function() return { pid() } end,
}
