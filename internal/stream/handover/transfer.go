package handover

import (
	"cmp"
	"errors"
	"os"
	"syscall"

	"github.com/weirproxy/weir/handoff"
	"github.com/weirproxy/weir/internal/logs"
	"github.com/weirproxy/weir/internal/loop"
	"github.com/weirproxy/weir/internal/netio"
	"github.com/weirproxy/weir/internal/stream"
	"golang.org/x/sys/unix"
)

// transfer is a session's hand-over. It stays with the session for its variables, and is reused.
type transfer struct {
	s         *stream.Session
	receivers []string
	raw       bool
	timeout   int64
	told      handoff.Message
	done      func(s *stream.Session, err error)

	timer   loop.Timer // until the present receiver must have answered
	at      int        // in receivers
	to      *receiver
	on      *channel // that the session has been sent on; nil: it waits in the receiver's queue
	active  bool
	again   bool   // the present receiver is tried on a second channel
	started int64  // Loop.Millis
	took    int64  // milliseconds, all attempts
	status  []byte // $handoff_status
	names   []byte // $handoff_receiver
}

var sessionTransfer = stream.NewSessionSlot[transfer]()

// transferOf is the session's transfer, which lasts as long as the session.
func transferOf(s *stream.Session) *transfer {
	t := sessionTransfer.Get(s)
	if t == nil {
		t = workers.Of(s.Worker).unused.Take()
		t.s = s
		t.timer.Handler = t
		sessionTransfer.Set(s, t)
		s.OnFree(release)
	}
	return t
}

// release is called when the session ends, however it does.
func release(s *stream.Session) {
	t := sessionTransfer.Get(s)
	if t.active && t.abandon() {
		t.letGo()
	}
	sessionTransfer.Set(s, nil)
	s.Worker.Loop.Disarm(&t.timer)
	clear(t.receivers)
	*t = transfer{receivers: t.receivers[:0], status: t.status[:0], names: t.names[:0]}
	workers.Of(s.Worker).unused.Put(t)
}

// start begins with the first receiver.
func (t *transfer) start() {
	t.active, t.at, t.started = true, 0, t.s.Worker.Loop.Millis()
	if err := t.possible(); err != nil {
		t.s.Log(logs.Error, "cannot hand over: "+err.Error())
		t.end(err)
		return
	}
	t.s.Client.Unwatch()
	t.attempt()
}

// possible tells why a session cannot be handed over, whoever the receiver is.
func (t *transfer) possible() error {
	switch {
	case !t.s.Client.IsOpen():
		return errClosed
	case t.raw && len(t.told.Consumed)+len(t.s.Client.Before()) > 0:
		return errConsumed
	case len(t.receivers) == 0:
		return errReceiver
	}
	return nil
}

// attempt tries the present receiver.
func (t *transfer) attempt() {
	t.again = false
	name := t.receivers[t.at]
	t.names = appendListed(t.names, cmp.Or(name, "-"))
	to, err := receiverAt(t.s.Worker, name)
	if err != nil {
		t.failed("invalid", err)
		return
	}
	t.to = to
	t.s.Worker.Loop.Arm(&t.timer, t.timeout)
	t.to.sendInTurn(t)
}

// Expired implements loop.Expirer.
func (t *transfer) Expired() {
	if t.abandon() {
		t.accepted()
		return
	}
	t.failed("timeout", handoff.ErrTimeout)
}

// abandon takes the session back from the present receiver; true: it has accepted in time, and weir is too late.
func (t *transfer) abandon() (accepted bool) {
	if t.on == nil {
		t.to.unqueue(t)
		return false
	}
	return t.on.abort()
}

// answered is called with the receiver's answer.
func (t *transfer) answered(with byte) {
	if with == handoff.Accepted {
		t.accepted()
		return
	}
	t.failed("refused", handoff.ErrRefused)
}

func (t *transfer) accepted() {
	if t.raw {
		t.status = appendListed(t.status, "sent")
	} else {
		t.status = appendListed(t.status, "accepted")
	}
	t.letGo()
	if t.s.Logs(logs.Info) {
		t.s.Action = ""
		t.s.Log(logs.Info, "handed over to unix:"+t.to.path)
	}
	t.end(nil)
}

// letGo closes this process's copy of the descriptor, without a word to the client.
func (t *transfer) letGo() {
	t.s.LocalAddr() // the log phase wants it, and it is asked of the socket
	t.s.Client.LetGo()
}

// failed goes on to the next receiver, if there is one.
func (t *transfer) failed(status string, err error) {
	t.on = nil
	t.status = appendListed(t.status, status)
	t.log(err)
	if t.at+1 < len(t.receivers) {
		t.at++
		t.attempt()
		return
	}
	t.takeBack(err)
}

// takeBack has the session be as it was.
func (t *transfer) takeBack(err error) {
	unix.SetNonblock(t.s.Client.Fd(), true) // whatever a receiver has done to it
	if e := t.s.Client.Watch(); e != nil {
		t.s.Log(logs.Alert, stream.Describe(e))
		t.s.Client.Reset()
		err = errClosed
	}
	t.end(err)
}

func (t *transfer) log(err error) {
	name := t.receivers[t.at]
	text := stream.Describe(err)
	var call *os.SyscallError
	switch {
	case err == handoff.ErrTimeout:
		text = logs.ErrnoText("receiver timed out", syscall.ETIMEDOUT)
	case errors.As(err, &call) && call.Syscall == "connect":
		text, _ = stream.DescribeDial(err, name, netio.Addr{})
		t.s.Log(logs.Error, text)
		return
	}
	t.s.Log(logs.Error, text+`, receiver: "`+name+`"`)
}

func (t *transfer) end(err error) {
	t.active, t.on = false, nil
	t.s.Worker.Loop.Disarm(&t.timer)
	t.took += t.s.Worker.Loop.Millis() - t.started
	t.told = handoff.Message{}
	t.done(t.s, err)
}

func appendListed(list []byte, text string) []byte {
	if len(list) > 0 {
		list = append(list, ", "...)
	}
	return append(list, text...)
}

// message is what the receiver is told. It is valid until the worker's text buffer is used again.
func (t *transfer) message(buf []byte) ([]byte, error) {
	m, s := t.told, t.s
	m.Source = s.Remote
	if h := s.Handed(); h != nil {
		m.SourcePath = h.SourcePath
	}
	if local := s.LocalAddr(); local.IsUnix() {
		m.DestinationPath = local.Path
	} else {
		m.Destination = local.AddrPort
	}
	if before := s.Client.Before(); len(before) > 0 {
		m.Consumed = append(m.Consumed[:len(m.Consumed):len(m.Consumed)], before...)
	}
	return m.Append(buf)
}
