package conf

import (
	"fmt"
	"strings"
)

// Part is a piece of a value with variables: a literal text, a variable, or a capture of a regular expression.
type Part struct {
	Text    string // literal, when Var is empty and Capture is 0
	Var     string // name without "$", as written: variables' names do not mind case
	Capture int    // 1 to 9
}

// NameError tells that no variable's name follows a "$".
type NameError struct {
	From string // the text from the "$" on
}

func (e *NameError) Error() string { return "invalid variable name" }

// ParseTemplate splits "a$b${c}$1" into its parts. A value without "$" is one literal, an empty one has no parts
// (ngx_stream_script_compile). An error is a *NameError, or tells of a missing bracket.
func ParseTemplate(s string) ([]Part, error) {
	var parts []Part
	for s != "" {
		text, rest, found := strings.Cut(s, "$")
		if text != "" {
			parts = append(parts, Part{Text: text})
		}
		if !found {
			break
		}
		part, after, err := cutVariable(rest)
		if err != nil {
			return nil, err
		}
		parts = append(parts, part)
		s = after
	}
	return parts, nil
}

// cutVariable reads what follows a "$".
func cutVariable(s string) (part Part, rest string, err error) {
	if s == "" || s == "{" {
		return part, "", &NameError{"$" + s}
	}
	if s[0] >= '1' && s[0] <= '9' {
		return Part{Capture: int(s[0] - '0')}, s[1:], nil
	}

	inner, bracket := strings.CutPrefix(s, "{")
	end := strings.IndexFunc(inner, func(r rune) bool { return !isNameRune(r) })
	if end < 0 {
		end = len(inner)
	}
	name, rest := inner[:end], inner[end:]
	if bracket {
		if !strings.HasPrefix(rest, "}") {
			return part, "", fmt.Errorf("the closing bracket in \"%s\" variable is missing", name)
		}
		rest = rest[1:]
	}
	if name == "" {
		return part, "", &NameError{"$" + s}
	}
	return Part{Var: name}, rest, nil
}

func isNameRune(r rune) bool {
	return r >= 'A' && r <= 'Z' || r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r == '_'
}
