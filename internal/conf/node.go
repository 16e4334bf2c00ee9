package conf

import (
	"path"
	"strconv"
)

// Node is one directive as it was written: its words, and its body if it has one.
type Node struct {
	Name string
	Args []string // without the name; quotes and escapes are resolved, variables are not

	HasBlock bool    // ended by "{"
	Block    []*Node // the body, in order; nil for a Lua body

	IsCode bool   // a *_by_lua_block
	Code   string // its body, as written between the braces

	Pos       Pos // where nginx stands when it carries the directive out: the line of ";" or "{"
	StartLine int // line of the name
	EndLine   int // line of the closing "}"; of ";" without a body

	// Err is a syntax error. With an empty Name the node is nothing but the error that ended parsing; with IsCode the
	// error is in the Lua body.
	Err *Error
}

// EndPos is the closing brace's position: nginx stands there when it finds that a block lacks something.
func (n *Node) EndPos() Pos {
	if n.Pos.Line == 0 {
		return n.Pos
	}
	return Pos{File: n.Pos.File, Line: n.EndLine}
}

// ChunkName is the Lua chunk name of the directive's code, "=content_by_lua(nginx.conf:22)". The line is that of the
// end, the closing brace or the semicolon (ngx_stream_lua_directive: ngx_stream_lua_gen_chunk_name).
func (n *Node) ChunkName(tag string) string {
	file := ""
	if n.Pos.File != CommandLine {
		file = path.Base(n.Pos.File)
	}
	return "=" + tag + "(" + file + ":" + strconv.Itoa(n.EndLine) + ")"
}

// setPos is where nginx stands while the directive's setter runs: a Lua body has been read by then.
func (n *Node) setPos() Pos {
	if n.IsCode {
		return n.EndPos()
	}
	return n.Pos
}

// Errorf makes an error at the directive.
func (n *Node) Errorf(format string, args ...any) *Error {
	return errorAt(n.setPos(), format, args...)
}

// EndErrorf makes an error at the closing brace, for what is found out when a block is complete.
func (n *Node) EndErrorf(format string, args ...any) *Error {
	return errorAt(n.EndPos(), format, args...)
}

// Directivef makes an error of the form `"name" directive …`.
func (n *Node) Directivef(format string, args ...any) *Error {
	return n.Errorf("\"%s\" directive "+format, append([]any{n.Name}, args...)...)
}

// Duplicate is `"name" directive is duplicate`.
func (n *Node) Duplicate() *Error { return n.Directivef("is duplicate") }

// InvalidParam is `invalid parameter "arg"`.
func (n *Node) InvalidParam(arg string) *Error { return n.Errorf("invalid parameter \"%s\"", arg) }

// InvalidValue is `invalid value "arg"`.
func (n *Node) InvalidValue(arg string) *Error { return n.Errorf("invalid value \"%s\"", arg) }
