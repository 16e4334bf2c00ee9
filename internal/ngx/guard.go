package ngx

// guardFamily warns of code that sets global variables (ngx_stream_lua_inject_global_write_guard). It is set up last.
var guardFamily = family{name: "guard", lua: "guard.lua", chunk: "_G write guard"}
