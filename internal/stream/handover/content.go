package handover

import (
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
	switch err := s.Pass(fallback); err {
	case nil:
	case stream.ErrNoListener:
		s.Log(logs.Error, `port not found for "`+fallback.String()+`"`)
		s.Finalize(stream.StatusBadGateway)
	default:
		s.Log(logs.Error, err.Error())
		s.Finalize(stream.StatusInternal)
	}
}
