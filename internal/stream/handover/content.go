package handover

import (
	"maps"
	"os"
	"strconv"

	"github.com/weirproxy/weir/handoff"
	"github.com/weirproxy/weir/internal/logs"
	"github.com/weirproxy/weir/internal/stream"
)

// begin is the content handler.
func begin(s *stream.Session) {
	s.Action = "handing over connection"
	s.OnClient, s.OnTimer = wait, wait
	c := slot.Of(s.Server)
	t := transferOf(s)
	t.receivers = t.receivers[:0]
	for _, template := range c.receivers {
		t.receivers = append(t.receivers, template.Text(s))
	}
	t.raw, t.timeout, t.done = c.raw, c.timeout, end
	t.told = handoff.Message{}
	if !c.raw {
		t.told.Metadata = describe(s)
	}
	t.start()
}

// wait ignores what the client does: its bytes stay in the kernel.
func wait(*stream.Session) {}

func end(s *stream.Session, err error) {
	if err == nil {
		s.Finalize(stream.StatusOK)
		return
	}
	fallback := slot.Of(s.Server).fallback
	if !fallback.IsValid() || !s.Client.IsOpen() {
		s.Finalize(stream.StatusBadGateway)
		return
	}
	l := s.Config().ListenerFor(fallback)
	if l == nil {
		s.Log(logs.Error, `port not found for "`+fallback.String()+`"`)
		s.Finalize(stream.StatusBadGateway)
		return
	}
	if err := s.Pass(l, fallback); err != nil {
		s.Log(logs.Error, err.Error())
		s.Finalize(stream.StatusInternal)
	}
}

// Describe implements stream.Giver.
func (giver) Describe(s *stream.Session) handoff.Metadata { return describe(s) }

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
