package ngx

import (
	"strconv"

	"golang.org/x/sys/unix"

	"github.com/weirproxy/weir/internal/luajit"
)

// setTimeout(self, ms) is sock:settimeout.
func setTimeout(m *machine, c *luajit.Call) luajit.Outcome {
	if n := c.Len(); n != 2 {
		return c.Raise("ngx.socket settimout: expecting 2 arguments (including the object) but seen " + strconv.Itoa(n))
	}
	ms, ok := timeoutOf(c, 2)
	if !ok {
		return c.Raise("bad timeout value")
	}
	if s, _, _ := m.self(c); s != nil {
		s.connectTimeout, s.sendTimeout, s.readTimeout = ms, ms, ms
	}
	return luajit.Return
}

// setTimeouts(self, connect, send, read) is sock:settimeouts.
func setTimeouts(m *machine, c *luajit.Call) luajit.Outcome {
	if n := c.Len(); n != 4 {
		return c.Raise("ngx.socket settimout: expecting 4 arguments (including the object) but seen " + strconv.Itoa(n))
	}
	var ms [3]int64
	for i := range ms {
		var ok bool
		if ms[i], ok = timeoutOf(c, i+2); !ok {
			return c.Raise("bad timeout value")
		}
	}
	if s, _, _ := m.self(c); s != nil {
		s.connectTimeout, s.sendTimeout, s.readTimeout = ms[0], ms[1], ms[2]
	}
	return luajit.Return
}

// setTransparent(self) is sock:settransparent: the address of bind may be another machine's.
func setTransparent(m *machine, c *luajit.Call) luajit.Outcome {
	if n := c.Len(); n != 1 {
		return c.Raise("ngx.socket settransparent: expecting 1argument (including the object) but seen " + strconv.Itoa(n))
	}
	s, out, ok := m.self(c)
	if !ok {
		return out
	}
	if s != nil {
		s.transparent = true
	}
	return succeeded(c)
}

// socketOptions are those of setoption and getoption (lua-resty-core: socket.lua).
var socketOptions = map[string]struct{ level, name int }{
	"keepalive":   {unix.SOL_SOCKET, unix.SO_KEEPALIVE},
	"reuseaddr":   {unix.SOL_SOCKET, unix.SO_REUSEADDR},
	"tcp-nodelay": {unix.IPPROTO_TCP, unix.TCP_NODELAY},
	"sndbuf":      {unix.SOL_SOCKET, unix.SO_SNDBUF},
	"rcvbuf":      {unix.SOL_SOCKET, unix.SO_RCVBUF},
	"keepintvl":   {unix.IPPROTO_TCP, unix.TCP_KEEPINTVL},
	"keepcnt":     {unix.IPPROTO_TCP, unix.TCP_KEEPCNT},
}

// optionName is how messages name argument 2.
func optionName(c *luajit.Call) string {
	if text, ok := textOf(c, 2); ok {
		return text
	}
	return c.Type(2).String()
}

// setOption(self, option, value) is sock:setoption.
func setOption(m *machine, c *luajit.Call) luajit.Outcome {
	s, out, ok := m.self(c)
	switch {
	case !ok:
		return out
	case c.Type(2) == luajit.Nil:
		return failure(c, `missing the "option" argument`)
	case c.Type(3) == luajit.Nil:
		return failure(c, `missing the "value" argument`)
	case c.Text(2) == "ip-transparent":
		if s != nil {
			s.transparent = c.Bool(3)
		}
		return succeeded(c)
	}
	option, known := socketOptions[c.Text(2)]
	if !known {
		return failure(c, "unsupported option "+optionName(c))
	}
	if s == nil || s.conn == nil {
		return failure(c, "closed")
	}
	value, isNumber := numeric(c, 3)
	if !isNumber && c.Bool(3) {
		value = 1
	}
	if err := unix.SetsockoptInt(s.conn.Fd(), option.level, option.name, int(value)); err != nil {
		return failure(c, reasonOf(err))
	}
	return succeeded(c)
}

// getOption(self, option) is sock:getoption.
func getOption(m *machine, c *luajit.Call) luajit.Outcome {
	s, out, ok := m.self(c)
	switch {
	case !ok:
		return out
	case c.Type(2) == luajit.Nil:
		return failure(c, `missing the "option" argument`)
	}
	option, known := socketOptions[c.Text(2)]
	if !known {
		return failure(c, "unsupported option "+optionName(c))
	}
	if s == nil || s.conn == nil {
		return failure(c, "closed")
	}
	value, err := unix.GetsockoptInt(s.conn.Fd(), option.level, option.name)
	if err != nil {
		return failure(c, reasonOf(err))
	}
	c.PushInt(value)
	return luajit.Return
}

// getFd(self) is sock:getfd: the descriptor, which stays the socket's.
func getFd(m *machine, c *luajit.Call) luajit.Outcome {
	if c.Type(1) == luajit.Nil {
		return c.Raise("ngx.socket getfd: expecting the cosocket object, but seen none")
	}
	s, out, ok := m.self(c)
	switch {
	case !ok:
		return out
	case s == nil || s.conn == nil:
		return failure(c, "closed")
	case s.foreign():
		return failure(c, badRequest)
	}
	s.exposed = true
	if s.downstream {
		s.req.exposed = true
	}
	c.PushInt(s.conn.Fd())
	return luajit.Return
}
