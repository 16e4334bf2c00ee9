package conf

import "strings"

const luaUnfinished = "unexpected end of file, expecting terminating characters for lua code block"

// luaBlock reads a Lua body up to the brace that closes it and gives what stands before that brace. Braces in strings,
// long brackets and comments do not count. A quote that its line does not close is an ordinary character, for Lua to
// complain about (ngx_stream_lua_directive: ngx_stream_lua_conf_lua_block_parse).
func (lx *lexer) luaBlock() (string, *Error) {
	start := lx.pos
	openLine := lx.line // of the last "{", where nginx reports an unfinished body
	for level := 1; !lx.done(); {
		switch c := lx.text[lx.pos]; c {
		case '{':
			level++
			openLine = lx.line
			lx.pos++
		case '}':
			level--
			lx.pos++
			if level == 0 {
				return lx.text[start : lx.pos-1], nil
			}
		case '"', '\'':
			lx.advance(max(1, luaString(lx.text[lx.pos:])))
		case '-':
			if err := lx.luaDash(); err != nil {
				return lx.text[start:], err
			}
		case '[':
			if err := lx.luaBracket(0); err != nil {
				return lx.text[start:], err
			}
		default:
			lx.next()
		}
	}
	return lx.text[start:], errorAt(lx.placeAt(openLine), luaUnfinished)
}

// advance steps over n bytes and counts their lines.
func (lx *lexer) advance(n int) {
	lx.line += strings.Count(lx.text[lx.pos:lx.pos+n], "\n")
	lx.pos += n
}

// luaDash steps over a comment, or over one minus sign.
func (lx *lexer) luaDash() *Error {
	rest := lx.text[lx.pos:]
	if !strings.HasPrefix(rest, "--") {
		lx.pos++
		return nil
	}
	if luaOpening(rest[2:]) > 0 {
		return lx.luaBracket(2)
	}
	lx.skipComment()
	return nil
}

// luaBracket steps over the long bracket that opens skip bytes ahead, or over one character if none does.
func (lx *lexer) luaBracket(skip int) *Error {
	rest := lx.text[lx.pos+skip:]
	n := luaOpening(rest)
	if n == 0 {
		lx.pos++
		return nil
	}
	closing := "]" + rest[1:n-1] + "]"
	i := strings.Index(rest[n:], closing)
	if i < 0 {
		return lx.errorf("Lua code block missing the closing long bracket \"%s\"", closing)
	}
	lx.advance(skip + n + i + len(closing))
	return nil
}

// luaOpening is the length of the "[==[" that s begins with, or 0.
func luaOpening(s string) int {
	if s == "" || s[0] != '[' {
		return 0
	}
	n := 1
	for n < len(s) && s[n] == '=' {
		n++
	}
	if n == len(s) || s[n] != '[' {
		return 0
	}
	return n + 1
}

// luaString is the length of the quoted string that s begins with, or 0 if it is not closed before its line ends.
func luaString(s string) int {
	quote := s[0]
	for i := 1; i < len(s); i++ {
		switch s[i] {
		case quote:
			return i + 1
		case '\n':
			return 0
		case '\\':
			i += luaEscape(s[i+1:])
		}
	}
	return 0
}

// luaEscape is the length of an escape after its backslash: \z takes all white space, a CR LF is one line end.
func luaEscape(s string) int {
	if strings.HasPrefix(s, "\r\n") {
		return 2
	}
	if !strings.HasPrefix(s, "z") {
		return 1
	}
	return len(s) - len(strings.TrimLeft(s[1:], " \t\r\n\v\f"))
}
