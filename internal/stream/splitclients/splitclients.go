// Package splitclients is the split_clients directive: a variable that has one of several values, each for its share of
// all texts (ngx_stream_split_clients_module).
package splitclients

import (
	"github.com/weirproxy/weir/internal/conf"
	"github.com/weirproxy/weir/internal/stream"
)

// Module is the split_clients module.
var Module = &stream.Module{
	Name: "split_clients",
	Directives: []conf.Directive{
		{Name: "split_clients", In: conf.InStream, Args: conf.Block | conf.Take2, Set: stream.TextVariable(readSplit)},
	},
}

// whole is 100% in the unit of shares.
const whole = 10000

// split is a split_clients{}.
type split struct {
	source *stream.Template
	parts  []part
}

// part has the hashes below limit, and below no earlier part's.
type part struct {
	share int64 // in hundredths of a percent
	limit uint32
	rest  bool // it has all others
	value string
}

func readSplit(_ *stream.Block, n *conf.Node, text *stream.Template) (stream.Variable, error) {
	t := &split{source: text}
	err := conf.Each(n.Block, t.line)
	if err == nil && !t.setLimits() {
		err = n.EndErrorf("percent total is greater than 100%%")
	}
	return stream.Variable{Get: t.get, Cached: true}, err
}

func (t *split) line(n *conf.Node) error {
	if len(n.Args) == 0 {
		return n.Errorf("invalid number of the split_clients parameters")
	}
	p := part{value: n.Args[0], rest: n.Name == "*"} // what follows nginx ignores, too
	if !p.rest {
		var ok bool
		if p.share, ok = conf.ParsePercent(n.Name); !ok {
			return n.Errorf(`invalid percent value "%s"`, n.Name)
		}
	}
	t.parts = append(t.parts, p)
	return nil
}

// setLimits turns shares into limits; false when they are more than the whole.
func (t *split) setLimits() bool {
	sum := int64(0)
	last := uint32(0)
	for i := range t.parts {
		p := &t.parts[i]
		if p.rest {
			sum = whole
			continue
		}
		if p.share > whole-sum {
			return false
		}
		sum += p.share
		if sum == whole {
			p.rest = true
			continue
		}
		last += uint32(uint64(p.share) * 0xffffffff / whole)
		p.limit = last
	}
	return true
}

// get is the variable's Get. dst serves for the text that is hashed, too.
func (t *split) get(s *stream.Session, _ *stream.Var, dst []byte) ([]byte, bool) {
	start := len(dst)
	dst = t.source.Append(dst, s)
	hash := murmur2(dst[start:])
	dst = dst[:start]
	for i := range t.parts {
		if p := &t.parts[i]; p.rest || hash < p.limit {
			return append(dst, p.value...), true
		}
	}
	return dst, true
}
