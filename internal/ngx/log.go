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

// log writes a line with the request's context behind it.
func (r *request) log(level logs.Level, message string) {
	switch {
	case r.session != nil:
		r.session.Log(level, message)
	case r.timer != nil:
		r.errorLog().Write(level, 0, message+", context: ngx.timer"+r.timer.context())
	case r.phase == inInitWorker:
		r.m.config.Log.Write(level, 0, message+", context: init_worker_by_lua*")
	default:
		r.m.config.Log.Write(level, 0, message)
	}
}

// log writes a line for the request that runs, or for none.
func (m *machine) log(level logs.Level, message string) {
	if m.req != nil {
		m.req.log(level, message)
		return
	}
	m.config.Log.Write(level, 0, message)
}

func (m *machine) logf(level logs.Level, format string, args ...any) {
	m.log(level, fmt.Sprintf(format, args...))
}
