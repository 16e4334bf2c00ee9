package ngx

import (
	"fmt"

	"github.com/weirproxy/weir/internal/logs"
	"github.com/weirproxy/weir/internal/luajit"
)

// errlogFamily is the module "ngx.errlog".
var errlogFamily = family{
	name:    "errlog",
	modules: map[string]string{"ngx.errlog": "errlog.lua"},
	primitives: []primitive{
		{name: "raw_log", run: rawLog},
		{name: "sys_filter_level", run: sysFilterLevel},
		{name: "set_filter_level", run: setFilterLevel},
		{name: "take_log", run: takeLog},
	},
	open: func(m *machine) error {
		if m.main.captureLog.Given && m.main.capture == nil {
			m.main.capture = newCapture(int(m.main.captureLog.V))
			m.main.capture.attach(m.config)
		}
		return nil
	},
}

const notCaptured = `directive "lua_capture_error_log" is not set`

// rawLog(level, message) writes a line without chunk name and position; errlog.lua has checked the types.
func rawLog(m *machine, c *luajit.Call) luajit.Outcome {
	level := c.Int(1)
	if level < int(logs.Stderr) || level > int(logs.Debug) {
		return failure(c, "bad log level")
	}
	m.log(logs.Level(level), c.String(2))
	return succeeded(c)
}

// sysFilterLevel is errlog.get_sys_filter_level: the level of error_log.
func sysFilterLevel(m *machine, c *luajit.Call) luajit.Outcome {
	log := m.config.Log
	if m.req != nil {
		log = m.req.errorLog()
	}
	c.PushInt(int(log.Level()))
	return luajit.Return
}

// setFilterLevel(level) chooses which lines are captured.
func setFilterLevel(m *machine, c *luajit.Call) luajit.Outcome {
	level, wrong, ok := number(c, 1)
	if !ok {
		return wrong
	}
	if m.main.capture == nil {
		return failure(c, notCaptured)
	}
	if level < float64(logs.Stderr) || level > float64(logs.Debug) {
		return failure(c, fmt.Sprintf("bad log level: %d", int(level)))
	}
	m.main.capture.setLevel(logs.Level(level))
	return succeeded(c)
}

// takeLog() removes the oldest captured line and returns its level, time and text; nothing when there is none; nil
// and a message when lines are not captured.
func takeLog(m *machine, c *luajit.Call) luajit.Outcome {
	if m.main.capture == nil {
		return failure(c, notCaptured)
	}
	line, ok := m.main.capture.take()
	if !ok {
		return luajit.Return
	}
	c.PushInt(int(line.level))
	c.PushNumber(float64(line.when.UnixMilli()) / 1000)
	c.PushString(line.text)
	return luajit.Return
}
