package ngx

import (
	"cmp"

	"github.com/weirproxy/weir/internal/luajit"
)

// A program that serves a connection reads, writes and reads again. So that this costs no crossing into Go but the
// first, the socket that a thread is resumed with is lent to C for that slice (internal/luajit/fast.c): a send that the
// kernel takes whole, and a receive of a line that is not there yet, are done there. What may be held (mayHold) is sent
// when the slice is over, with what others answer in the same round (netio.Conn.WriteLate). A socket that connect has
// found in a pool takes its place. Any other call on the socket ends the loan, as do calls that use the client's
// connection by another name.

// lend lends the socket for the slice that begins, as far as its state allows.
func (s *socket) lend() {
	if s.conn == nil || s.readErr != "" {
		return
	}
	s.m.lent = s
	s.m.vm.Lend(luajit.Loan{
		Number: s.number,
		Fd:     s.conn.Fd(),
		Send:   s.maySend(),
		Hold:   s.mayHold(),
		Wait:   !s.readClosed && !s.eof && len(s.in) == 0 && !s.conn.Readable(),
	})
}

// endLoan ends the loan for good: the socket is about to be another one.
func (m *machine) endLoan(s *socket) {
	if m.lent == s {
		m.recall(s.number)
		m.lent = nil
		m.vm.Return()
	}
}

// maySend tells that nothing is in the way of what C sends.
func (s *socket) maySend() bool {
	return !s.writeClosed && s.writer == nil && s.conn.Writable() && !s.conn.Unsent() &&
		!(s.downstream && s.req.out.pending())
}

// mayHold tells that what C sends may be sent when the slice is over: nobody else uses the descriptor, the peer has not
// been seen to finish, and, for the client's connection, no other handler comes after this one.
func (s *socket) mayHold() bool {
	if s.shown() || s.conn.PeerFinished() {
		return false
	}
	return !s.downstream || s.req.phase == inContent
}

// shown tells that Lua code knows the descriptor, and may use it by itself.
func (s *socket) shown() bool { return s.exposed || s.downstream && s.req.exposed }

// lendAtOnce lends the socket for the rest of the slice that runs, in place of the one that was lent before: it comes
// from a pool, and is about to be used for a question and its answer.
func (s *socket) lendAtOnce() {
	m := s.m
	if m.depth > 1 {
		return
	}
	if m.lent != nil {
		m.recall(m.lent.number)
	}
	s.lend()
}

// takeBack ends the loan: what C has sent is counted, and a thread that has parked in receive waits for the socket.
func (s *socket) takeBack(t *luajit.Thread) {
	m := s.m
	m.countSent()
	m.lent = nil
	if m.vm.Return() {
		s.rx.begin(wantLine, 0)
		s.readErr = ""
		s.awaitRead(m.coroutineOf(t.Stopped()), cmp.Or(s.readTimeout, s.req.conf().readTimeout.V))
	}
}

// recall ends the loan when a call is about to use the socket with this number.
func (m *machine) recall(number uint64) {
	if m.lent != nil && m.lent.number == number {
		m.countSent()
		m.vm.Recall()
	}
}

// countSent counts what C has sent to the client so far, and sends what it has held.
func (m *machine) countSent() {
	n := m.vm.Sent()
	if n == 0 {
		return
	}
	s := m.lent
	if s.downstream {
		m.req.session.Sent += int64(n)
		m.req.forgetTaken()
	}
	if held := m.vm.Held(); len(held) > 0 {
		s.conn.WriteLate(held)
	}
}

// flushLate has the kernel take what was sent to the client so far.
func (m *machine) flushLate() {
	if m.lent != nil {
		m.recall(m.lent.number)
	}
	if m.req != nil && m.req.session != nil {
		m.req.session.Client.Settle()
	}
}
