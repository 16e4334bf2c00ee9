package stream

import (
	"errors"
	"fmt"
	"io"

	"github.com/weirproxy/weir/handoff"
	"github.com/weirproxy/weir/internal/logs"
	"github.com/weirproxy/weir/internal/loop"
	"github.com/weirproxy/weir/internal/netio"
	"golang.org/x/sys/unix"
)

// feeder is a connection by which another process hands clients' connections over (listen … handoff). Package handoff
// says what is spoken on it.
type feeder struct {
	worker   *Worker
	fd       int
	key      string // its socket's
	listener *Listener
}

var (
	errFeederGone = errors.New("the sender has gone")
	errNotStream  = errors.New("not a stream socket")
)

// feederBurst bounds how many sessions a feeder begins before other events have their turn.
const feederBurst = 16

// watchFeeder takes over fd, which was accepted by a, if the process at the other end may hand over.
func (w *Worker) watchFeeder(fd int, a *acceptor) {
	l := a.listener
	peer, err := unix.GetsockoptUcred(fd, unix.SOL_SOCKET, unix.SO_PEERCRED)
	if err != nil || !l.server.allows(peer) {
		l.server.ErrorLog.Write(logs.Error, 0, "handing over "+describePeer(peer)+" is not allowed, listener: "+l.Addr.String())
		unix.Close(fd)
		return
	}
	f := &feeder{worker: w, fd: fd, key: a.socket.key, listener: l}
	if err := w.Loop.Add(fd, f, loop.In); err != nil {
		l.server.ErrorLog.Write(logs.Alert, 0, Describe(err))
		unix.Close(fd)
		return
	}
	w.feeders = append(w.feeders, f)
}

func describePeer(peer *unix.Ucred) string {
	if peer == nil {
		return "by an unknown process"
	}
	return fmt.Sprintf("by process %d, uid %d, gid %d,", peer.Pid, peer.Uid, peer.Gid)
}

// keepFeeders closes those for which keep is false. What they were sent and have not answered stays the sender's.
func (w *Worker) keepFeeders(keep func(*feeder) bool) {
	kept := w.feeders[:0]
	for _, f := range w.feeders {
		if keep(f) {
			kept = append(kept, f)
			continue
		}
		w.Loop.Forget(f.fd)
		unix.Close(f.fd)
		f.fd = -1
	}
	clear(w.feeders[len(kept):])
	w.feeders = kept
}

// Ready implements loop.Handler. The descriptor is watched level-triggered.
func (f *feeder) Ready(loop.Events) {
	w := f.worker
	if w.message == nil {
		w.message = make([]byte, handoff.MaxMessage+1)
	}
	for range feederBurst {
		n, fd, err := netio.RecvRights(f.fd, w.message)
		if err == netio.ErrAgain {
			return
		}
		if err == nil {
			err = f.begin(fd, w.message[:n])
		} else if fatal(err) {
			f.end(err)
			return
		} else {
			f.refuse(err)
		}
		if err == errFeederGone {
			f.end(nil)
		}
		if f.fd < 0 {
			return
		}
	}
}

// fatal tells errors of the feeder's connection from those of one message.
func fatal(err error) bool {
	return err != netio.ErrRights && !isShortage(err)
}

func (f *feeder) end(err error) {
	if err != nil && err != io.EOF {
		f.listener.server.ErrorLog.Write(logs.Error, 0, Describe(err)+", listener: "+f.listener.Addr.String())
	}
	f.worker.keepFeeders(func(other *feeder) bool { return other != f })
}

// begin makes a session of what was received. The sender owns the connection until it is answered: nothing is done
// to it before.
func (f *feeder) begin(fd int, data []byte) error {
	m := new(handoff.Message)
	err := m.Parse(data)
	if kind, typeErr := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_TYPE); err == nil && (typeErr != nil || kind != unix.SOCK_STREAM) {
		err = errNotStream
	}
	if err == nil && f.worker.Full() {
		err = ErrFull
	}
	if err != nil {
		unix.Close(fd)
		f.refuse(err)
		return nil
	}
	s := f.worker.attach(fd, f.listener)
	if s == nil {
		unix.Close(fd)
		return f.answer(handoff.Refused)
	}
	if err := f.answer(handoff.Accepted); err != nil {
		s.Client.LetGo() // the sender has given up waiting: the connection is another's
		f.worker.free(s)
		return err
	}
	unix.SetNonblock(fd, true)
	s.receive(m)
	return nil
}

// receive begins the way of a session that was handed over.
func (s *Session) receive(m *handoff.Message) {
	s.Client.Unread(m.Consumed)
	m.Consumed = nil
	s.handed = m
	s.Remote, s.local = m.Source, m.Destination
	if !m.Source.IsValid() && !m.Destination.IsValid() && m.DestinationPath == "" { // nothing was told
		s.Remote = netio.PeerAddr(s.Client.Fd()).AddrPort
		s.local = netio.LocalAddr(s.Client.Fd()).AddrPort
	}
	s.enter()
}

// Handed is what the process told that handed the session over; nil when it was accepted as usual. Consumed is not
// there.
func (s *Session) Handed() *handoff.Message { return s.handed }

func (f *feeder) refuse(reason error) {
	f.listener.server.ErrorLog.Write(logs.Error, 0, "connection handed over is refused: "+Describe(reason)+
		", listener: "+f.listener.Addr.String())
	if f.answer(handoff.Refused) != nil {
		f.end(nil)
	}
}

// answer fails when the sender has given up or has gone.
func (f *feeder) answer(with byte) error {
	if netio.SendByte(f.fd, with) != nil {
		return errFeederGone
	}
	return nil
}
