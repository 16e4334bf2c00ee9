package ngx

import (
	"fmt"

	"github.com/weirproxy/weir/internal/logs"
	"github.com/weirproxy/weir/internal/luajit"
)

// logFamily is ngx.log and print.
var logFamily = family{
	name: "log",
	lua:  "log.lua",
	primitives: []primitive{
		{name: "log", run: writeLog, opt: luajit.Options{Flat: 2, FlatMode: luajit.FlattenLog, Where: true}},
	},
}

// writeLog(level, …, where) writes a line (ngx_stream_lua_log.c). Lines that the error log does not take end in C.
func writeLog(m *machine, c *luajit.Call) luajit.Outcome {
	level, wrong, ok := number(c, 1)
	if !ok {
		return wrong
	}
	if level < float64(logs.Stderr) || level > float64(logs.Debug) {
		return c.RaiseArg(1, fmt.Sprintf("bad log level: %d", int(level)))
	}
	m.log(logs.Level(level), "stream [lua] "+c.Text(3)+c.Text(2))
	return luajit.Return
}
