package loop

import (
	"encoding/binary"

	"golang.org/x/sys/unix"
)

// Post has the loop call fn in one of its next rounds. It may be called from any goroutine, never blocks, and keeps
// the order of its calls. Calls posted to a loop that has stopped are not made.
func (l *Loop) Post(fn func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.wakefd < 0 {
		return
	}
	l.posted = append(l.posted, fn)
	if len(l.posted) == 1 {
		l.wake()
	}
}

// Next has the loop call fn at the end of this round, or of the next when the round's end has begun (nginx's posted
// events). Loop goroutine only.
func (l *Loop) Next(fn func()) {
	l.next = append(l.next, fn)
}

func (l *Loop) runNext() {
	if len(l.next) == 0 {
		return
	}
	batch := l.next
	l.next = l.spare[:0]
	for i, fn := range batch {
		batch[i] = nil
		fn()
	}
	l.spare = batch[:0]
}

// AtEnd has the loop call fn when all events of this round have been handled, before timers expire and before what Next
// was given. It is called while an event is handled.
func (l *Loop) AtEnd(fn func()) { l.atEnd = append(l.atEnd, fn) }

// LastEvent tells that no other event of this round is still to be handled.
func (l *Loop) LastEvent() bool { return l.left == 0 }

func (l *Loop) endEvents() {
	for i := 0; i < len(l.atEnd); i++ {
		l.atEnd[i]()
	}
	l.atEnd = l.atEnd[:0]
}

// wake is called with mu held: nobody else may have the descriptor's number by then.
func (l *Loop) wake() {
	if l.wakefd < 0 {
		return
	}
	var one [8]byte
	binary.NativeEndian.PutUint64(one[:], 1)
	unix.Write(l.wakefd, one[:]) // fails only when the counter is full, and then the loop is awake
}

// waker is the loop seen as the handler of its own eventfd.
type waker Loop

func (w *waker) Ready(Events) {
	l := (*Loop)(w)
	var count [8]byte
	unix.Read(l.wakefd, count[:])
	l.mu.Lock()
	batch := l.posted
	l.posted = nil
	l.mu.Unlock()
	for _, fn := range batch {
		fn()
	}
}
