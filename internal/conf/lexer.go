package conf

import "strings"

// maxParam is how long a word may grow, in bytes: nginx's read buffer (NGX_CONF_BUFFER).
const maxParam = 4096

// What ended a statement, besides ';', '{' and '}'.
const endOfText = 0

// statement is the words up to a terminator.
type statement struct {
	words     []string
	startLine int // of the first word
	end       byte
}

// lexer cuts a file's text into statements (ngx_conf_read_token).
type lexer struct {
	text  string
	pos   int
	line  int
	file  string
	param bool // the text is a -g parameter
}

func (lx *lexer) place() Pos { return lx.placeAt(lx.line) }

func (lx *lexer) placeAt(line int) Pos {
	if lx.param {
		return Pos{File: CommandLine}
	}
	return Pos{File: lx.file, Line: line}
}

func (lx *lexer) errorf(format string, args ...any) *Error {
	return errorAt(lx.place(), format, args...)
}

// next reads one byte and counts lines.
func (lx *lexer) next() byte {
	c := lx.text[lx.pos]
	lx.pos++
	if c == '\n' {
		lx.line++
	}
	return c
}

func (lx *lexer) done() bool { return lx.pos >= len(lx.text) }

// statement reads up to the next ';', '{' or '}', or the end of the text.
func (lx *lexer) statement() (statement, *Error) {
	var st statement
	for !lx.done() {
		c := lx.next()
		switch c {
		case ' ', '\t', '\r', '\n':
			continue
		case '#':
			lx.skipComment()
			continue
		case ';', '{':
			if len(st.words) == 0 {
				return st, lx.errorf("unexpected \"%c\"", c)
			}
			st.end = c
			return st, nil
		case '}':
			if len(st.words) != 0 {
				return st, lx.errorf("unexpected \"}\"")
			}
			st.end = c
			return st, nil
		}

		if len(st.words) == 0 {
			st.startLine = lx.line
		}
		word, end, err := lx.word(c)
		if err != nil {
			return st, err
		}
		st.words = append(st.words, word)
		if end != 0 {
			st.end = end
			return st, nil
		}
	}
	if len(st.words) != 0 {
		return st, lx.unexpectedEnd()
	}
	st.end = endOfText
	return st, nil
}

func (lx *lexer) unexpectedEnd() *Error {
	if lx.param {
		return lx.errorf("unexpected end of parameter, expecting \";\"")
	}
	return lx.errorf("unexpected end of file, expecting \";\" or \"}\"")
}

func (lx *lexer) skipComment() {
	for !lx.done() {
		if lx.next() == '\n' {
			return
		}
	}
}

// word reads the word that begins with c, and tells the terminator that followed without a space, if any.
func (lx *lexer) word(c byte) (word string, end byte, err *Error) {
	if c == '"' || c == '\'' {
		return lx.quotedWord(c)
	}
	return lx.plainWord(c)
}

func (lx *lexer) quotedWord(quote byte) (word string, end byte, err *Error) {
	start, startLine := lx.pos, lx.line
	for !lx.done() {
		if err := lx.checkLength(start, startLine, quote); err != nil {
			return "", 0, err
		}
		c := lx.next()
		if c == '\\' && !lx.done() {
			lx.next()
			continue
		}
		if c == quote {
			word = unescape(lx.text[start : lx.pos-1])
			end, err = lx.afterQuote()
			return word, end, err
		}
	}
	return "", 0, lx.unexpectedEnd()
}

// afterQuote checks what follows a closing quote: a separator, or ')' which begins the next word.
func (lx *lexer) afterQuote() (end byte, err *Error) {
	if lx.done() {
		return 0, nil
	}
	if lx.text[lx.pos] == ')' {
		return 0, nil
	}
	switch c := lx.next(); c {
	case ' ', '\t', '\r', '\n':
		return 0, nil
	case ';', '{':
		return c, nil
	default:
		return 0, lx.errorf("unexpected \"%s\"", string([]byte{c}))
	}
}

func (lx *lexer) plainWord(c byte) (word string, end byte, err *Error) {
	start, startLine := lx.pos-1, lx.line
	variable := c == '$'
	escaped := c == '\\'
	for !lx.done() {
		if err := lx.checkLength(start, startLine, 0); err != nil {
			return "", 0, err
		}
		c = lx.next()
		if escaped {
			escaped = false
			continue
		}
		if c == '{' && variable {
			continue
		}
		variable = c == '$'
		switch c {
		case '\\':
			escaped = true
		case ' ', '\t', '\r', '\n':
			return unescape(lx.text[start : lx.pos-1]), 0, nil
		case ';', '{':
			return unescape(lx.text[start : lx.pos-1]), c, nil
		}
	}
	return "", 0, lx.unexpectedEnd()
}

// checkLength refuses a word that would not fit nginx's buffer: nearly always a quote was forgotten.
func (lx *lexer) checkLength(start, startLine int, quote byte) *Error {
	if lx.param || lx.pos-start < maxParam {
		return nil
	}
	if quote != 0 {
		return errorAt(lx.placeAt(startLine), "too long parameter, probably missing terminating \"%c\" character", quote)
	}
	return errorAt(lx.placeAt(startLine), "too long parameter \"%s...\" started", lx.text[start:start+10])
}

// unescape resolves \" \' \\ \t \r \n; any other backslash stays.
func unescape(s string) string {
	if !strings.Contains(s, "\\") {
		return s
	}
	var b strings.Builder
	b.Grow(len(s))
	for i := 0; i < len(s); i++ {
		if s[i] != '\\' || i+1 == len(s) {
			b.WriteByte(s[i])
			continue
		}
		switch next := s[i+1]; next {
		case '"', '\'', '\\':
			b.WriteByte(next)
		case 't':
			b.WriteByte('\t')
		case 'r':
			b.WriteByte('\r')
		case 'n':
			b.WriteByte('\n')
		default:
			b.WriteByte('\\')
			continue
		}
		i++
	}
	return b.String()
}
