-- ngx.socket and ngx.req.socket. The methods are the primitives themselves: a call crosses to Go once at most.
local p = ...
local registry = debug.getregistry()

local common = {
    receive = p.sock_receive,
    receiveany = p.sock_receiveany,
    receiveuntil = p.sock_receiveuntil,
    send = p.sock_send,
    settimeout = p.sock_settimeout,
    settimeouts = p.sock_settimeouts,
    shutdown = p.sock_shutdown,
    getoption = p.sock_getoption,
    setoption = p.sock_setoption,
    getfd = p.sock_getfd,
}

local function methods(own)
    for name, method in pairs(common) do
        own[name] = method
    end
    own.__index = own
    return own
end

local tcp = methods {
    connect = p.sock_connect,
    bind = p.sock_bind,
    close = p.sock_close,
    settransparent = p.sock_settransparent,
    getreusedtimes = p.sock_getreusedtimes,
    setkeepalive = p.sock_setkeepalive,
    sslhandshake = p.sock_sslhandshake,
}

local request = methods {
    peek = p.sock_peek,
}

-- What balancer_by_lua may do with the client's connection.
local glimpse = { peek = p.sock_peek, getfd = p.sock_getfd }
glimpse.__index = glimpse

registry.__tcp_cosocket_mt = tcp
registry.__tcp_raw_req_cosocket_mt = request
p.sock_keep(tcp, request, { __gc = p.sock_collect }, { __gc = p.sock_collect_pattern }, p.sock_iterate, glimpse)

local new = p.sock_tcp

ngx.socket = {
    tcp = new,
    stream = new,
    udp = p.sock_udp,
}

function ngx.socket.connect(...)
    local sock = new()
    local ok, err = sock:connect(...)
    if ok then
        return sock
    end
    return nil, err
end

ngx.req = ngx.req or {}
ngx.req.socket = p.sock_request
