package loop

import (
	"encoding/binary"

	"golang.org/x/sys/unix"
)

// Post has the loop call fn in one of its next rounds. It may be called from any goroutine, never blocks, and keeps
// the order of its calls. Calls posted to a loop that has stopped are not made.
func (l *Loop) Post(fn func()) {
	l.mu.Lock()
	l.posted = append(l.posted, fn)
	first := len(l.posted) == 1
	l.mu.Unlock()
	if first {
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

func (l *Loop) wake() {
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
