// Package loop is one worker's event loop: epoll, timers and posted calls.
//
// A Loop belongs to the goroutine that calls Run, which it locks to its OS thread. Everything but Post and Stop is
// called from that goroutine only, so nothing here but the post queue is locked:
//
//	l, err := loop.New()
//	err = l.Add(fd, handler, loop.In|loop.Out|loop.Edge) // handler.Ready is called with what epoll reports
//	l.Arm(&timer, 60_000)                                // timer.Handler.Expired is called after 60 s
//	l.Run()                                              // until Stop
//
// Calls that do not wait go to the kernel through RawSyscall; only an epoll_wait that may have nothing to do tells the
// Go scheduler that the thread is gone. A handler therefore must never block: what can wait runs on another goroutine
// and comes back by Post.
//
// The loop knows no protocol and owns no descriptor but its own two.
package loop

import (
	"fmt"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// MaxEvents is how many events one epoll_wait brings. It looks at each connection that has something, and of a few hundred
// the first would have left the processor's cache again before they are served.
const MaxEvents = 64

// Loop is one epoll instance with its timers and its queue of posted calls.
type Loop struct {
	epfd   int
	slots  []slot
	events [MaxEvents]unix.EpollEvent
	timers timerHeap
	armed  int64 // counts Arm
	// soonest is the least a timer can be armed for: 1 ms while timers expire, so that one that re-arms itself for
	// at once waits for the next round.
	soonest int64
	clock   clock
	next    []func()
	spare   []func()
	atEnd   []func() // of this round's events
	left    int      // events of this round that are still to be handled
	// Companion is of the package that makes endpoints on the loop; nil: none.
	Companion Companion

	crowded bool // the last round brought many events

	stopped atomic.Bool

	mu     sync.Mutex // guards what follows
	posted []func()
	wakefd int // -1 when the loop is closed
}

// New opens an epoll instance. The caller closes it with Close after Run has returned.
func New() (*Loop, error) {
	epfd, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, os.NewSyscallError("epoll_create1", err)
	}
	wakefd, err := unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK)
	if err != nil {
		unix.Close(epfd)
		return nil, os.NewSyscallError("eventfd", err)
	}
	l := &Loop{epfd: epfd, wakefd: wakefd}
	l.clock.update()
	if err := l.Add(wakefd, (*waker)(l), In|Edge); err != nil {
		l.Close()
		return nil, fmt.Errorf("watch eventfd: %w", err)
	}
	return l, nil
}

// Run serves events until Stop is called. It locks the calling goroutine to its thread for good: a thread that ran
// Lua is not given back to other goroutines.
func (l *Loop) Run() {
	runtime.LockOSThread()
	l.clock.update()
	for !l.stopped.Load() {
		l.turn()
	}
	l.runNext() // what the last round has left to do
}

// turn is one round: wait, handle what is ready, then what AtEnd, the timers and Next are to call. Posted calls are made
// when the loop's own eventfd is ready (post.go).
func (l *Loop) turn() {
	n := l.wait()
	l.clock.update()
	l.handle(l.events[:n])
	l.endEvents()
	l.expire()
	l.runNext()
}

// crowd is how many events at once make it likely that more are there already.
const crowd = 8

// A Companion sees the events of a round, when they are many, before the first of them is handled, and is told when all
// have been: what is done for many in a row is cheaper than each time between other work.
type Companion interface {
	Foresee(h Handler, ev Events)
	Handled()
}

func (l *Loop) handle(events []unix.EpollEvent) {
	l.left = len(events)
	foresees := l.Companion != nil && len(events) >= crowd
	if foresees {
		for i := range events {
			if h := l.handlerOf(&events[i]); h != nil {
				l.Companion.Foresee(h, Events(events[i].Events))
			}
		}
	}
	for i := range events {
		l.left--
		if h := l.handlerOf(&events[i]); h != nil {
			h.Ready(Events(events[i].Events))
		}
	}
	if foresees {
		l.Companion.Handled()
	}
}

// wait fills l.events. When the last round brought many, it looks without telling the scheduler; otherwise it would
// mostly look in vain, and a call that waits is made at once.
func (l *Loop) wait() (n int) {
	timeout := l.timers.timeout(l.clock.mono)
	if len(l.next) > 0 {
		timeout = 0
	}
	if timeout == 0 || l.crowded {
		n = epollWaitRaw(l.epfd, l.events[:])
	}
	if n == 0 && timeout != 0 {
		n = epollWaitBlocking(l.epfd, l.events[:], timeout)
	}
	l.crowded = n >= crowd
	return n
}

// Stop makes Run return after the current round. It may be called from any goroutine.
func (l *Loop) Stop() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.stopped.Store(true)
	l.wake()
}

// Close closes the loop's own descriptors. Run must have returned. Post may still be called, to no effect.
func (l *Loop) Close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	unix.Close(l.epfd)
	unix.Close(l.wakefd)
	l.wakefd, l.posted = -1, nil
}

// Now is the wall clock at the start of this round, with a monotonic reading.
func (l *Loop) Now() time.Time { return l.clock.wall }

// Millis is the monotonic clock at the start of this round in milliseconds; only differences mean something.
func (l *Loop) Millis() int64 { return l.clock.mono }

// UpdateClock reads the clock again within a round, as a caller that has been busy may want (ngx.update_time).
func (l *Loop) UpdateClock() { l.clock.update() }

type clock struct {
	wall time.Time
	mono int64 // milliseconds since start
}

var start = time.Now()

func (c *clock) update() {
	c.wall = time.Now()
	c.mono = c.wall.Sub(start).Milliseconds()
}
