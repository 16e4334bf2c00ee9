package handover

import (
	"errors"

	"github.com/weirproxy/weir/internal/stream"
)

var errAbandoned = errors.New("the hand-over was given up")

// Abandon implements stream.Giver.
func (giver) Abandon(s *stream.Session) (handedOver bool) {
	t := sessionTransfer.Get(s)
	if t == nil {
		return false
	}
	t.done = func(*stream.Session, error) {}
	if !t.active {
		return !s.Client.IsOpen()
	}
	if t.abandon() {
		t.accepted()
		return true
	}
	t.status = appendListed(t.status, "abandoned")
	t.takeBack(errAbandoned)
	return false
}
