// Package returns is the return directive: the content of a session is a text, and then it ends
// (ngx_stream_return_module).
package returns

import (
	"slices"
	"syscall"

	"github.com/weirproxy/weir/internal/conf"
	"github.com/weirproxy/weir/internal/logs"
	"github.com/weirproxy/weir/internal/netio"
	"github.com/weirproxy/weir/internal/stream"
)

// Module is the return module.
var Module = &stream.Module{
	Name:       "return",
	Directives: []conf.Directive{{Name: "return", In: conf.InServer, Args: conf.Take1, Set: setReturn}},
}

// writeTimeout is how long a client may take before it reads more, in milliseconds.
const writeTimeout = 5000

func setReturn(s *conf.Scope, n *conf.Node) error {
	b := stream.In(s)
	text, err := b.Template(n.Args[0])
	if err != nil {
		return err
	}
	return b.SetContent(n, func(s *stream.Session) { answer(s, text) })
}

// rest is what of the text has not been sent yet.
type rest struct{ text []byte }

var slot = stream.NewSessionSlot[rest]()

func answer(s *stream.Session, t *stream.Template) {
	s.Action = "returning text"
	buf := t.Append(s.Worker.LendText(), s)
	left, err := send(s, buf)
	if err == nil && len(left) > 0 {
		slot.Set(s, &rest{slices.Clone(left)})
	}
	s.Worker.KeepText(buf)
	proceed(s, len(left), err)
}

// send writes what the client takes and returns what is left.
func send(s *stream.Session, text []byte) (left []byte, err error) {
	for len(text) > 0 {
		n, err := s.Client.Write(text)
		if err == netio.ErrAgain {
			break
		}
		if err != nil {
			return nil, err
		}
		s.Sent += int64(n)
		text = text[n:]
	}
	return text, nil
}

func sendRest(s *stream.Session) {
	if !s.Client.Writable() {
		return
	}
	r := slot.Get(s)
	left, err := send(s, r.text)
	r.text = left
	proceed(s, len(left), err)
}

func proceed(s *stream.Session, left int, err error) {
	switch {
	case err != nil:
		s.LogIOError(err, "")
		s.Finalize(stream.StatusInternal)
	case left == 0:
		s.Finalize(stream.StatusOK)
	default:
		s.OnClient, s.OnTimer = sendRest, timedOut
		s.Arm(writeTimeout)
	}
}

func timedOut(s *stream.Session) {
	s.Log(logs.Info, logs.ErrnoText("connection timed out", syscall.ETIMEDOUT))
	s.Finalize(stream.StatusOK)
}
