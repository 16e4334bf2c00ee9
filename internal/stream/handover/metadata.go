package handover

import (
	"maps"
	"os"
	"strconv"

	"github.com/weirproxy/weir/handoff"
	"github.com/weirproxy/weir/internal/stream"
)

// describe is what receivers are told of the session.
func describe(s *stream.Session) handoff.Metadata {
	known := slot.Main(s.Config()).known
	var d handoff.Metadata
	if h := s.Handed(); h != nil {
		d = h.Metadata
	}
	tell(&d.SNI, s, known.sni)
	tell(&d.ALPN, s, known.alpn)
	tell(&d.Protocol, s, known.protocol)
	d.UniqueID = uniqueID(s)
	configured := slot.Of(s.Server).meta
	if len(configured) == 0 {
		return d
	}
	d.Meta = maps.Clone(d.Meta)
	if d.Meta == nil {
		d.Meta = make(map[string]string, len(configured))
	}
	for _, m := range configured {
		d.Meta[m.name] = m.value.Text(s)
	}
	return d
}

func tell(to *string, s *stream.Session, v *stream.Var) {
	if v == nil {
		return
	}
	if text, ok := s.Value(v); ok && text != "" {
		*to = text
	}
}

var pid = strconv.Itoa(os.Getpid())

// uniqueID names the session in this machine's logs: process, $connection, time of accept in milliseconds.
func uniqueID(s *stream.Session) string {
	buf := append(append(make([]byte, 0, 48), pid...), '-')
	buf = append(strconv.AppendUint(buf, s.ID, 10), '-')
	return string(strconv.AppendInt(buf, s.Started, 10))
}
