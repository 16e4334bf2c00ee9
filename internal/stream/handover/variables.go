package handover

import (
	"strings"

	"github.com/weirproxy/weir/handoff"
	"github.com/weirproxy/weir/internal/stream"
)

const metaPrefix = "handoff_meta_"

var variables = []stream.Variable{
	// What became of handing the session over.
	{Name: "handoff_status", Get: ofTransfer(func(t *transfer, dst []byte) []byte { return append(dst, t.status...) })},
	{Name: "handoff_receiver", Get: ofTransfer(func(t *transfer, dst []byte) []byte { return append(dst, t.names...) })},
	{Name: "handoff_time", Get: ofTransfer(func(t *transfer, dst []byte) []byte { return stream.AppendSeconds(dst, t.took) })},
	// What came with a session that was handed over to weir.
	{Name: "handoff_sni", Get: ofHanded(func(m *handoff.Message) string { return m.SNI })},
	{Name: "handoff_alpn", Get: ofHanded(func(m *handoff.Message) string { return m.ALPN })},
	{Name: "handoff_protocol", Get: ofHanded(func(m *handoff.Message) string { return m.Protocol })},
	{Name: "handoff_unique_id", Get: ofHanded(func(m *handoff.Message) string { return m.UniqueID })},
	{Name: metaPrefix, Prefix: true, Get: func(s *stream.Session, v *stream.Var, dst []byte) ([]byte, bool) {
		m := s.Handed()
		if m == nil {
			return dst, false
		}
		return appendMeta(dst, m.Meta, strings.TrimPrefix(v.Name, metaPrefix))
	}},
}

func ofTransfer(get func(t *transfer, dst []byte) []byte) func(*stream.Session, *stream.Var, []byte) ([]byte, bool) {
	return func(s *stream.Session, _ *stream.Var, dst []byte) ([]byte, bool) {
		t := sessionTransfer.Get(s)
		if t == nil || len(t.names) == 0 {
			return dst, false
		}
		return get(t, dst), true
	}
}

func ofHanded(get func(*handoff.Message) string) func(*stream.Session, *stream.Var, []byte) ([]byte, bool) {
	return func(s *stream.Session, _ *stream.Var, dst []byte) ([]byte, bool) {
		m := s.Handed()
		if m == nil || get(m) == "" {
			return dst, false
		}
		return append(dst, get(m)...), true
	}
}

// appendMeta finds a value by name in lower case, with "_" for what a variable's name cannot have.
func appendMeta(dst []byte, meta map[string]string, name string) ([]byte, bool) {
	if value, ok := meta[name]; ok {
		return append(dst, value...), true
	}
	for key, value := range meta {
		if variableName(key) == name {
			return append(dst, value...), true
		}
	}
	return dst, false
}

func variableName(key string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
			return r
		}
		return '_'
	}, strings.ToLower(key))
}
