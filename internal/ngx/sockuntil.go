package ngx

import (
	"strconv"

	"github.com/weirproxy/weir/internal/luajit"
)

// receiveUntil(self, pattern [, options], inclusive) is sock:receiveuntil: it returns an iterator.
func receiveUntil(m *machine, c *luajit.Call) luajit.Outcome {
	n := c.Len() - 1
	if n != 2 && n != 3 {
		return c.Raise("expecting 2 or 3 arguments (including the object), but got " + strconv.Itoa(n))
	}
	inclusive := false
	if n == 3 {
		if c.Type(3) != luajit.Table {
			return c.RaiseArg(3, "table expected, got "+typeName(c, 3))
		}
		switch t := c.Type(4); t {
		case luajit.Nil:
		case luajit.Bool:
			inclusive = c.Bool(4)
		default:
			return c.Raise(`bad "inclusive" option value type: ` + t.String())
		}
	}
	if c.Type(1) != luajit.Table {
		return c.RaiseArg(1, "table expected, got "+typeName(c, 1))
	}
	text, out, ok := checkText(c, 2)
	if !ok {
		return out
	}
	if text == "" {
		return failure(c, "pattern is empty")
	}
	all := socketSlot.of(m)
	c.PushArg(1)
	c.PushBox(all.patterns.add(compilePattern([]byte(text), inclusive)), all.patternBox)
	c.PushBound(all.iterate, 2)
	return luajit.Return
}

// collectPattern is called when Lua has let an iterator go.
func collectPattern(m *machine, c *luajit.Call) luajit.Outcome {
	socketSlot.of(m).patterns.remove(c.Box(1))
	return luajit.Return
}

// iterate(self, pattern [, size]) is a call of an iterator.
func iterate(m *machine, c *luajit.Call) luajit.Outcome {
	n := c.Len() - 2
	if n > 1 {
		return c.Raise("expecting 0 or 1 arguments, but seen " + strconv.Itoa(n))
	}
	size := 0
	if n == 1 {
		f, wrong, ok := number(c, 3)
		if !ok {
			return wrong
		}
		size = max(int(f), 0)
	}
	s, out, ok := m.self(c)
	p := socketSlot.of(m).patterns.get(c.Box(2))
	switch {
	case !ok:
		return out
	case s == nil || s.conn == nil || s.readClosed || p == nil:
		return failure(c, "closed")
	}
	if why := s.hindrance(true, false); why != "" {
		return hindered(c, why)
	}
	if p.ended {
		p.ended = false
		c.PushNil()
		c.PushNil()
		c.PushNil()
		return luajit.Return
	}
	s.rx.beginUntil(p, size)
	return s.startRead(c)
}
