// Package mapping is the map directive: a variable whose value follows from another text (ngx_stream_map_module).
//
// A text is looked up among the exact keys, then the wildcards ("hostnames"), then the regular expressions in their
// order, then there is the default. Exact keys and wildcards do not mind case, and finding them allocates nothing.
package mapping

import (
	"strings"

	"github.com/weirproxy/weir/internal/conf"
	"github.com/weirproxy/weir/internal/pcre"
	"github.com/weirproxy/weir/internal/stream"
)

// Module is the map module.
var Module = &stream.Module{
	Name: "map",
	Directives: []conf.Directive{
		{Name: "map", In: conf.InStream, Args: conf.Block | conf.Take2, Set: stream.TextVariable(readMap)},
		// Sizes of hash tables that weir does not have.
		{Name: "map_hash_max_size", In: conf.InStream, Args: conf.Take1, Set: stream.IgnoredNumber},
		{Name: "map_hash_bucket_size", In: conf.InStream, Args: conf.Take1, Set: stream.IgnoredNumber},
	},
}

func readMap(b *stream.Block, n *conf.Node, text *stream.Template) (stream.Variable, error) {
	t := &table{source: text}
	r := reader{table: t, block: b, values: map[string]*stream.Template{}}
	err := conf.Each(n.Block, r.line)
	return stream.Variable{Get: t.get, Cached: !r.volatile}, err
}

// reader is a map{} while it is read.
type reader struct {
	*table
	block    *stream.Block
	values   map[string]*stream.Template // by their source, as many keys share few values
	volatile bool
}

func (r *reader) line(n *conf.Node) error {
	if len(n.Args) == 0 {
		switch n.Name {
		case "hostnames":
			r.hostnames = true
			return nil
		case "volatile":
			r.volatile = true
			return nil
		}
	}
	if len(n.Args) != 1 {
		return n.Errorf("invalid number of the map parameters")
	}
	value, err := r.value(n.Args[0])
	if err != nil {
		return err
	}
	key := n.Name
	switch {
	case key == "default":
		if r.fallback != nil {
			return n.Errorf("duplicate default map parameter")
		}
		r.fallback = value
		return nil
	case strings.HasPrefix(key, "~"):
		return r.addRegex(key[1:], value)
	}
	return r.addKey(n, strings.TrimPrefix(key, `\`), value)
}

func (r *reader) value(text string) (*stream.Template, error) {
	if value := r.values[text]; value != nil {
		return value, nil
	}
	value, err := r.block.Template(text)
	r.values[text] = value
	return value, err
}

func (r *reader) addRegex(pattern string, value *stream.Template) error {
	pattern, caseless := strings.CutPrefix(pattern, "*")
	var options pcre.Options
	if caseless {
		options = pcre.Caseless
	}
	re, err := r.block.Regexp(pattern, options)
	if err != nil {
		return err
	}
	r.regexes = append(r.regexes, regex{re, value})
	return nil
}
