package mapping

import (
	"bytes"
	"strings"

	"github.com/weirproxy/weir/internal/conf"
	"github.com/weirproxy/weir/internal/stream"
)

// keys are what a map{} names without regular expressions, in lower case.
type keys struct {
	exact map[string]*stream.Template
	// suffixes are "*.example.com" and ".example.com", without the first dot.
	suffixes map[string]suffix
	// prefixes are "www.example.*", without the last dot.
	prefixes map[string]*stream.Template
}

type suffix struct {
	value *stream.Template
	bare  bool // ".example.com": the name itself as well
}

// addKey adds a key that is not a regular expression (ngx_hash_add_key).
func (r *reader) addKey(n *conf.Node, key string, value *stream.Template) error {
	low := lower(key)
	if !r.hostnames {
		return r.addExact(n, low, value)
	}
	stars := strings.Count(low, "*")
	if stars > 1 || strings.Contains(low, "..") || strings.Contains(low, "\x00") {
		return n.Errorf(`invalid hostname or wildcard "%s"`, key)
	}
	switch {
	case len(low) > 1 && low[0] == '.':
		return r.addSuffix(n, low, low[1:], suffix{value, true})
	case len(low) > 2 && strings.HasPrefix(low, "*."):
		return r.addSuffix(n, low, low[2:], suffix{value, false})
	case len(low) > 2 && strings.HasSuffix(low, ".*"):
		return add(n, low, &r.prefixes, low[:len(low)-2], value)
	case stars > 0:
		return n.Errorf(`invalid hostname or wildcard "%s"`, key)
	}
	return r.addExact(n, low, value)
}

func (r *reader) addExact(n *conf.Node, key string, value *stream.Template) error {
	if r.suffixes[key].bare {
		return conflict(n, key)
	}
	return add(n, key, &r.exact, key, value)
}

func (r *reader) addSuffix(n *conf.Node, key, name string, value suffix) error {
	if r.exact[name] != nil && value.bare {
		return conflict(n, key)
	}
	return add(n, key, &r.suffixes, name, value)
}

// add puts value into one of the maps, unless it is there already.
func add[V any](n *conf.Node, key string, to *map[string]V, name string, value V) error {
	if _, taken := (*to)[name]; taken {
		return conflict(n, key)
	}
	if *to == nil {
		*to = map[string]V{}
	}
	(*to)[name] = value
	return nil
}

func conflict(n *conf.Node, key string) error { return n.Errorf(`conflicting parameter "%s"`, key) }

// find looks up a key in lower case: itself, then the longest suffix, then the longest prefix
// (ngx_hash_find_combined). It allocates nothing.
func (k *keys) find(key []byte) *stream.Template {
	if value := k.exact[string(key)]; value != nil {
		return value
	}
	if value := k.findSuffix(key); value != nil {
		return value
	}
	return k.findPrefix(key)
}

func (k *keys) findSuffix(key []byte) *stream.Template {
	if len(k.suffixes) == 0 {
		return nil
	}
	if found := k.suffixes[string(key)]; found.bare {
		return found.value
	}
	for {
		dot := bytes.IndexByte(key, '.')
		if dot < 0 {
			return nil
		}
		key = key[dot+1:]
		if found := k.suffixes[string(key)]; found.value != nil {
			return found.value
		}
	}
}

func (k *keys) findPrefix(key []byte) *stream.Template {
	if len(k.prefixes) == 0 {
		return nil
	}
	for {
		dot := bytes.LastIndexByte(key, '.')
		if dot < 0 {
			return nil
		}
		key = key[:dot]
		if value := k.prefixes[string(key)]; value != nil {
			return value
		}
	}
}

// lower changes the letters of ASCII only, as nginx does: other bytes are compared as they are.
func lower(text string) string { return string(conf.AppendLower(nil, []byte(text))) }
