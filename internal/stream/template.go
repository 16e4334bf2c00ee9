package stream

import (
	"strings"

	"github.com/weirproxy/weir/internal/conf"
)

// Template is a configuration's text with variables in it (nginx's complex value).
type Template struct {
	source string
	parts  []part
}

// part is a literal, a variable, or a capture of the last regex that matched.
type part struct {
	text    string
	v       *Var
	capture int // 0: none
}

// Template compiles text.
func (b *Builder) Template(text string) (*Template, error) {
	parsed, err := conf.ParseTemplate(text)
	if err != nil {
		return nil, err
	}
	t := &Template{source: text}
	for _, p := range parsed {
		compiled := part{text: p.Text, capture: p.Capture}
		if p.Var != "" {
			if compiled.v, err = b.Var(p.Var); err != nil {
				return nil, err
			}
		}
		t.parts = append(t.parts, compiled)
	}
	return t, nil
}

// Source is the text as it was written.
func (t *Template) Source() string { return t.source }

// IsConstant tells whether the text has no variable; then it is Source.
func (t *Template) IsConstant() bool {
	for _, p := range t.parts {
		if p.v != nil || p.capture > 0 {
			return false
		}
	}
	return true
}

// Append appends the text for a session. A variable without a value is empty.
func (t *Template) Append(dst []byte, s *Session) []byte {
	for i := range t.parts {
		switch p := &t.parts[i]; {
		case p.v != nil:
			dst, _ = s.Append(dst, p.v)
		case p.capture > 0:
			dst = append(dst, s.Capture(p.capture)...)
		default:
			dst = append(dst, p.text...)
		}
	}
	return dst
}

// Text is the text for a session.
func (t *Template) Text(s *Session) string {
	switch {
	case len(t.parts) == 0:
		return ""
	case len(t.parts) == 1 && t.parts[0].v != nil:
		text, _ := s.Value(t.parts[0].v)
		return text
	case t.IsConstant():
		return t.constant()
	}
	buf := t.Append(s.Worker.LendText(), s)
	text := string(buf)
	s.Worker.KeepText(buf)
	return text
}

func (t *Template) constant() string {
	if len(t.parts) == 1 {
		return t.parts[0].text
	}
	var text strings.Builder
	for _, p := range t.parts {
		text.WriteString(p.text)
	}
	return text.String()
}

// captures are what the groups of the last regex matched.
type captures struct {
	subject string
	offsets []int // pairs; -1 for a group that did not take part
}

// SetCaptures keeps what a regex's groups matched in subject, for $1 and so on. offsets are copied.
func (s *Session) SetCaptures(subject string, offsets []int) {
	s.captures.subject = subject
	s.captures.offsets = append(s.captures.offsets[:0], offsets...)
}

// Capture is what group n of the last regex matched; "" when there is none.
func (s *Session) Capture(n int) string {
	c := &s.captures
	if n < 0 || n >= len(c.offsets)/2 || c.offsets[2*n] < 0 {
		return ""
	}
	return c.subject[c.offsets[2*n]:c.offsets[2*n+1]]
}
