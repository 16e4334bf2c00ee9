package ngx

// coroutineFamily is the table coroutine as ngx_stream_lua_coroutine.c makes it. The scheduler itself is luajit's.
var coroutineFamily = family{name: "coroutine", lua: "coroutine.lua"}
