package limitconn

import (
	"github.com/weirproxy/weir/internal/logs"
	"github.com/weirproxy/weir/internal/stream"
)

// maxKey is the longest key in bytes.
const maxKey = 255

// Values of $limit_conn_status.
const (
	passed         = "PASSED"
	rejected       = "REJECTED"
	rejectedDryRun = "REJECTED_DRY_RUN"
)

// holds is what a session has taken of the zones.
type holds struct {
	places []place
	status string
	server *stream.Server // that the status is of
}

type place struct {
	counts *counts
	key    string
}

var held = stream.NewSessionSlot[holds]()

func check(s *stream.Session) stream.Result {
	h := held.Get(s)
	if h == nil {
		h = new(holds)
		held.Set(s, h)
		s.OnFree(release)
	}
	h.status, h.server = "", s.Server
	c := slot.Of(s.Server)
	for _, l := range c.limits {
		key := l.zone.key.Text(s)
		if key == "" {
			continue
		}
		if len(key) > maxKey {
			s.Log(logs.Error, `the value of the "`+l.zone.key.Source()+`" key is more than 255 bytes: "`+key+`"`)
			continue
		}
		h.status = passed
		result := l.zone.counts.take(key, l.most)
		if result != taken {
			return c.reject(s, h, l.zone, result)
		}
		h.places = append(h.places, place{l.zone.counts, key})
	}
	return stream.Declined
}

func (c *config) reject(s *stream.Session, h *holds, z *zone, why outcome) stream.Result {
	release(s)
	switch {
	case why == noRoom:
		s.Log(logs.Crit, `no memory in limit_conn_zone "`+z.name+`"`)
	case c.dryRun.V:
		s.Log(c.logLevel.V, `limiting connections, dry run, by zone "`+z.name+`"`)
	default:
		s.Log(c.logLevel.V, `limiting connections by zone "`+z.name+`"`)
	}
	if c.dryRun.V {
		h.status = rejectedDryRun
		return stream.Declined
	}
	h.status = rejected
	return stream.StatusServiceUnavailable
}

// release gives back what the session has taken.
func release(s *stream.Session) {
	h := held.Get(s)
	for _, p := range h.places {
		p.counts.release(p.key)
	}
	h.places = nil
}
