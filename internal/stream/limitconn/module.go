// Package limitconn is limit_conn: how many sessions with the same key there may be at a time
// (ngx_stream_limit_conn_module).
//
// A zone counts the sessions of all workers, and of the generations before that still run: a reload takes over the
// counts of a zone that keeps its name, size and key. Its counters are one of the few things that workers share; they
// lie in shards, each with a lock of its own that is held for one look into a map.
package limitconn

import (
	"strings"

	"github.com/weirproxy/weir/internal/conf"
	"github.com/weirproxy/weir/internal/logs"
	"github.com/weirproxy/weir/internal/stream"
)

// Module is the limit_conn module.
var Module = &stream.Module{
	Name:   "limit_conn",
	Config: slot.Decl(nil, merge),
	Directives: []conf.Directive{
		{Name: "limit_conn_zone", In: conf.InStream, Args: conf.Take2, Set: slot.Set(addZone)},
		{Name: "limit_conn", In: stream.InStreamServer, Args: conf.Take2, Set: slot.Set(addLimit)},
		{Name: "limit_conn_log_level", In: stream.InStreamServer, Args: conf.Take1,
			Set: stream.Field(slot, func(c *config) *conf.Value[logs.Level] { return &c.logLevel }, levels.Read)},
		{Name: "limit_conn_dry_run", In: stream.InStreamServer, Args: conf.Flag,
			Set: stream.Field(slot, func(c *config) *conf.Value[bool] { return &c.dryRun }, (*conf.Node).Flag)},
	},
	Handlers: []stream.PhaseHandler{{Phase: stream.Preaccess, Run: check, Active: hasLimits}},
	Variables: []stream.Variable{
		{Name: "limit_conn_status", Get: func(s *stream.Session, _ *stream.Var, dst []byte) ([]byte, bool) {
			h := held.Get(s)
			if h == nil || h.server != s.Server || h.status == "" { // or the session was passed on
				return dst, false
			}
			return append(dst, h.status...), true
		}},
	},
	Finish: adopt,
}

var levels = conf.Enum[logs.Level]{{"info", logs.Info}, {"notice", logs.Notice}, {"warn", logs.Warn}, {"error", logs.Error}}

var slot = stream.NewSlot[config]()

type config struct {
	zones    map[string]*zone // in stream{}
	limits   []limit
	logLevel conf.Value[logs.Level]
	dryRun   conf.Value[bool]
}

// limit is a limit_conn.
type limit struct {
	zone *zone
	most int
}

// zone is a limit_conn_zone as one generation's configuration has it.
type zone struct {
	name   string
	size   int64
	key    *stream.Template // nil until its directive was read
	counts *counts
}

// minZone is the least size of a zone in bytes, eight pages.
const minZone = 8 * 4096

func addZone(c *config, b *stream.Block, n *conf.Node) error {
	key, err := b.Template(n.Args[0])
	if err != nil {
		return err
	}
	param := n.Args[1]
	spec, ok := strings.CutPrefix(param, "zone=")
	if !ok {
		return n.InvalidParam(param)
	}
	name, sizeText, _ := strings.Cut(spec, ":")
	size, ok := conf.ParseSize(sizeText)
	switch {
	case !ok:
		return n.Errorf(`invalid zone size "%s"`, param)
	case size < minZone:
		return n.Errorf(`zone "%s" is too small`, param)
	case name == "":
		return n.Errorf(`"%s" must have "zone" parameter`, n.Name)
	}
	if err := b.Zone(n, "limit_conn", name, size); err != nil {
		return err
	}
	z := c.zone(name)
	if z.key != nil {
		return n.Errorf(`%s "%s" is already bound to key "%s"`, n.Name, name, z.key.Source())
	}
	z.key, z.size = key, size
	return nil
}

// zone is that of a name, which may be defined later.
func (c *config) zone(name string) *zone {
	if c.zones == nil {
		c.zones = map[string]*zone{}
	}
	if c.zones[name] == nil {
		c.zones[name] = &zone{name: name}
	}
	return c.zones[name]
}

func addLimit(c *config, b *stream.Block, n *conf.Node) error {
	if err := b.Zone(n, "limit_conn", n.Args[0], 0); err != nil {
		return err
	}
	z := slot.Stream(b.Builder).zone(n.Args[0])
	for _, l := range c.limits {
		if l.zone == z {
			return n.Duplicate()
		}
	}
	most, ok := conf.ParseInt(n.Args[1])
	if !ok || most == 0 {
		return n.Errorf(`invalid number of connections "%s"`, n.Args[1])
	}
	if most > 65535 {
		return n.Errorf("connection limit must be less 65536")
	}
	c.limits = append(c.limits, limit{z, int(most)})
	return nil
}

func merge(_ *stream.Builder, outer, c *config) error {
	if c.limits == nil {
		c.limits = outer.limits
	}
	c.logLevel = c.logLevel.Or(outer.logLevel, logs.Error)
	c.dryRun = c.dryRun.Or(outer.dryRun, false)
	return nil
}

func hasLimits(s *stream.Server) bool { return len(slot.Of(s).limits) > 0 }

// adopt gives the zones their counters: those of the generation before, where the zone is the same.
func adopt(b *stream.Builder) error {
	for name, z := range slot.Stream(b).zones {
		if z.key == nil {
			continue // an error in the end
		}
		if b.Previous != nil {
			old := slot.Main(b.Previous).zones[name]
			if old != nil && old.size == z.size && old.key.Source() == z.key.Source() {
				z.counts = old.counts
			}
		}
		if z.counts == nil {
			z.counts = newCounts(z.size)
		}
	}
	return nil
}
