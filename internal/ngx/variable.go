package ngx

import (
	"strings"

	"github.com/weirproxy/weir/internal/luajit"
)

// variableFamily is ngx.var (ngx_stream_lua_variable.c).
var variableFamily = family{
	name: "variable",
	lua:  "variable.lua",
	primitives: []primitive{
		{name: "var_get", run: getVariable},
		{name: "var_set", run: setVariable},
	},
}

// getVariable(_, name) is the value of a variable, or of a capture of the last regex.
func getVariable(m *machine, c *luajit.Call) luajit.Outcome {
	r := m.req
	if r == nil {
		return c.Raise("no request found")
	}
	capture := c.Type(2) == luajit.Number
	if !capture && c.Type(2) != luajit.String {
		return c.Raise("bad variable name")
	}
	if r.session == nil {
		return c.Raise("API disabled in the current context")
	}
	if capture {
		if text := r.session.Capture(c.Int(2)); text != "" {
			c.PushString(text)
			return luajit.Return
		}
		c.PushNil()
		return luajit.Return
	}
	v := m.config.Var(c.Text(2))
	if v == nil {
		c.PushNil()
		return luajit.Return
	}
	if m.lent != nil {
		m.countSent()
	}
	text, ok := r.session.Append(m.text[:0], v)
	if !ok {
		c.PushNil()
		return luajit.Return
	}
	c.PushBytes(text)
	if cap(text) <= 64<<10 {
		m.text = text
	}
	return luajit.Return
}

// setVariable(_, name, value) sets a variable that is changeable, to nothing where value is nil.
func setVariable(m *machine, c *luajit.Call) luajit.Outcome {
	r := m.req
	switch {
	case r == nil:
		return c.Raise("no request found")
	case c.Type(2) != luajit.String:
		return c.Raise("bad variable name")
	case r.session == nil:
		return c.Raise("API disabled in the current context")
	}
	v := m.config.Var(c.Text(2))
	name := strings.ToLower(c.Text(2))
	if v == nil {
		return c.Raise(`variable "` + name + `" not found for writing; maybe it is a built-in variable that is not ` +
			`changeable or you forgot to use "set $` + name + ` '';" in the config file to define it first`)
	}
	if !v.Changeable {
		return c.Raise(`variable "` + name + `" not changeable`)
	}
	if c.Type(3) == luajit.Nil {
		r.session.Unset(v)
	} else {
		r.session.Set(v, c.String(3))
	}
	return luajit.Return
}
