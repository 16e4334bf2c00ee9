package mapping

import (
	"bytes"

	"github.com/weirproxy/weir/internal/conf"
	"github.com/weirproxy/weir/internal/logs"
	"github.com/weirproxy/weir/internal/stream"
)

// table is a map{}.
type table struct {
	keys
	source    *stream.Template
	regexes   []regex
	fallback  *stream.Template // nil: the empty text
	hostnames bool
}

type regex struct {
	*stream.Regexp
	value *stream.Template
}

// get is the variable's Get. dst serves for the text that is looked up, too.
func (t *table) get(s *stream.Session, _ *stream.Var, dst []byte) ([]byte, bool) {
	start := len(dst)
	dst = t.source.Append(dst, s)
	if t.hostnames && bytes.HasSuffix(dst[start:], []byte(".")) {
		dst = dst[:len(dst)-1]
	}
	end := len(dst)
	dst = conf.AppendLower(dst, dst[start:])
	value := t.find(dst[end:])
	if value == nil {
		value = t.match(s, dst[start:end])
	}
	if value == nil {
		value = t.fallback
	}
	if value == nil {
		return dst[:start], true
	}
	return value.Append(dst[:start], s), true
}

// match tries the regular expressions.
func (t *table) match(s *stream.Session, text []byte) *stream.Template {
	if len(text) == 0 {
		return nil
	}
	for i := range t.regexes {
		x := &t.regexes[i]
		matched, err := x.Match(s, text)
		if err != nil {
			s.Log(logs.Alert, err.Error()+` on "`+string(text)+`" using "`+x.String()+`"`)
			return nil
		}
		if matched {
			return x.value
		}
	}
	return nil
}
