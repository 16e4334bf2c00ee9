package logs

import "errors"

// Escape is how a variable's value is put into an access log line: `escape=` of log_format.
type Escape uint8

// The ways of log_format's escape parameter.
const (
	EscapeDefault Escape = iota
	EscapeJSON
	EscapeNone
)

// ParseEscape reads the word after `escape=`.
func ParseEscape(word string) (Escape, error) {
	switch word {
	case "default":
		return EscapeDefault, nil
	case "json":
		return EscapeJSON, nil
	case "none":
		return EscapeNone, nil
	}
	return 0, errors.New("unknown log format escaping " + quote(word))
}

// AppendValue appends a variable's value to dst. A variable that was not found is "-" by default and nothing otherwise.
func (e Escape) AppendValue(dst, value []byte, found bool) []byte {
	switch {
	case !found && e == EscapeDefault:
		return append(dst, '-')
	case !found:
		return dst
	case e == EscapeJSON:
		return appendJSON(dst, value)
	case e == EscapeNone:
		return append(dst, value...)
	default:
		return appendEscaped(dst, value)
	}
}

const hexDigits = "0123456789ABCDEF"

// appendEscaped appends s with quotes, backslashes and all that is not printable ASCII as \xXX (ngx_stream_log_escape).
func appendEscaped[T string | []byte](dst []byte, s T) []byte {
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c < ' ' || c > '~' || c == '"' || c == '\\' {
			dst = append(dst, '\\', 'x', hexDigits[c>>4], hexDigits[c&0xf])
			continue
		}
		dst = append(dst, c)
	}
	return dst
}

// appendJSON appends s so that it may stand between the quotes of a JSON string (ngx_escape_json). Bytes above 127
// pass unchanged, valid UTF-8 or not.
func appendJSON[T string | []byte](dst []byte, s T) []byte {
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '"' || c == '\\':
			dst = append(dst, '\\', c)
		case c >= ' ':
			dst = append(dst, c)
		default:
			dst = appendControl(dst, c)
		}
	}
	return dst
}

func appendControl(dst []byte, c byte) []byte {
	switch c {
	case '\n':
		return append(dst, '\\', 'n')
	case '\r':
		return append(dst, '\\', 'r')
	case '\t':
		return append(dst, '\\', 't')
	case '\b':
		return append(dst, '\\', 'b')
	case '\f':
		return append(dst, '\\', 'f')
	}
	return append(dst, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&0xf])
}
