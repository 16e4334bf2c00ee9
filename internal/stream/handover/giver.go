package handover

import (
	"errors"

	"github.com/weirproxy/weir/handoff"
	"github.com/weirproxy/weir/internal/stream"
)

// The reasons why a session cannot be handed over at all. Others are handoff.ErrRefused, ErrTimeout, ErrGone,
// ErrTooLarge, and failed system calls: the last receiver's.
var (
	errClosed   = errors.New("the connection is closed")
	errBusy     = errors.New("the connection is being handed over already")
	errConsumed = errors.New("bytes that were read already would be lost: raw receivers cannot be told of them")
	errReceiver = errors.New("a receiver is a unix socket")
)

var errAbandoned = errors.New("the hand-over was given up")

// giver hands over for others than the directive.
type giver struct{}

// Give implements stream.Giver.
func (giver) Give(s *stream.Session, h stream.Handover, done func(err error)) {
	t := transferOf(s)
	deferred := func(s *stream.Session, err error) {
		id := s.ID
		s.Worker.Loop.Next(func() {
			if s.ID == id && !s.Ended() {
				done(err)
			}
		})
	}
	if t.active {
		deferred(s, errBusy)
		return
	}
	t.receivers = append(t.receivers[:0], h.Receivers...)
	t.raw, t.timeout, t.done = h.Raw, h.Timeout, deferred
	if t.timeout <= 0 {
		t.timeout = defaultTimeout
	}
	t.told.Metadata, t.told.Consumed = h.Metadata, append([]byte(nil), h.Consumed...)
	t.start()
}

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

// Describe implements stream.Giver.
func (giver) Describe(s *stream.Session) handoff.Metadata { return describe(s) }
