package accesslog

import (
	"errors"
	"strings"

	"github.com/weirproxy/weir/internal/conf"
	"github.com/weirproxy/weir/internal/logs"
	"github.com/weirproxy/weir/internal/stream"
)

// format is a log_format.
type format struct {
	name   string
	escape logs.Escape
	parts  []part
}

// part is a text or a variable.
type part struct {
	text string
	v    *stream.Var
}

func addFormat(c *config, b *stream.Block, n *conf.Node) error {
	f := &format{name: n.Args[0]}
	for _, other := range c.formats {
		if other.name == f.name {
			return n.Errorf(`duplicate "log_format" name "%s"`, f.name)
		}
	}
	texts := n.Args[1:]
	if word, ok := strings.CutPrefix(texts[0], "escape="); ok {
		var err error
		if f.escape, err = logs.ParseEscape(word); err != nil {
			return err
		}
		texts = texts[1:]
	}
	for _, text := range texts {
		if err := f.add(b, n, text); err != nil {
			return err
		}
	}
	c.formats = append(c.formats, f)
	return nil
}

// add compiles text, which stands behind the format's texts so far.
func (f *format) add(b *stream.Block, n *conf.Node, text string) error {
	parts, err := conf.ParseTemplate(text)
	if err != nil {
		if name, ok := errors.AsType[*conf.NameError](err); ok {
			return n.InvalidParam(name.From)
		}
		return err
	}
	for _, p := range parts {
		compiled := part{text: p.Text}
		if p.Capture > 0 {
			p.Var = string(rune('0' + p.Capture)) // a log has no captures: a variable of that name, which is unknown
		}
		if p.Var != "" {
			if compiled.v, err = b.Var(p.Var); err != nil {
				return err
			}
		}
		f.parts = append(f.parts, compiled)
	}
	return nil
}

// append appends the line, without a line feed.
func (f *format) append(dst []byte, s *stream.Session) []byte {
	for i := range f.parts {
		p := &f.parts[i]
		if p.v == nil {
			dst = append(dst, p.text...)
			continue
		}
		dst = f.appendVar(dst, s, p.v)
	}
	return dst
}

// appendVar appends the value as it is and its escaped form behind it, and moves that down: no other buffer is needed.
func (f *format) appendVar(dst []byte, s *stream.Session, v *stream.Var) []byte {
	start := len(dst)
	dst, found := s.Append(dst, v)
	end := len(dst)
	if found && f.escape == logs.EscapeNone {
		return dst
	}
	dst = f.escape.AppendValue(dst, dst[start:end], found)
	return append(dst[:start], dst[end:]...)
}
