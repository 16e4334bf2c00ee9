package ngx

import (
	"strconv"
	"strings"

	"github.com/weirproxy/weir/internal/luajit"
)

// How primitives read their arguments. Where wrong is answered, it is the error that the auxiliary library raises.

// numeric is argument i when it is a number, or a string that reads as one.
func numeric(c *luajit.Call, i int) (f float64, ok bool) {
	switch c.Type(i) {
	case luajit.Number:
		return c.Number(i), true
	case luajit.String:
		f, err := strconv.ParseFloat(strings.TrimSpace(c.Text(i)), 64)
		return f, err == nil
	}
	return 0, false
}

// number is argument i as luaL_checknumber reads it; ok is false when it is none, and then wrong is the error.
func number(c *luajit.Call, i int) (f float64, wrong luajit.Outcome, ok bool) {
	if f, ok = numeric(c, i); !ok {
		return 0, c.RaiseArg(i, "number expected, got "+typeName(c, i)), false
	}
	return f, 0, true
}

// optional is number cut to an integer, or otherwise when the argument is nil.
func optional(c *luajit.Call, i int, otherwise int64) (n int64, wrong luajit.Outcome, ok bool) {
	if c.Type(i) == luajit.Nil {
		return otherwise, 0, true
	}
	f, wrong, ok := number(c, i)
	return int64(f), wrong, ok
}

// textOf is argument i when it is a string, or a number as Lua writes it. A string is the VM's memory, valid until the
// primitive returns.
func textOf(c *luajit.Call, i int) (text string, ok bool) {
	switch c.Type(i) {
	case luajit.String:
		return c.Text(i), true
	case luajit.Number:
		return strconv.FormatFloat(c.Number(i), 'g', 14, 64), true
	}
	return "", false
}

// checkText is argument i as luaL_checklstring reads it; ok is false when it is none, and then wrong is the error.
func checkText(c *luajit.Call, i int) (text string, wrong luajit.Outcome, ok bool) {
	if text, ok = textOf(c, i); !ok {
		return "", c.RaiseArg(i, "string expected, got "+typeName(c, i)), false
	}
	return text, 0, true
}

// timeoutOf is argument i in milliseconds, 0 when it is no number; ok is false when it is out of range.
func timeoutOf(c *luajit.Call, i int) (ms int64, ok bool) {
	f, _ := numeric(c, i)
	ms = int64(f)
	return ms, ms>>31 == 0
}

// typeName is how messages of the auxiliary library name the type of argument i.
func typeName(c *luajit.Call, i int) string {
	if i > c.Len() {
		return "no value"
	}
	return c.Type(i).String()
}
