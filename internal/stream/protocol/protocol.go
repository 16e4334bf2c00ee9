package protocol

import (
	"io"

	"github.com/weirproxy/weir/internal/conf"
	"github.com/weirproxy/weir/internal/detect"
	"github.com/weirproxy/weir/internal/netio"
	"github.com/weirproxy/weir/internal/stream"
	"github.com/weirproxy/weir/internal/stream/sslpreread"
)

// detection is what is known of a session's client.
type detection struct {
	protocol detect.Protocol // so far, until settled
	host     []byte          // its own memory
	have     int             // bytes that did not suffice
	patient  bool            // the timer is preread_timeout's
	settled  bool
}

var (
	detections = stream.NewSessionSlot[detection]()
	unused     = stream.NewWorkerSlot[stream.FreeList[detection]]()
)

// found is the session's protocol; "" when it has not been looked for, or not found yet.
func found(s *stream.Session) string {
	if d := detections.Get(s); d != nil && d.settled {
		return string(d.protocol)
	}
	return ""
}

func preread(s *stream.Session) stream.Result {
	d := of(s)
	if d.settled { // before the session was passed on
		return d.settle(s)
	}
	final, err := d.see(s)
	switch {
	case err != nil && err != netio.ErrAgain:
		if err != io.EOF {
			s.LogIOError(err, "")
		}
		return stream.StatusOK // as if nobody had come
	case final:
		return d.settle(s)
	}
	d.wait(s)
	return stream.Again
}

// see looks at all that the client has sent, as far as preread_buffer_size, and tells whether more would say nothing new, or
// cannot come. It is netio.ErrAgain when there is no more than before.
func (d *detection) see(s *stream.Session) (final bool, err error) {
	buf := s.Worker.Scratch
	buf = buf[:min(len(buf), s.Server.PrereadBufferSize)]
	n, err := s.Client.Peek(buf)
	last := n == len(buf) || s.Client.PeerFinished()
	if err == nil && n <= d.have && !last {
		err = netio.ErrAgain
	}
	if err != nil {
		return false, err
	}
	d.have = n
	return d.look(s, buf[:n]) || last, nil
}

// look takes note of what first says, and tells whether that is all there is to know.
func (d *detection) look(s *stream.Session, first []byte) (final bool) {
	result, verdict := detect.Detect(first)
	d.protocol = result.Protocol
	d.host = conf.AppendLower(d.host[:0], result.Host)
	if verdict == detect.Yes && d.protocol == detect.TLS {
		return sslpreread.Read(s, first) == 0
	}
	return verdict.More() == 0
}

// settle makes the answer of what is known.
func (d *detection) settle(s *stream.Session) stream.Result {
	d.settled = true
	sslpreread.Skip(s)
	sslpreread.ChooseServer(s)
	return stream.Declined
}

// wait has the session resumed when the client has sent more.
func (d *detection) wait(s *stream.Session) {
	s.OnClient = (*stream.Session).Resume
	switch {
	case d.recognized() && !d.patient:
		d.patient = true
		s.OnTimer = timedOut
		s.Arm(s.Server.PrereadTimeout)
	case !s.Timer.Armed():
		s.OnTimer = giveUp
		s.Arm(slot.Of(s.Server).timeout.V)
	}
}

// recognized tells that the protocol is certain, and only what the client says in it is missing.
func (d *detection) recognized() bool {
	return d.protocol == detect.TLS || d.protocol == detect.HTTP || d.protocol == detect.WebSocket
}

// giveUp goes on with a client that has said nothing, or nothing from which its protocol could be told.
func giveUp(s *stream.Session) {
	s.Continue(of(s).settle(s))
}

// timedOut ends a session whose client has stopped in the middle, as preread_timeout does.
func timedOut(s *stream.Session) { s.Finalize(stream.StatusOK) }

func of(s *stream.Session) *detection {
	if d := detections.Get(s); d != nil {
		return d
	}
	d := unused.Of(s.Worker).Take()
	*d = detection{protocol: detect.Unknown, host: d.host[:0]}
	detections.Set(s, d)
	s.OnFree(release)
	return d
}

func release(s *stream.Session) {
	unused.Of(s.Worker).Put(detections.Get(s))
	detections.Set(s, nil)
}

func name(s *stream.Session, _ *stream.Var, dst []byte) ([]byte, bool) {
	text := found(s)
	return append(dst, text...), text != ""
}

func host(s *stream.Session, _ *stream.Var, dst []byte) ([]byte, bool) {
	d := detections.Get(s)
	if d == nil || !d.settled || d.protocol != detect.HTTP && d.protocol != detect.WebSocket {
		return dst, false
	}
	return append(dst, d.host...), true
}
